"""The baseline of fitting in the latent space: SMPLify with a generic prior from the same start (thesis, Table 13)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from das_mm.fitting import AdamSchedule, FittingCamera, KeypointRoles, SMPLify
from das_mm.structures import KEYPOINT_SETS
from das_mm.structures.tensor_rotations import axis_angle_to_matrix, matrix_to_axis_angle

from .latent_fitting import LatentFit

_KSET = KEYPOINT_SETS['prohmr44']
#: the first 44 of SPIN's 49 are ProHMR's
ROLES = replace(KeypointRoles.spin49(), annotated=tuple(range(25, _KSET.num_keypoints)))


class GenericFitter:
    """SPIN's two stages of SMPLify with a mixture of poses as prior, in pixels of a crop of 224.

    Args:
        points: (global_orient, body_pose, betas) -> (B, 44, 3) m.
        steps: Of each stage.
    """

    def __init__(self, points: nn.Module, steps: int = 100) -> None:
        self.smplify = SMPLify(points, ROLES, schedule=AdamSchedule(camera_steps=steps, body_steps=steps))

    def fit(
        self, rotations: Tensor, betas: Tensor, translation: Tensor, keypoints_2d: Tensor, camera: FittingCamera
    ) -> LatentFit:
        """Fit B people from bodies that are given; arguments as of :meth:`.LatentFitter.fit`, latents are NaN."""
        pose = matrix_to_axis_angle(rotations.detach()).flatten(1)
        found = self.smplify.fit(pose, betas, translation, keypoints_2d, camera)
        unknown = torch.full((len(betas), 1), torch.nan)
        return LatentFit(
            axis_angle_to_matrix(found.pose.unflatten(1, (-1, 3))),
            found.betas,
            found.translation,
            unknown,
            found.reprojection,
            found.valid,
        )
