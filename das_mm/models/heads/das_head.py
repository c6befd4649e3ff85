"""The DAS head: centres, roots and keypoints of every person in one pass (journal paper §3.2, §3.3).

Letters: B images, L levels, h and w of a level, K keypoints, D coordinates (3, or 2 without depth), P points of one or
of all levels, N persons of the batch. Offsets are joint-major, (x, y[, z]) minor; x and y in strides of the level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from mmdet.utils import reduce_mean
from mmengine.model import BaseModule, ModuleDict, bias_init_with_prob
from mmengine.structures import InstanceData
from mmpose.utils.typing import ConfigType, OptConfigType, OptSampleList
from torch import Tensor, nn

from das_mm.models.layers import PointIndex
from das_mm.models.losses import keypoint_confidence, positive_scale, residual_spread
from das_mm.models.task_modules import LevelTargets, PersonLabels
from das_mm.registry import MODELS, TASK_UTILS

from .branches.task_branch import build_branches
from .towers import OutputBranch, Tower, gather_points, init_normal


@dataclass
class PointOutputs:
    """What the head regresses at P points (of one level, or of all after :meth:`cat`).

    Attributes:
        centerness (Tensor): (P,) logits.
        root (Tensor): (P, 3) root offset in strides, scaled norm depth.
        pose (list[Tensor]): (P, K, D) offsets: U, then U', U'', … of every update layer.
        sigma (Tensor | None): (P, K, D) in the units of the offsets; None when not asked for.
        tasks (dict[str, Tensor]): (P, out_channels) of every plug-in branch.
        points_px (Tensor): (P, 2) in the network input.
        strides (Tensor): (P,).
        image (Tensor): (P,).
    """

    centerness: Tensor
    root: Tensor
    pose: list[Tensor]
    sigma: Tensor | None
    points_px: Tensor
    strides: Tensor
    image: Tensor
    tasks: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def cat(cls, outputs: Sequence[PointOutputs]) -> PointOutputs:
        """One set of points out of several levels'."""
        join = lambda name: torch.cat([getattr(out, name) for out in outputs])
        return cls(
            pose=[torch.cat(steps) for steps in zip(*(out.pose for out in outputs))],
            sigma=None if outputs[0].sigma is None else join('sigma'),
            tasks={name: torch.cat([out.tasks[name] for out in outputs]) for name in outputs[0].tasks},
            **{name: join(name) for name in ('centerness', 'root', 'points_px', 'strides', 'image')},
        )


@dataclass
class DenseMaps:
    """All maps of all levels, evaluated everywhere: for export, pictures and as the reference of the tests.

    Lists over the levels; ``pose[l]`` lists U, U', … as (B, K*D, h, w).
    """

    cls: list[Tensor]
    centerness: list[Tensor]
    root: list[Tensor]
    pose: list[list[Tensor]]
    sigma: list[Tensor | None]
    tasks: list[dict[str, Tensor]]


@MODELS.register_module()
class DASHead(BaseModule):
    """Three towers shared over the levels; regression is evaluated at the points that matter and nowhere else.

    In training those are the positive points; at inference the candidates whose confidence passes the threshold. A
    level (of an image) without such points is not run through the regression and pose towers at all: centerness is at
    most 1, so no score there could pass. :meth:`forward` gives the dense maps.

    Args:
        num_keypoints: K.
        in_channels: Channels of the pyramid.
        feat_channels: Channels of the towers.
        stacked_convs: Convolutions of a tower.
        centerness_channels: Channels before the centerness output.
        dims: D: 3, or 2 for a model without depth in its keypoints.
        last_conv_cfg: Convolution of each tower's last layer (DCNv2 in the released code).
        norm_cfg: Normalisation of towers and outputs.
        assigner: Target assigner, whose strides are the levels'.
        coder: Coder of targets and poses.
        update: Recursive update layers (``NoUpdate``, ``PlainUpdate``, ``MultiSourceUpdate``).
        loss_cls, loss_centerness, loss_root: Loss configs.
        loss_pose: Config of the loss on keypoints with depth, with its flow of 3 dimensions where it has one.
        loss_pose_2d: The same in 2 dimensions for keypoints that are labelled in the image only, and for the root, whose
            relative depth is known.
        nms: Suppression among the poses of an image.
        branches: Plug-in task branches by name (:class:`BaseTaskBranch`).
        test_cfg: ``score_thr`` 0.05, ``nms_pre`` 1000 candidates a level, ``with_sigma`` False.
    """

    def __init__(
        self,
        num_keypoints: int = 15,
        in_channels: int = 256,
        feat_channels: int = 256,
        stacked_convs: int = 2,
        centerness_channels: int = 64,
        dims: int = 3,
        last_conv_cfg: OptConfigType = None,
        norm_cfg: OptConfigType = None,
        assigner: OptConfigType = None,
        coder: OptConfigType = None,
        update: OptConfigType = None,
        loss_cls: OptConfigType = None,
        loss_centerness: OptConfigType = None,
        loss_root: OptConfigType = None,
        loss_pose: OptConfigType = None,
        loss_pose_2d: OptConfigType = None,
        nms: OptConfigType = None,
        branches: dict[str, ConfigType] | None = None,
        train_cfg: OptConfigType = None,
        test_cfg: OptConfigType = None,
        init_cfg: OptConfigType = None,
    ):
        super().__init__(init_cfg)
        self.num_keypoints, self.dims = num_keypoints, dims
        self.train_cfg, self.test_cfg = train_cfg or {}, test_cfg or {}
        norm_cfg = norm_cfg or dict(type='GN', num_groups=32)
        self.assigner = TASK_UTILS.build(assigner or dict(type='DASTargetAssigner'))
        self.coder = TASK_UTILS.build(coder or dict(type='DASPoseCoder'))
        self.nms = TASK_UTILS.build(nms or dict(type='OKSNMS'))
        self.strides = self.assigner.strides

        self.cls_tower, self.reg_tower, self.pose_tower = (
            Tower(in_channels, feat_channels, stacked_convs, norm_cfg, last_conv_cfg) for _ in range(3)
        )
        self.cls_branch = OutputBranch(feat_channels, 1, norm_cfg)
        self.centerness_branch = OutputBranch(feat_channels, 1, norm_cfg, centerness_channels)
        self.offset_branch = OutputBranch(feat_channels, 2, norm_cfg)
        self.depth_branch = OutputBranch(feat_channels, 1, norm_cfg)
        self.pose_branch = OutputBranch(feat_channels, num_keypoints * dims, norm_cfg)
        # a learnt scalar a level on the root offset, root depth, keypoint xy and keypoint z
        self.scales = nn.Parameter(torch.ones(len(self.strides), 4))
        self.update = MODELS.build(
            dict(in_channels=feat_channels, num_keypoints=num_keypoints, dims=dims, **(update or dict(type='NoUpdate')))
        )
        self.branches = ModuleDict(build_branches(branches or {}))  # mmengine's: torch's would not initialise them

        self.loss_cls = MODELS.build(loss_cls or dict(type='das_mm.SigmoidFocalLoss'))
        self.loss_centerness = MODELS.build(loss_centerness or dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True))
        self.loss_root = MODELS.build(loss_root or dict(type='mmdet.L1Loss'))
        loss_pose = loss_pose or dict(type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=3))
        loss_pose_2d = loss_pose_2d or dict(type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=2))
        # the first offsets and the updated ones err differently: each has its own flows
        stages = ['initial'] + (['updated'] if self.update.num_layers else [])
        self.pose_losses = nn.ModuleDict(
            {
                f'{stage}_{d}d': MODELS.build(config)
                for stage in stages
                for d, config in ((2, loss_pose_2d), (3, loss_pose))
                if d <= dims
            }
        )
        self._spread: tuple[list, Tensor] | None = None
        self.uses_sigma = any(loss.uses_sigma for loss in self.pose_losses.values())
        if self.uses_sigma:
            self.sigma_branch = OutputBranch(feat_channels, num_keypoints * dims, norm_cfg)

    def init_weights(self) -> None:
        """Normal(0, 0.01) convolutions and a prior of 0.01 on every point being a person."""
        if self.is_init:  # a second call leaves what was loaded or learnt since alone, as everywhere in mmengine
            return
        super().init_weights()
        for part in (
            self.cls_tower,
            self.reg_tower,
            self.pose_tower,
            self.cls_branch,
            self.centerness_branch,
            self.offset_branch,
            self.depth_branch,
            self.pose_branch,
        ):
            init_normal(part)
        if self.uses_sigma:
            init_normal(self.sigma_branch)
        nn.init.constant_(self.cls_branch.out.bias, bias_init_with_prob(0.01))

    # ---------------------------------------------------------------- forward

    def forward(self, feats: Sequence[Tensor]) -> DenseMaps:
        """Every map of every level, everywhere.

        Args:
            feats: L maps (B, in_channels, h, w).
        """
        maps = DenseMaps([], [], [], [], [], [])
        for level, feat in enumerate(feats):
            reg, pose = self.reg_tower(feat), self.pose_tower(feat)
            maps.cls.append(self.cls_branch(self.cls_tower(feat)))
            maps.centerness.append(self.centerness_branch(reg))
            scale_xy, scale_depth = self.scales[level, 0], self.scales[level, 1]
            maps.root.append(
                torch.cat([self.offset_branch(reg) * scale_xy, self.depth_branch(reg) * scale_depth], dim=1)
            )
            first = self._first_offsets(pose, level)
            maps.pose.append([first, *self.update.dense(pose, first)])
            maps.sigma.append(positive_scale(self.sigma_branch(pose)) if self.uses_sigma else None)
            maps.tasks.append({name: branch(feat) for name, branch in self.branches.items()})
        return maps

    def forward_centers(self, feats: Sequence[Tensor]) -> list[Tensor]:
        """Logits (B, h, w) of each level that a point is a person's centre."""
        return [self.cls_branch(self.cls_tower(feat))[:, 0] for feat in feats]

    def forward_points(self, feat: Tensor, level: int, points: PointIndex, with_sigma: bool) -> PointOutputs:
        """Everything regressed at P >= 1 points of one level, equal to :meth:`forward` there.

        Only the images that have points go through the towers; group normalisation is per image, so this is exact.
        """
        feat, local = self._select_images(feat, points)
        reg = self.reg_tower(feat)
        centerness = self.centerness_branch.at_points(reg, local)[:, 0].float()
        return self._regress_points(feat, reg, level, points, local, centerness, with_sigma)

    def _regress_points(
        self,
        feat: Tensor,
        reg: Tensor,
        level: int,
        points: PointIndex,
        local: PointIndex,
        centerness: Tensor,
        with_sigma: bool,
    ) -> PointOutputs:
        """The part of :meth:`forward_points` behind the regression tower (``local``: points within ``feat``)."""
        pose = self.pose_tower(feat)
        root = torch.cat(
            [
                self.offset_branch.at_points(reg, local) * self.scales[level, 0],
                self.depth_branch.at_points(reg, local) * self.scales[level, 1],
            ],
            1,
        )
        first = self._first_offsets(pose, level)
        shape = (len(local.batch), self.num_keypoints, self.dims)
        steps = [gather_points(first, local).reshape(shape), *self.update.sparse(pose, first, local)]
        sigma = None
        if with_sigma:
            sigma = positive_scale(self.sigma_branch.at_points(pose, local).float()).reshape(shape)
        stride = self.strides[level]
        points_px = torch.stack([points.x, points.y], dim=1) * stride + (stride - 1) / 2
        return PointOutputs(
            centerness=centerness,
            root=root.float(),
            pose=[step.float() for step in steps],
            sigma=sigma,
            points_px=points_px.float(),
            strides=torch.full_like(points_px[:, 0], stride),
            image=points.batch,
            tasks={name: branch.forward_points(feat, local) for name, branch in self.branches.items()},
        )

    def _first_offsets(self, pose_feat: Tensor, level: int) -> Tensor:
        """U: (B, K*D, h, w), scaled per level. It is read at joint-dependent places, so it is wanted as a map."""
        scale = torch.cat([self.scales[level, 2].expand(2), self.scales[level, 3:4]])[: self.dims]
        return self.pose_branch(pose_feat) * scale.repeat(self.num_keypoints)[:, None, None]

    @staticmethod
    def _select_images(feat: Tensor, points: PointIndex) -> tuple[Tensor, PointIndex]:
        """The images that have points, and the points' indices within them."""
        images, batch = torch.unique(points.batch, return_inverse=True)
        if len(images) == len(feat):
            return feat, points
        return feat[images], PointIndex(batch, points.y, points.x)

    # ---------------------------------------------------------------- training

    def loss(
        self, feats: Sequence[Tensor], batch_data_samples: OptSampleList, train_cfg: OptConfigType = None
    ) -> dict[str, Tensor]:
        """Losses of a batch (Eq. 12).

        Args:
            feats: L maps (B, in_channels, h, w).
            batch_data_samples: Samples with ``gt_instance_labels``; images without people are welcome.
        """
        labels, targets = self.assign_targets(feats, batch_data_samples)
        cls_logits = self.forward_centers(feats)
        outputs = self._at_positives(feats, targets)
        losses = self.loss_by_feat(cls_logits, outputs, targets, labels)
        # every parameter takes part in every step, also on a level or a rank without people: DDP needs no search for
        # unused ones, and the gradient of what was not run is the exact zero that it should be
        losses['loss_cls'] = losses['loss_cls'] + self._zero_of_all_parameters()
        return losses

    @torch.no_grad()
    def residuals(self, feats: Sequence[Tensor], batch_data_samples: OptSampleList) -> dict[str, Tensor]:
        """What the flows learn from: errors and scales at the positive points of labelled images.

        Returns:
            ``errors`` list over U, U', … of (P, K, D) truth minus prediction and ``sigmas`` (P, K, D), in (px, px[, mm])
            of the network input; ``valid`` (P, K, D) bool, coordinates that are labelled.
        """
        labels, targets = self.assign_targets(feats, batch_data_samples)
        outputs = self._at_positives(feats, targets)
        out = PointOutputs.cat(outputs) if outputs else self._no_points(feats[0])
        person = torch.cat([target.person for target in targets])
        code = self.coder.encode(labels, person, out.points_px, out.strides)
        in_units = lambda values: self.coder.decode_sigma(values, out.strides)
        return dict(
            errors=[in_units(code.pose[..., : self.dims] - pose) for pose in out.pose],
            sigmas=in_units(torch.ones_like(out.pose[0]) if out.sigma is None else out.sigma),
            valid=code.pose_weights[..., : self.dims] > 0,
        )

    def assign_targets(
        self, feats: Sequence[Tensor], batch_data_samples: OptSampleList
    ) -> tuple[PersonLabels, list[LevelTargets]]:
        """The labels of all persons of a batch, and the targets of every level."""
        labels = PersonLabels.from_instances(
            [sample.gt_instance_labels for sample in batch_data_samples], feats[0].device
        )
        return labels, self.assigner.assign(labels, len(batch_data_samples), [feat.shape[-2:] for feat in feats])

    def _at_positives(self, feats: Sequence[Tensor], targets: list[LevelTargets]) -> list[PointOutputs]:
        """Outputs at the positive points, one entry a level that has any."""
        return [
            self.forward_points(feat, level, target.points, self.uses_sigma)
            for level, (feat, target) in enumerate(zip(feats, targets))
            if len(target.person)
        ]

    def loss_by_feat(
        self, cls_logits: list[Tensor], outputs: list[PointOutputs], targets: list[LevelTargets], labels: PersonLabels
    ) -> dict[str, Tensor]:
        """Losses from logits (B, h, w) a level and from what was regressed at the positive points.

        Args:
            cls_logits: One map a level.
            outputs: One entry for each level that has positive points, in order; empty without people.
            targets: One entry a level.
            labels: Persons of the batch.
        """
        num_pos = _world_mean(sum(len(target.person) for target in targets), cls_logits[0])
        flatten = lambda maps: torch.cat([one.flatten() for one in maps])
        losses = dict(
            loss_cls=self.loss_cls(
                flatten(cls_logits),
                flatten([target.cls for target in targets]),
                flatten([target.cls_weight for target in targets]),
                avg_factor=num_pos,
            )
        )
        out = PointOutputs.cat(outputs) if outputs else self._no_points(cls_logits[0])
        person = torch.cat([target.person for target in targets])
        centerness = torch.cat([target.centerness for target in targets])
        code = self.coder.encode(labels, person, out.points_px, out.strides)
        losses['loss_centerness'] = self.loss_centerness(out.centerness, centerness, avg_factor=num_pos)
        losses['loss_root'] = self._root_loss(out.root, code.root, code.root_weights, num_pos)
        losses.update(self._pose_loss(out, code.pose[..., : self.dims], code.pose_weights[..., : self.dims]))
        for name, branch in self.branches.items():
            losses.update(branch.loss(out.tasks[name], labels, person, out.points_px, out.strides, num_pos))
        return losses

    def _root_loss(self, root: Tensor, target: Tensor, weights: Tensor, num_pos: Tensor) -> Tensor:
        """L1 on (dx, dy, d), Eq. 3; the depth is averaged over the points that have one."""
        with_depth = _world_mean(weights[:, 2].sum(), root)
        return self.loss_root(root[:, :2], target[:, :2], weights[:, :2], avg_factor=num_pos) + self.loss_root(
            root[:, 2], target[:, 2], weights[:, 2], avg_factor=with_depth
        )

    def _pose_loss(self, out: PointOutputs, target: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """RLE (or what the config names) on U and on every update of it, Eq. 10.

        A keypoint with depth goes to the D = 3 flow, one that is labelled in the image only to the 2D flow. Both sums
        are divided by the number of all counted keypoints.
        """
        labelled = weights[..., 0] > 0  # (P, K)
        full = (weights > 0).all(-1)
        flat = labelled & ~full
        counted = _world_mean(labelled.sum(), target)
        losses = {}
        for step, pose in enumerate(out.pose):
            stage = 'initial' if step == 0 else 'updated'
            total = 0
            for d, rows in ((2, flat if self.dims == 3 else full), (3, full)):
                if d > self.dims:
                    continue
                sigma = None if out.sigma is None else out.sigma[rows][:, :d]
                total = total + self.pose_losses[f'{stage}_{d}d'](
                    pose[rows][:, :d], sigma, target[rows][:, :d], avg_factor=counted
                )
            losses['loss_pose' if step == 0 else f'loss_pose_update{step}'] = total
        with torch.no_grad():
            error_px = (out.pose[-1] - target)[..., :2].norm(dim=-1) * out.strides[:, None]
            losses['keypoint_error_px'] = (error_px * labelled).sum() / labelled.sum().clamp(min=1)
        return losses

    def _no_points(self, like: Tensor) -> PointOutputs:
        """Empty outputs that hang on the graph, for a batch without positive points."""
        zero = like.sum().float() * 0
        empty = lambda *shape: zero.expand(0, *shape)
        k, d = self.num_keypoints, self.dims
        return PointOutputs(
            centerness=empty(),
            root=empty(3),
            pose=[empty(k, d) for _ in range(1 + self.update.num_layers)],
            sigma=empty(k, d) if self.uses_sigma else None,
            points_px=empty(2),
            strides=empty(),
            image=torch.zeros(0, dtype=torch.long, device=like.device),
            tasks={name: empty(branch.out_channels) for name, branch in self.branches.items()},
        )

    def _zero_of_all_parameters(self) -> Tensor:
        return sum(parameter.flatten()[:1].sum() for parameter in self.parameters() if parameter.requires_grad) * 0

    # ---------------------------------------------------------------- inference

    def predict(
        self, feats: Sequence[Tensor], batch_data_samples: OptSampleList, test_cfg: OptConfigType = None
    ) -> list[InstanceData]:
        """People of every image, in the frame of the network input.

        Returns:
            B :class:`InstanceData`, best person first, with float32 tensors ``scores`` (n,), ``roots_px`` (n, 2),
            ``root_depths_norm`` (n,) mm/px, ``keypoints_px`` (n, K, 2), ``relative_depths_mm`` (n, K), where asked for
            ``keypoints_sigma`` (n, K, D) standard deviations in px, px, mm and ``keypoint_scores`` (n, K), and the
            fields of the task branches.
        """
        cfg = {**dict(score_thr=0.05, nms_pre=1000, with_sigma=False), **self.test_cfg, **(test_cfg or {})}
        if cfg['with_sigma'] and not self.uses_sigma:
            raise ValueError('with_sigma is asked for, but this model learns no sigma: its pose loss has none')
        confidences = [logits.float().sigmoid() for logits in self.forward_centers(feats)]
        found = []
        for level, (feat, confidence) in enumerate(zip(feats, confidences)):
            points = PointIndex(*torch.nonzero(confidence > cfg['score_thr'], as_tuple=True))
            if len(points.batch):
                found += self._candidates(feat, level, points, confidence, cfg)
        outputs = PointOutputs.cat([out for out, _ in found]) if found else None
        scores = torch.cat([score for _, score in found]) if found else None
        return self.predict_by_feat(outputs, scores, len(batch_data_samples), feats[0].device)

    def _candidates(
        self, feat: Tensor, level: int, points: PointIndex, confidence: Tensor, cfg: dict
    ) -> list[tuple[PointOutputs, Tensor]]:
        """Outputs and scores of the points of a level whose score passes; an empty list if none does."""
        feat, local = self._select_images(feat, points)
        reg = self.reg_tower(feat)
        centerness = self.centerness_branch.at_points(reg, local)[:, 0].float()
        scores = confidence[points.batch, points.y, points.x] * centerness.sigmoid()
        keep = _best_per_image(scores, points.batch, cfg['score_thr'], cfg['nms_pre'])
        if len(keep) == 0:
            return []
        points, local = (PointIndex(*(index[keep] for index in one)) for one in (points, local))
        images, batch = torch.unique(local.batch, return_inverse=True)
        if len(images) < len(feat):  # centerness emptied an image: the pose tower skips it too
            feat, reg, local = feat[images], reg[images], PointIndex(batch, local.y, local.x)
        out = self._regress_points(feat, reg, level, points, local, centerness[keep], cfg['with_sigma'])
        return [(out, scores[keep])]

    def predict_by_feat(
        self, outputs: PointOutputs | None, scores: Tensor | None, batch_size: int, device: torch.device
    ) -> list[InstanceData]:
        """Decodes candidates and suppresses doubles, image by image (None: no candidate in the batch)."""
        if outputs is None:
            outputs = self._no_points(torch.zeros(1, device=device))
            outputs.sigma = None
            scores = torch.zeros(0, device=device)
        decoded = self.coder.decode(outputs.root, outputs.pose[-1], outputs.points_px, outputs.strides)
        fields = dict(vars(decoded), scores=scores)
        if outputs.sigma is not None:
            fields['keypoints_sigma'] = self.coder.decode_sigma(outputs.sigma * self._error_spread(), outputs.strides)
            fields['keypoint_scores'] = keypoint_confidence(outputs.sigma)
        for name, branch in self.branches.items():
            fields.update(branch.decode(outputs.tasks[name], outputs.points_px, outputs.strides))
        results = []
        for index in range(batch_size):
            rows = torch.nonzero(outputs.image == index).squeeze(1)
            rows = rows[self.nms(decoded.keypoints_px[rows], scores[rows])]
            results.append(InstanceData(**{name: values[rows] for name, values in fields.items()}))
        return results

    def _error_spread(self) -> Tensor:
        """(D,) standard deviation of error / sigma as the flow has learnt it; sigma alone is known up to a factor.

        It depends on the weights alone and takes thousands of samples, so it is kept until the weights change.
        """
        stage = 'updated' if self.update.num_layers else 'initial'
        loss = self.pose_losses[f'{stage}_{self.dims}d']
        version = [(parameter.device, parameter._version, parameter.data_ptr()) for parameter in loss.parameters()]
        if self._spread is None or self._spread[0] != version:
            device = self.scales.device
            generator = torch.Generator(device).manual_seed(0)
            self._spread = version, residual_spread(loss, generator=generator, num_dims=self.dims).to(device)
        return self._spread[1]


def _best_per_image(scores: Tensor, image: Tensor, score_thr: float, limit: int) -> Tensor:
    """Indices of the points that pass ``score_thr``, at most ``limit`` best ones an image."""
    keep = torch.nonzero(scores > score_thr).squeeze(1)
    if len(keep) <= limit:
        return keep
    return torch.cat(
        [
            rows[torch.topk(scores[rows], min(limit, len(rows))).indices]
            for rows in (keep[image[keep] == one] for one in torch.unique(image[keep]))
        ]
    )


def _world_mean(count: Tensor | int, like: Tensor) -> Tensor:
    """A count averaged over the processes, at least 1, as a float32 tensor."""
    return reduce_mean(torch.as_tensor(count, dtype=torch.float32, device=like.device)).clamp(min=1)
