"""The DAS estimator: features, heads, data samples (journal paper §3.1). It knows no task by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.models.pose_estimators.base import BasePoseEstimator
from mmpose.structures import PoseDataSample
from mmpose.utils.typing import ConfigType, InstanceList, OptConfigType, OptMultiConfig, OptSampleList, SampleList
from torch import Tensor

from das_mm.errors import UserError
from das_mm.models.body_models.protocol import BodyModelProtocol
from das_mm.registry import MODELS
from das_mm.structures.image_frame import known_camera, poses_in_image
from das_mm.structures.task_fields import TaskDescription
from das_mm.structures.thresholds import with_defaults

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmpose.models.data_preprocessors import PoseDataPreprocessor


@MODELS.register_module()
class DAS(BasePoseEstimator):
    """Backbone, pyramid, one head with its plug-in branches; people leave in camera space.

    Args:
        backbone, neck, head: Configs; the head is a :class:`DASHead`.
        test_cfg: Beside the head's keys ``default_fov_deg`` (55): the field of view across the longer side that is
            assumed for an image of unknown intrinsics. Its results say ``camera['source'] == 'default_fov'``.
        train_cfg: ``auxiliary_head``, the config of a head that teaches the features in training and is not asked at
            inference (:class:`.KeypointHeatmapHead`); ``train_only``, names of the parts that learn, as
            ``'head.branches.mesh'``, while all others stay as they are, statistics of normalisation included: a branch
            is added to weights that find people, and finds the same people.

    Raises:
        UserError: ``train_only`` names what is no part of the model.
    """

    data_preprocessor: PoseDataPreprocessor
    test_cfg: Mapping[str, Any]
    # what a loader tells of it, see das_mm.checkpoints.model_loader
    cfg: Config
    dataset_meta: dict[str, Any]
    provenance: dict[str, Any]

    def __init__(
        self,
        backbone: ConfigType,
        neck: OptConfigType = None,
        head: OptConfigType = None,
        train_cfg: OptConfigType = None,
        test_cfg: OptConfigType = None,
        data_preprocessor: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
        metainfo: dict | None = None,
    ):
        super().__init__(
            backbone=backbone,
            neck=neck,
            head=head,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
            metainfo=metainfo,
        )
        auxiliary = (train_cfg or {}).get('auxiliary_head')
        self.auxiliary_head = None if auxiliary is None else MODELS.build(auxiliary)
        self._train_only: tuple[str, ...] = tuple((train_cfg or {}).get('train_only') or ())
        if self._train_only:
            self._freeze()

    def _freeze(self) -> None:
        parts = dict(self.named_modules())
        for name in self._train_only:
            if name not in parts:
                raise UserError(
                    f'the model has no part {name!r}',
                    field='model.train_cfg.train_only',
                    remedy=f'its branches are {", ".join(f"head.branches.{one}" for one in self.head.branches)}',
                )
        self.requires_grad_(False)
        for name in self._train_only:
            parts[name].requires_grad_(True)

    def train(self, mode: bool = True) -> DAS:
        """As in torch; but parts that do not learn stay in evaluation mode."""
        if not (mode and self._train_only):
            return super().train(mode)
        super().train(False)
        self.training = True
        for name in self._train_only:
            self.get_submodule(name).train()
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Weights are whole without those of the auxiliary head, and with them: inference does not need it."""
        part = f'{prefix}auxiliary_head.'
        given = [key for key in state_dict if key.startswith(part)]
        if self.auxiliary_head is None:
            for key in given:
                del state_dict[key]
        elif not given:  # it starts anew
            state_dict.update({part + key: value for key, value in self.auxiliary_head.state_dict().items()})
        super()._load_from_state_dict(state_dict, prefix, *args)

    # ---------------------------------------------------------------- what inference asks (see ..estimator_protocol)

    #: frames that may lie between two images of one video that belong together, for a model that remembers; else None
    max_frame_gap: int | None = None

    @property
    def tasks(self) -> dict[str, TaskDescription]:
        """What it does, by name."""
        told = [replace(one.describe(), declared=one.is_declared) for one in self.head.branches.values()]
        return {one.name: one for one in (TaskDescription('pose'), *told)}

    @property
    def body(self) -> BodyModelProtocol | None:
        """The body of a model of meshes."""
        return next((branch.body for branch in self.head.branches.values() if hasattr(branch, 'body')), None)

    @property
    def num_keypoints(self) -> int:
        return self.head.num_keypoints

    @property
    def uses_sigma(self) -> bool:
        """It learns the scales of its errors."""
        return self.head.uses_sigma

    @property
    def score_thr(self) -> float:
        """People of a lower score are left out."""
        return float(with_defaults(self.head.test_cfg, self.test_cfg)['score_thr'])

    @property
    def input_channels(self) -> int:
        """Of the network input: 3, or those that its backbone asks for."""
        return getattr(self.backbone, 'input_channels', 3)

    @property
    def sees_previous_frame(self) -> bool:
        """Its input holds the previous frame beside the current one, so it cannot be made of one image."""
        return self.input_channels != 3

    def forget(self) -> None:
        """Another video begins; it remembers nothing anyway."""

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            inputs: (B, 3, H, W), normalised.
            data_samples: Samples with ``gt_instance_labels``.
        """
        feats = self.extract_feat(inputs)
        losses = self.head.loss(feats, data_samples)
        if self.auxiliary_head is not None:
            losses.update(self.auxiliary_head.loss(feats, data_samples))
        return losses

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> tuple[Tensor, ...]:
        """All maps of all levels (mode 'tensor'): what analyses of complexity count."""
        return self.head(self.extract_feat(inputs)).tensors()

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: SampleList) -> SampleList:
        """The samples with ``pred_instances`` added: original image px, camera mm, numpy arrays.

        Fields: ``keypoints`` (n, K, 2), ``keypoint_scores`` (n, K), ``keypoints_3d`` (n, K, 3), ``scores`` and
        ``bbox_scores`` (n,), ``bboxes`` (n, 4) xyxy around the body, ``roots_px`` (n, 2), ``root_depths_mm``
        (n,), ``root_depths_norm`` (n,) mm per px of focal length and ``relative_depths_mm`` (n, K) (enough to solve
        the positions again for another camera), ``keypoints_sigma`` (n, K, 3) px, px, mm where it was asked for, and
        the fields of the task branches. The metainfo ``camera`` then holds the ``K`` used and its ``source``.
        """
        instances = self.head.predict(self.extract_feat(inputs), data_samples, test_cfg=self.test_cfg)
        return self.add_pred_to_datasample(instances, None, data_samples)

    def add_pred_to_datasample(
        self, batch_pred_instances: InstanceList, batch_pred_fields: None, batch_data_samples: SampleList
    ) -> SampleList:
        """Moves people from the network input into the original image and its camera space."""
        for found, sample in zip(batch_pred_instances, batch_data_samples):
            if 'image_fault' in sample.metainfo:  # a blank stands in for an image that could not be read
                found = found[:0]
            fov_deg = self.test_cfg.get('default_fov_deg')
            camera = known_camera(sample.metainfo.get('camera'), sample.metainfo['ori_shape'], fov_deg)
            sample.set_metainfo(dict(camera=camera))
            sample.pred_instances = self._to_camera(found, sample, camera)
        return batch_data_samples

    def _to_camera(self, found: InstanceData, sample: PoseDataSample, camera: dict) -> InstanceData:
        if sample.metainfo.get('flip'):
            raise ValueError('people cannot be read from a mirrored input: left and right are swapped')
        fields = {name: values.detach().float().cpu().numpy() for name, values in found.items()}
        warp = np.asarray(sample.metainfo['warp_mat'], dtype=np.float64)
        pose, fields = poses_in_image(fields, camera, warp, sample.metainfo['ori_shape'])
        pose = InstanceData(metainfo=None, **pose)
        for branch in self.head.branches.values():
            fields = branch.to_camera(fields, pose, camera, warp)
        for name, values in fields.items():
            pose.set_field(values, name)
        return pose
