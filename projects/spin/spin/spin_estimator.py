"""SPIN: a network that regresses a body, taught by fits that it starts itself (thesis chapter 3).

Letters: B people, one a crop.
"""

from __future__ import annotations

from typing import Any

import torch
from mmpose.utils.typing import ConfigType, OptSampleList, SampleList
from torch import Tensor

from das_mm.fitting import AdamSchedule, SMPLify
from das_mm.models.losses.body_priors import MaxMixturePrior
from das_mm.models.pose_estimators.crop_bodies import CropBodyEstimator, RegressedBody, add_people
from das_mm.registry import MODELS
from das_mm.structures.crop_cameras import camera_translation, project_crop
from das_mm.structures.tensor_rotations import axis_angle_to_matrix, matrix_to_axis_angle

from .crop_batch import CropBatch
from .fit_supervision import FitSupervisor, Supervision
from .fits_store import FitsStore
from .spin_loss import NUM_OPENPOSE, BodyTargets, Keypoints


@MODELS.register_module()
class SPIN(CropBodyEstimator):
    """Backbone, pooled feature, regressor; in training the fits beside it.

    Args:
        backbone: Config, a ResNet; its last map is averaged.
        head: Config of an :class:`.IEFHead`.
        body_model: Config of a body.
        train_cfg: ``criterion``, config of a :class:`.SPINLoss`; ``fitting`` (``camera_steps``, ``body_steps``, ``lr``,
            ``mixture_file``); ``in_the_loop``, ``max_quality`` and ``max_beta`` of :class:`.FitSupervisor`; and
            ``ignore_3d``: True trains unpaired, with 2D keypoints alone, whatever else the data have.
        test_cfg: ``default_fov_deg`` of images of unknown intrinsics.
        kwargs: ``data_preprocessor``, ``init_cfg`` and ``metainfo``, as in mmpose.
    """

    superset = 'spin49'

    def __init__(self, backbone: ConfigType, head: ConfigType, **kwargs: Any) -> None:
        super().__init__(backbone, head, **kwargs)
        options = dict(self.train_cfg)
        self.criterion = MODELS.build(options.get('criterion') or dict(type='SPINLoss'))
        fitting = dict(options.get('fitting') or {})
        self.smplify = SMPLify(
            self.keypoint_layer,
            prior=MaxMixturePrior(fitting.pop('mixture_file', None)),
            schedule=AdamSchedule(**fitting),
        )
        #: given by the FitsStoreHook; no part of the weights
        self.fits_store: FitsStore | None = None

    # ---------------------------------------------------------------- training

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch; what the fits did stands beside them under names without 'loss'.

        Args:
            inputs: (B, 3, H, W), normalised, H = W.
            data_samples: Packed crops with labels.
        """
        batch = CropBatch.of_samples(data_samples, inputs, bool(self.train_cfg.get('ignore_3d', False)))
        body = self._regress(inputs)
        crop_px = inputs.shape[-1]
        translation = camera_translation(body.camera, crop_px)
        points = self._keypoints(body)
        predicted = Keypoints(project_crop(points, translation, crop_px), points[:, NUM_OPENPOSE:])
        pose = matrix_to_axis_angle(body.rotations.detach()).flatten(1)
        supervision = self._supervisor(crop_px)(
            self.fits_store,
            batch.keys,
            (pose, body.betas, translation),
            batch.keypoints_px(crop_px),
            (batch.pose, batch.betas, batch.has_smpl),
        )
        targets, vertices = self._targets(supervision, body)
        losses = self.criterion(
            body, predicted, Keypoints(batch.keypoints_2d, batch.keypoints_3d), batch.has_pose_3d, targets, vertices
        )
        return {**losses, **_report(supervision)}

    def _supervisor(self, crop_px: int) -> FitSupervisor:
        options = {
            name: self.train_cfg[name] for name in ('max_quality', 'max_beta', 'in_the_loop') if name in self.train_cfg
        }
        return FitSupervisor(self.smplify, crop_px, **options)

    def _regress(self, inputs: Tensor) -> RegressedBody:
        return self.head(self.extract_feat(inputs)[-1])

    def _keypoints(self, body: RegressedBody) -> Tensor:
        """(B, 49, 3) m."""
        return self.keypoint_layer(body.rotations[:, 0], body.rotations[:, 1:], body.betas)

    def _targets(self, supervision: Supervision, body: RegressedBody) -> tuple[BodyTargets, Tensor | None]:
        """The targets, with meshes of both sides where those are compared."""
        targets = BodyTargets(supervision.pose, supervision.betas, supervision.valid)
        if not self.criterion.vertices_weight:
            return targets, None
        turns = axis_angle_to_matrix(targets.pose.unflatten(1, (-1, 3)))
        with torch.no_grad():
            truth = self.body_model(turns[:, 0], turns[:, 1:], targets.betas).vertices
        vertices = self.body_model(body.rotations[:, 0], body.rotations[:, 1:], body.betas).vertices
        return targets._replace(vertices=truth), vertices

    # ---------------------------------------------------------------- inference (das_mm.models.estimator_protocol)

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> RegressedBody:
        """Mode 'tensor': what the network says of the crops."""
        return self._regress(inputs)

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: SampleList) -> SampleList:
        """The samples with ``pred_instances`` added: one person each, original image px, camera mm, arrays."""
        body = self._regress(inputs)
        points = self._keypoints(body)
        return add_people(data_samples, body, points, self.body_model, self.test_cfg.get('default_fov_deg'))


def _report(supervision: Supervision) -> dict[str, Tensor]:
    """Shares of the batch, for logs."""
    quality = supervision.quality
    finite = quality[quality.isfinite()]
    return dict(
        valid_fits=supervision.valid.float().mean(),
        better_fits=supervision.updated.float().mean(),
        fit_energy=finite.mean() if len(finite) else quality.new_zeros(()),
        failed_fits=quality.new_tensor(float(supervision.num_failed)),
    )
