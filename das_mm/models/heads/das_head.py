"""The DAS head: centres, roots and keypoints of every person in one pass (journal paper §3.2, §3.3).

Its losses, training and inference; the network is :mod:`.das_network`, points to people :mod:`.das_decoder`. Letters: B
images, L levels, h, w of a level, K keypoints, D coordinates (3 or 2), P points of one or all levels, N persons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from mmdet.utils import reduce_mean
from mmengine.structures import InstanceData
from mmpose.utils.typing import ConfigType, OptConfigType, SampleList
from torch import Tensor, nn

from das_mm.models.argument_groups import refuse_unknown, takes_flat
from das_mm.models.layers import PointIndex
from das_mm.models.task_modules import LevelTargets, PersonLabels
from das_mm.registry import MODELS, TASK_UTILS
from das_mm.structures.thresholds import with_defaults

from .das_decoder import DASDecoder, best_of_each_image
from .das_diagnosis import error_spread
from .das_network import DASNetwork, TowerSettings, images_with_points
from .point_outputs import PointOutputs
from .scene_people import scene_people
from .unlabelled_people import spare_likely_people

_TOWER_KEYS = (
    'in_channels',
    'feat_channels',
    'stacked_convs',
    'centerness_channels',
    'last_conv_cfg',
    'norm_cfg',
    'sigma_limit',
    'init_cfg',
)
_LOSS_KEYS = ('cls', 'centerness', 'root', 'root_depth', 'pose', 'pose_2d')
# the constructor's arguments of before
FLAT_KEYS = dict(
    towers={key: key for key in _TOWER_KEYS},
    targets=dict(assigner='assigner', coder='coder'),
    losses={f'loss_{key}': key for key in _LOSS_KEYS},
    test_cfg=dict(nms='nms'),
)


@MODELS.register_module()
class DASHead(DASNetwork):
    """Regression is evaluated at the points that matter and nowhere else.

    In training those are the positive points; at inference the candidates whose confidence passes the threshold. A
    level (of an image) without such points is not run through the regression and pose towers at all: centerness is at
    most 1, so no score there could pass. :meth:`forward` gives the dense maps.

    The flat arguments of before (``in_channels``, ``assigner``, ``loss_pose``, ``nms``, …) are taken too, alone or over
    the groups of a config that is inherited: see :mod:`das_mm.models.argument_groups`.

    Args:
        num_keypoints: K.
        dims: D: 3, or 2 for a model without depth in its keypoints.
        towers: Sizes, as in :class:`TowerSettings`; and ``init_cfg`` as in mmengine.
        update: Recursive update layers (``NoUpdate``, ``PlainUpdate``, ``MultiSourceUpdate``).
        branches: Plug-in task branches by name (:class:`BaseTaskBranch`).
        targets: ``assigner``, whose strides are the levels', ``coder`` of targets and poses, and
            ``unlabelled_confidence`` (1: never), above which a point counts as one of :func:`.spare_likely_people`.
        losses: ``cls``, ``centerness`` and ``root``; ``root_depth``, for the root's depth where it is to weigh more
            than its offsets (as ``root`` where it is not given); ``pose``, on keypoints with depth, with its flow of 3
            dimensions where it has one; ``pose_2d``, the same in 2 dimensions for keypoints that are labelled in the
            image only, and for the root, whose relative depth is known.
        test_cfg: ``nms``, the suppression among the poses of an image; and thresholds, which an estimator replaces by
            its own: ``score_thr``, ``nms_pre`` candidates a level, ``with_sigma``
                (:data:`das_mm.structures.thresholds.THRESHOLDS`).
    """

    @takes_flat(FLAT_KEYS, dropped=['train_cfg'])
    def __init__(
        self,
        num_keypoints: int = 15,
        dims: int = 3,
        towers: OptConfigType = None,
        update: OptConfigType = None,
        branches: dict[str, ConfigType] | None = None,
        targets: OptConfigType = None,
        losses: OptConfigType = None,
        test_cfg: OptConfigType = None,
    ):
        towers, targets, losses, test_cfg = (dict(group or {}) for group in (towers, targets, losses, test_cfg))
        refuse_unknown('model.head.towers', towers, _TOWER_KEYS)
        refuse_unknown('model.head.targets', targets, ('assigner', 'coder', 'unlabelled_confidence'))
        refuse_unknown('model.head.losses', losses, _LOSS_KEYS)
        init_cfg = towers.pop('init_cfg', None)
        settings = TowerSettings(**{name: value for name, value in towers.items() if value is not None})
        assigner = TASK_UTILS.build(targets.get('assigner') or dict(type='das_mm.DASTargetAssigner'))
        super().__init__(num_keypoints, dims, assigner.strides, settings, update, branches, init_cfg)
        self.assigner, self.unlabelled_confidence = assigner, float(targets.get('unlabelled_confidence', 1.0))
        self.coder = TASK_UTILS.build(targets.get('coder') or dict(type='das_mm.DASPoseCoder'))
        self.nms = TASK_UTILS.build(test_cfg.pop('nms', None) or dict(type='das_mm.OKSNMS'))
        self.test_cfg = test_cfg
        self.loss_cls = MODELS.build(losses.get('cls') or dict(type='das_mm.SigmoidFocalLoss'))
        self.loss_centerness = MODELS.build(
            losses.get('centerness') or dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True)
        )
        root_loss = losses.get('root') or dict(type='mmdet.L1Loss')
        self.loss_root = MODELS.build(root_loss)
        self.loss_root_depth = MODELS.build(losses.get('root_depth') or root_loss)
        pose_losses = {
            d: losses.get(key) or dict(type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=d))
            for d, key in ((2, 'pose_2d'), (3, 'pose'))
        }
        # the first offsets and the updated ones err differently: each has its own flows
        stages = ['initial'] + (['updated'] if self.update.num_layers else [])
        self.pose_losses = nn.ModuleDict(
            {
                f'{stage}_{d}d': MODELS.build(config)
                for stage in stages
                for d, config in pose_losses.items()
                if d <= dims
            }
        )
        if any(loss.uses_sigma for loss in self.pose_losses.values()):
            self.add_sigma_branch(settings)

    @property
    def decoder(self) -> DASDecoder:
        """From points to people, with the coder, the suppression and the branches of now."""
        return DASDecoder(self.coder, self.nms, self.branches, self.sigma_limit)

    # ---------------------------------------------------------------- training

    def loss(self, feats: Sequence[Tensor], batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch (Eq. 12).

        Args:
            feats: L maps (B, in_channels, h, w).
            batch_data_samples: Samples with ``gt_instance_labels``; images without people are welcome.
        """
        labels, targets = self.assign_targets(feats, batch_data_samples)
        cls_logits = self.forward_centers(feats)
        spare_likely_people(targets, cls_logits, batch_data_samples, self.unlabelled_confidence)
        outputs = self.forward_positives(feats, targets)
        losses = self.loss_by_feat(cls_logits, outputs, targets, labels)
        judges = {name: branch for name, branch in self.branches.items() if branch.judges_scenes}
        if judges:
            points = self.join(outputs, cls_logits[0])
            scene = scene_people(points, cls_logits, targets, labels, batch_data_samples, self.coder)
            for name, branch in judges.items():
                losses.update(branch.scene_loss(scene.outputs.tasks[name], scene))
        # every parameter takes part in every step, also on a level or a rank without people: DDP needs no search for
        # unused ones, and the gradient of what was not run is the exact zero that it should be
        losses['loss_cls'] = losses['loss_cls'] + self._zero_of_all_parameters()
        return losses

    def assign_targets(
        self, feats: Sequence[Tensor], batch_data_samples: SampleList
    ) -> tuple[PersonLabels, list[LevelTargets]]:
        """The labels of all persons of a batch, and the targets of every level."""
        labels = PersonLabels.from_instances(
            [sample.gt_instance_labels for sample in batch_data_samples], feats[0].device
        )
        return labels, self.assigner.assign(labels, len(batch_data_samples), [feat.shape[-2:] for feat in feats])

    def forward_positives(self, feats: Sequence[Tensor], targets: list[LevelTargets]) -> list[PointOutputs]:
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
        out = self.join(outputs, cls_logits[0])
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
        return self.loss_root(root[:, :2], target[:, :2], weights[:, :2], avg_factor=num_pos) + self.loss_root_depth(
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

    def _zero_of_all_parameters(self) -> Tensor:
        firsts = (parameter.flatten()[:1].sum() for parameter in self.parameters() if parameter.requires_grad)
        return cast('Tensor', sum(firsts)) * 0

    # ---------------------------------------------------------------- inference

    def predict(
        self, feats: Sequence[Tensor], batch_data_samples: SampleList, test_cfg: OptConfigType = None
    ) -> list[InstanceData]:
        """People of every image, in the frame of the network input.

        Returns:
            B :class:`InstanceData`, best person first, with float32 tensors ``scores`` (n,), ``roots_px`` (n, 2),
            ``root_depths_norm`` (n,) mm/px, ``keypoints_px`` (n, K, 2), ``relative_depths_mm`` (n, K), where asked for
            ``keypoints_sigma`` (n, K, D) standard deviations in px, px, mm and ``keypoint_scores`` (n, K), and the
            fields of the task branches.
        """
        cfg = with_defaults(self.test_cfg, test_cfg)
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
        feat, local = images_with_points(feat, points)
        reg = self.reg_tower(feat)
        centerness = self.centerness_at(reg, local)
        scores = confidence[points.batch, points.y, points.x] * centerness.sigmoid()
        keep = best_of_each_image(scores, points.batch, cfg['score_thr'], cfg['nms_pre'])
        if len(keep) == 0:
            return []
        local = PointIndex(*(index[keep] for index in local))
        images, batch = torch.unique(local.batch, return_inverse=True)
        if len(images) < len(feat):  # centerness emptied an image: the pose tower skips it too
            feat, reg, local = feat[images], reg[images], PointIndex(batch, local.y, local.x)
        out = self.regress(feat, reg, local, self.level(level), cfg['with_sigma'])
        out.centerness, out.image = centerness[keep], points.batch[keep]
        return [(out, scores[keep])]

    def predict_by_feat(
        self, outputs: PointOutputs | None, scores: Tensor | None, batch_size: int, device: torch.device
    ) -> list[InstanceData]:
        """Decodes candidates and suppresses doubles, image by image (None: no candidate in the batch)."""
        if outputs is None or scores is None:
            outputs, scores = self.join([], torch.zeros(1, device=device)), torch.zeros(0, device=device)
            outputs.sigma = None
        decoder = self.decoder
        fields = decoder.decode(outputs, scores, None if outputs.sigma is None else error_spread(self))
        return decoder.people(fields, outputs.image, batch_size)


def _world_mean(count: Tensor | int, like: Tensor) -> Tensor:
    """A count averaged over the processes, at least 1, as a float32 tensor."""
    return reduce_mean(torch.as_tensor(count, dtype=torch.float32, device=like.device)).clamp(min=1)
