"""The estimator of one person's crop: encoder, head, and the body told in the original image (thesis Figure 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from mmpose.utils.typing import OptSampleList, SampleList
from torch import Tensor

from das_mm.bodies.people_of_crops import (
    crop_translation,
    describe_crop_meshes,
    people_of_crops,
    person_of_crop,
    points_of_crops,
)
from das_mm.models.body_models.protocol import BodyModelProtocol
from das_mm.models.pose_estimators.crop_bodies import CropEstimator
from das_mm.registry import MODELS
from das_mm.structures.image_frame import known_camera
from das_mm.structures.keypoint_sets import KEYPOINT_SETS
from das_mm.structures.rotations import matrix_to_axis_angle
from das_mm.structures.task_fields import TaskDescription

from .body_heads import PredictedMesh

_SET = KEYPOINT_SETS['gt24']


@MODELS.register_module()
class GraphCMR(CropEstimator):
    """One person a crop: the vertices of a body and its parameters.

    Args:
        backbone: Config of the encoder, mmpose's ResNet; the last map it gives is averaged over the image.
        head: Config of :class:`.MeshRegressionHead` or :class:`.ParameterRegressionHead`.
        train_cfg, data_preprocessor, init_cfg, metainfo: As in mmpose.
        test_cfg: ``default_fov_deg`` (55): see :class:`das_mm.models.pose_estimators.DAS`; ``score_thr`` (0).
    """

    num_keypoints = _SET.num_keypoints

    @property
    def tasks(self) -> dict[str, TaskDescription]:
        """What it does, by name; meshes are told by their parameters, where it has these."""
        tasks = dict(pose=TaskDescription('pose'))
        if self.head.has_parameters:
            tasks['mesh'] = describe_crop_meshes(self.body, (_SET.root,))
        return tasks

    @property
    def body(self) -> BodyModelProtocol:
        """The body of its meshes."""
        return self.head.body

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, C), the mean of the last map over the image."""
        maps = self.backbone(inputs)
        return (maps[-1] if isinstance(maps, (tuple, list)) else maps).mean((2, 3))

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch of normalised crops (B, 3, H, W)."""
        return self.head.loss(self.extract_feat(inputs), data_samples)

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> tuple[Tensor, ...]:
        """Camera and vertices (mode 'tensor')."""
        predicted = self.head(self.extract_feat(inputs))
        return predicted.camera, predicted.final_vertices

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: SampleList) -> SampleList:
        """The samples with ``pred_instances`` of one person: original image px, camera mm, numpy arrays.

        Beside the fields of :meth:`das_mm.models.pose_estimators.DAS.predict`: ``vertices`` (1, V, 3) mm, camera frame,
        the parametric mesh where there are parameters; and ``mesh_vertices_m`` (1, V, 3) m, untranslated, the
        non-parametric one.
        """
        predicted = self.head(self.extract_feat(inputs))
        joints = self.head.joints(predicted.final_vertices)
        return self.add_pred_to_datasample(_rows(predicted, joints), None, data_samples)

    def add_pred_to_datasample(
        self, batch_pred_instances: list[dict[str, np.ndarray]], batch_pred_fields: None, batch_data_samples: SampleList
    ) -> SampleList:
        """Moves people from their crops into the original image and its camera space."""
        for found, sample in zip(batch_pred_instances, batch_data_samples):
            camera = known_camera(
                sample.metainfo.get('camera'), sample.metainfo['ori_shape'], self.test_cfg.get('default_fov_deg')
            )
            sample.set_metainfo(dict(camera=camera))
            people = self._in_image(found, sample, camera)
            # a blank stands in for an image that could not be read
            sample.pred_instances = people[:0] if 'image_fault' in sample.metainfo else people
        return batch_data_samples

    def _in_image(
        self, found: dict[str, np.ndarray], sample: PoseDataSample, camera: Mapping[str, Any]
    ) -> InstanceData:
        translation = crop_translation(found['camera'], sample.metainfo, camera)
        joints = 1000 * found['joints'].astype(np.float64)
        if 'rotations' in found:
            axis_angle = matrix_to_axis_angle(found['rotations'].astype(np.float64))
            fields = people_of_crops(
                axis_angle, found['betas'], 1000 * translation, joints, camera, self.body, (_SET.root,)
            )
        else:
            fields = points_of_crops(joints, joints[:, _SET.root_index], 1000 * translation, camera)
        fields['vertices'] = (1000 * (found['vertices'] + translation[:, None])).astype(np.float32)
        if 'mesh_vertices_m' in found:
            fields['mesh_vertices_m'] = found['mesh_vertices_m']
        return InstanceData(metainfo=None, **person_of_crop(fields, sample.metainfo))


def _rows(predicted: PredictedMesh, joints: Tensor) -> list[dict[str, np.ndarray]]:
    """Of each person: ``camera`` (1, 3), ``joints`` (1, K, 3) m, the meshes, ``rotations`` and ``betas``."""
    tensors = dict(camera=predicted.camera, joints=joints, vertices=predicted.final_vertices)
    if predicted.vertices is not None:
        tensors['mesh_vertices_m'] = predicted.vertices
    if predicted.parameters is not None:
        tensors |= dict(rotations=predicted.parameters.rotations, betas=predicted.parameters.betas)
    arrays = {name: tensor.float().cpu().numpy() for name, tensor in tensors.items()}
    return [{name: array[row : row + 1] for name, array in arrays.items()} for row in range(len(joints))]
