"""What the networks are taught by (thesis eq. 2.2 to 2.5), as the released code reduces it.

Letters: B people, V vertices of the body, K = 24 keypoints of ``gt24``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from mmengine.model import BaseModule
from torch import Tensor

from das_mm.errors import UserError
from das_mm.models.losses.crop_terms import chosen_mean, confident_mean, hip_centred_mean
from das_mm.registry import MODELS
from das_mm.structures.crop_cameras import project_scaled

_NORMS: dict[str, Callable[[Tensor], Tensor]] = {'l1': torch.abs, 'mse': torch.square}
_PROJECTIONS = ('code', 'paper')


@dataclass(frozen=True)
class MeshTargets:
    """Labels of B people in the frame of their augmented crops.

    Attributes:
        keypoints_2d: (B, K, 3), -1 to 1 over the crop, and confidence.
        keypoints_3d: (B, K, 4) m, any origin, and confidence.
        rotations: (B, 24, 3, 3) and betas: (B, 10), read where ``has_smpl``.
        vertices: (B, V, 3) m of that body.
        has_smpl, has_pose_3d: (B,) bool.
    """

    keypoints_2d: Tensor
    keypoints_3d: Tensor
    rotations: Tensor
    betas: Tensor
    vertices: Tensor
    has_smpl: Tensor
    has_pose_3d: Tensor


@MODELS.register_module()
class MeshLosses(BaseModule):
    """Terms of a predicted mesh and of predicted parameters, each times its weight.

    Args:
        vertices_weight: Of the mean absolute difference of vertices, where there are SMPL labels.
        keypoints_2d_weight: Of the reprojection.
        keypoints_3d_weight: Of 3D keypoints from the middle of the hips; in the released code only.
        pose_weight: Of the mean squared difference of rotation matrices.
        betas_weight: λ of eq. 2.5.
        keypoints_2d_norm: 'l1' as the paper says, 'mse' as the released code does.
        projection: 'code' for s·(X + t), 'paper' for s·X + t. Cameras of released weights are of the former.
    """

    def __init__(
        self,
        vertices_weight: float = 1.0,
        keypoints_2d_weight: float = 1.0,
        keypoints_3d_weight: float = 1.0,
        pose_weight: float = 1.0,
        betas_weight: float = 0.1,
        keypoints_2d_norm: str = 'l1',
        projection: str = 'code',
    ):
        super().__init__()
        for name, value, known in (
            ('keypoints_2d_norm', keypoints_2d_norm, tuple(_NORMS)),
            ('projection', projection, _PROJECTIONS),
        ):
            if value not in known:
                raise UserError(f'{value!r} is unknown', field=f'losses.{name}', remedy=f'use one of {known}')
        self.vertices_weight, self.keypoints_2d_weight = vertices_weight, keypoints_2d_weight
        self.keypoints_3d_weight = keypoints_3d_weight
        self.pose_weight, self.betas_weight = pose_weight, betas_weight
        self.keypoints_2d_error = _NORMS[keypoints_2d_norm]
        self.projection = projection

    def project(self, points: Tensor, camera: Tensor) -> Tensor:
        """Points (B, N, 3) m by cameras (B, 3) to (B, N, 2), -1 to 1 over the crop."""
        if self.projection == 'paper':
            return camera[:, None, :1] * points[..., :2] + camera[:, None, 1:]
        return project_scaled(points, camera)

    def of_mesh(
        self, vertices: Tensor, joints: Tensor, camera: Tensor, targets: MeshTargets, prefix: str = ''
    ) -> dict[str, Tensor]:
        """Of a mesh, whoever made it.

        Args:
            vertices: (B, V, 3) m: the whole mesh, after the upsampling.
            joints: (B, K, 3) m of it.
            camera: (B, 3).
            targets: Labels.
            prefix: Of the names.
        """
        terms = dict(
            vertices=self.vertices_weight * chosen_mean(vertices, targets.vertices, targets.has_smpl, torch.abs),
            keypoints_2d=self.keypoints_2d_weight
            * confident_mean(self.project(joints, camera), targets.keypoints_2d, self.keypoints_2d_error),
            keypoints_3d=self.keypoints_3d_weight * hip_centred_mean(joints, targets.keypoints_3d, targets.has_pose_3d),
        )
        return {f'loss_{prefix}{name}': term for name, term in terms.items()}

    def of_parameters(
        self, rotations: Tensor, betas: Tensor, targets: MeshTargets, prefix: str = ''
    ) -> dict[str, Tensor]:
        """Of SMPL parameters: rotations (B, 24, 3, 3) and betas (B, 10)."""
        pose = chosen_mean(rotations, targets.rotations, targets.has_smpl)
        shape = chosen_mean(betas, targets.betas, targets.has_smpl)
        return {f'loss_{prefix}pose': self.pose_weight * pose, f'loss_{prefix}betas': self.betas_weight * shape}
