"""CRMH: a detector whose regions tell bodies that stand in one scene (thesis chapter 5).

Letters: B images, P positive proposals, n people of an image.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from mmdet.models.detectors import TwoStageDetector
from mmengine.model import BaseModel
from mmpose.utils.typing import ConfigType, OptConfigType, OptSampleList, SampleList
from torch import Tensor

from das_mm.bodies.people_of_crops import describe_crop_meshes
from das_mm.models.body_models import SuperJoints, superset_layer
from das_mm.models.body_models.protocol import BodyModelProtocol
from das_mm.models.discriminators import AdversarialStep, generator_loss
from das_mm.registry import MODELS, TASK_UTILS
from das_mm.structures.cameras import project
from das_mm.structures.task_fields import TaskDescription

from .coherence_terms import CoherenceTerms
from .people_of_scene import ROOT, add_people
from .region_targets import region_targets
from .scene_camera import FOCAL_PX, box_translation, input_cameras
from .scene_labels import scene_labels
from .scene_roi_head import PositiveRegions
from .smpl_branch_loss import PlacedBodies
from .smpl_roi_head import RegionBodies

if TYPE_CHECKING:
    from mmengine.config import Config

NUM_KEYPOINTS = 24
_LEAST_SIDE_PX = 5.0


@MODELS.register_module()
class CRMH(TwoStageDetector):
    """Faster R-CNN with FPN, a branch of bodies on its regions, one camera for all people of an image.

    Args:
        backbone, neck, rpn_head: Configs, of mmdet.
        roi_head: Config of a :class:`.SceneRoIHead`.
        body_model: Config of a body.
        train_cfg: mmdet's ``rpn``, ``rpn_proposal`` and ``rcnn``; ``criterion``, config of a :class:`.SMPLBranchLoss`;
            ``coherence``, arguments of :class:`.CoherenceTerms`; ``adversarial``: None, or ``discriminator`` and
            ``mocap`` (configs; :class:`das_mm.datasets.MoCapBodies`) and ``weight``.
        test_cfg: mmdet's ``rpn`` and ``rcnn``; ``focal_px``, of the one camera, in training too (1000; None takes each
            image's true camera); ``score_thr`` and ``default_fov_deg``.
        data_preprocessor: Config of a :class:`.FixedSizePreprocessor`.
    """

    #: it finds people in whole images, see das_mm.models.estimator_protocol
    input_view = 'image'
    max_frame_gap: int | None = None
    uses_sigma = False
    cfg: Config
    dataset_meta: dict[str, Any]
    provenance: dict[str, Any]

    def __init__(
        self,
        backbone: ConfigType,
        neck: OptConfigType,
        rpn_head: ConfigType,
        roi_head: ConfigType,
        body_model: OptConfigType = None,
        train_cfg: OptConfigType = None,
        test_cfg: OptConfigType = None,
        data_preprocessor: OptConfigType = None,
    ) -> None:
        super().__init__(backbone, neck, rpn_head, roi_head, train_cfg, test_cfg, data_preprocessor)
        options = dict(train_cfg or {})
        self.body_model = MODELS.build({'_scope_': 'das_mm', **(body_model or dict(type='SMPLBody'))})
        self.super_joints = SuperJoints(self.body_model, 'gt24')
        self.keypoint_layer = superset_layer(self.body_model, 'gt24')
        self.criterion = MODELS.build(
            {'_scope_': 'das_mm', **(options.get('criterion') or dict(type='SMPLBranchLoss'))}
        )
        self.coherence = CoherenceTerms(**(options.get('coherence') or {}))
        adversarial = options.get('adversarial')
        self.adversarial_weight = 0.0 if adversarial is None else adversarial.get('weight', 1 / 60)
        self.discriminator = None
        if adversarial is not None:
            self.discriminator = MODELS.build({'_scope_': 'das_mm', **adversarial['discriminator']})
            mocap = adversarial.get('mocap') or dict(type='MoCapBodies')
            self.mocap = TASK_UTILS.build({'_scope_': 'das_mm', **mocap})

    @property
    def focal_px(self) -> float | None:
        """Of the one camera; None: each image's own."""
        return self.test_cfg.get('focal_px', FOCAL_PX)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Weights are whole without those of the discriminator, and with them: inference does not need it."""
        part = f'{prefix}discriminator.'
        given = [key for key in state_dict if key.startswith(part)]
        if self.discriminator is None:
            for key in given:
                del state_dict[key]
        elif not given:  # it starts anew
            state_dict.update({part + key: value for key, value in self.discriminator.state_dict().items()})
        super()._load_from_state_dict(state_dict, prefix, *args)

    # ---------------------------------------------------------------- training

    def train_step(self, data: dict[str, Any], optim_wrapper: Any) -> dict[str, Tensor]:
        """One step of the network, and where there is a discriminator one of it afterwards."""
        if self.discriminator is None:
            return BaseModel.train_step(self, data, optim_wrapper)
        step = AdversarialStep(optim_wrapper, self.discriminator, self.adversarial_weight)
        data = self.data_preprocessor(data, True)

        def loss_of() -> tuple[Tensor, Any]:
            losses, fake = self._losses(data['inputs'], data['data_samples'])
            total, told = self.parse_losses(losses)
            return total, (told, fake)

        told, fake = step.step_generator(self, loss_of)
        real = tuple(part.to(fake[1]) for part in self.mocap.draw(len(fake[0])))
        told['judge'] = step.step_discriminator(self, fake, real)
        return told

    def loss(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch of inputs (B, 3, H, W); what else is counted stands beside them under names without
        'loss'."""
        return self._losses(batch_inputs, batch_data_samples)[0]

    def _losses(self, inputs: Tensor, samples: SampleList) -> tuple[dict[str, Tensor], tuple[Tensor, Tensor]]:
        """And the bodies that the discriminator is to judge: rotations (P, 23, 3, 3) and betas (P, 10)."""
        feats, metas = self.extract_feat(inputs), [sample.metainfo for sample in samples]
        labels = scene_labels(samples, inputs)
        losses, proposals = self._propose(feats, metas, labels)
        box_losses, regions, bodies = self.roi_head.train_regions(feats, proposals, labels)
        losses.update(box_losses)
        if bodies is None:
            idle = sum(parameter.sum() * 0 for parameter in self.roi_head.smpl_head.parameters())
            losses['loss_pose'] = idle
            return losses, (inputs.new_zeros(0, 23, 3, 3), inputs.new_zeros(0, 10))
        size = inputs.shape[-1], inputs.shape[-2]
        cameras = input_cameras(metas, size, self.focal_px, inputs)
        with torch.autocast(inputs.device.type, enabled=False):
            body_losses, fake = self._body_losses(regions, bodies, labels, cameras, size)
        losses.update(body_losses)
        return losses, fake

    def _propose(self, feats: tuple, metas: list[dict], labels: list) -> tuple[dict[str, Any], list]:
        outputs = self.rpn_head(feats)
        people, ignored = [one.people for one in labels], [one.ignored for one in labels]
        losses = self.rpn_head.loss_by_feat(*outputs, people, metas, batch_gt_instances_ignore=ignored)
        proposals = self.rpn_head.predict_by_feat(*outputs, batch_img_metas=metas, cfg=self.train_cfg['rpn_proposal'])
        return dict(losses), proposals

    def _body_losses(
        self, regions: PositiveRegions, found: RegionBodies, labels: list, cameras: Tensor, size: tuple[int, int]
    ) -> tuple[dict[str, Tensor], tuple[Tensor, Tensor]]:
        sides = regions.boxes[:, 2:] - regions.boxes[:, :2]
        rows = torch.nonzero((sides.abs() > _LEAST_SIDE_PX).all(1)).squeeze(1)  # thin boxes show nobody
        regions = PositiveRegions(*(column[rows] for column in regions))
        bodies = self._placed(RegionBodies(*(part[rows].float() for part in found)), regions, cameras)
        targets = region_targets(labels, regions, self.body_model, bool(self.criterion.vertices_weight))
        losses = self.criterion(bodies, targets, regions.boxes, size)
        fake = bodies.rotations[:, 1:], bodies.betas
        if self.discriminator is not None:
            losses['loss_adversarial'] = self.adversarial_weight * generator_loss(self.discriminator(*fake))
        losses.update(self.coherence(bodies, regions, labels, cameras, self.body_model.faces, size))
        return losses, fake

    def _placed(self, found: RegionBodies, regions: PositiveRegions, cameras: Tensor) -> PlacedBodies:
        vertices, joints = self.body_model(found.rotations[:, 0], found.rotations[:, 1:], found.betas)
        keypoints = self.super_joints(vertices, joints)
        own = cameras[regions.image]
        translation = box_translation(found.camera, regions.boxes, own)
        in_image = project(keypoints + translation[:, None], own[:, None])
        return PlacedBodies(found.rotations, found.betas, vertices, keypoints, translation, in_image)

    # ---------------------------------------------------------------- inference (das_mm.models.estimator_protocol)

    @property
    def tasks(self) -> Mapping[str, TaskDescription]:
        """Poses, and the meshes that they are of."""
        return dict(pose=TaskDescription('pose'), mesh=describe_crop_meshes(self.body_model, ROOT))

    @property
    def body(self) -> BodyModelProtocol:
        """The body that is regressed."""
        return self.body_model

    @property
    def num_keypoints(self) -> int:
        """Of ``gt24``."""
        return NUM_KEYPOINTS

    @property
    def score_thr(self) -> float:
        """People of a lower score are left out."""
        return float(self.test_cfg.get('score_thr', self.test_cfg['rcnn']['score_thr']))

    def forget(self) -> None:
        """Another video begins; it remembers nothing anyway."""

    def _forward(self, batch_inputs: Tensor, batch_data_samples: OptSampleList = None) -> tuple:
        """Mode 'tensor': what the first stage says of all levels, as analyses of complexity count."""
        return self.rpn_head(self.extract_feat(batch_inputs))

    @torch.no_grad()
    def find(self, inputs: Tensor, samples: SampleList) -> list:
        """People of each image in px and metres of the network input, best first: fields of
        :meth:`.SceneRoIHead.find`, and ``translation`` (n, 3) m before the one camera."""
        metas = [sample.metainfo for sample in samples]
        feats = self.extract_feat(inputs)
        proposals = self.rpn_head.predict_by_feat(*self.rpn_head(feats), batch_img_metas=metas)
        people = self.roi_head.find(feats, proposals, metas)
        cameras = input_cameras(metas, (inputs.shape[-1], inputs.shape[-2]), self.focal_px, inputs)
        for one, camera in zip(people, cameras):
            one.translation = box_translation(one.camera, one.bboxes, camera.expand(len(one), 3, 3))
        return [one[one.scores >= self.score_thr] for one in people]

    @torch.no_grad()
    def predict(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> SampleList:
        """The samples with ``pred_instances`` added: original image px, camera mm, arrays."""
        people = self.find(batch_inputs, batch_data_samples)
        size = batch_inputs.shape[-1], batch_inputs.shape[-2]
        metas = [sample.metainfo for sample in batch_data_samples]
        cameras = input_cameras(metas, size, self.focal_px, batch_inputs).cpu().numpy()
        points = [self.keypoint_layer(one.rotations[:, 0], one.rotations[:, 1:], one.betas) for one in people]
        return add_people(batch_data_samples, people, points, cameras, self.body_model)
