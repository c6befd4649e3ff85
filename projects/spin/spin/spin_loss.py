"""What SPIN's regressor is taught by (thesis §3.3.4, §3.6.2; weights and reductions as in the authors' code).

Letters: B people of a batch, K = 49 keypoints, the first 25 of them OpenPose's, V vertices.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor

from das_mm.models.losses.crop_terms import chosen_mean, confident_mean, hip_centred_mean
from das_mm.registry import MODELS
from das_mm.structures import KEYPOINT_SETS
from das_mm.structures.tensor_rotations import axis_angle_to_matrix

from .ief_head import RegressedBody

NUM_KEYPOINTS = KEYPOINT_SETS['spin49'].num_keypoints
NUM_OPENPOSE = KEYPOINT_SETS['openpose25'].num_keypoints


class Keypoints(NamedTuple):
    """Keypoints of a batch, predicted or labelled.

    Attributes:
        in_crop: (B, 49, 2), -1 to 1 over the crop; labels (B, 49, 3) with the confidence.
        in_space: (B, 24, 3) m, the annotated set, any origin; labels (B, 24, 4) with the confidence.
    """

    in_crop: Tensor
    in_space: Tensor


class BodyTargets(NamedTuple):
    """The parameters that a batch is taught, from a fit or from the ground truth.

    Attributes:
        pose: (B, 72) axis-angle, rad.
        betas: (B, 10).
        valid: (B,) bool: others get the loss on keypoints alone.
        vertices: (B, V, 3) m, where meshes are compared.
    """

    pose: Tensor
    betas: Tensor
    valid: Tensor
    vertices: Tensor | None = None


@MODELS.register_module()
class SPINLoss(BaseModule):
    """The terms of the loss, each times its weight and ``loss_weight``.

    A mean over keypoints counts all of them: a keypoint without confidence adds nothing to the sum and one to the
    number. A mean over people counts those it is for; without any the term is a zero that keeps the graph.

    Args:
        keypoint_weight: Of the squared errors of keypoints, in the crop and in space.
        openpose_weight, annotated_weight: Factors on the confidence of the two parts of the 2D keypoints.
        pose_weight: Of the squared error of the 24 rotation matrices.
        betas_weight: Of the squared error of the betas. Released 0.001; the thesis' own 6 of 60 is 0.1.
        vertices_weight: Of the mean distance along each axis of the vertices; 0: they are not compared.
        loss_weight: On all of them.
    """

    def __init__(
        self,
        keypoint_weight: float = 5.0,
        openpose_weight: float = 0.0,
        annotated_weight: float = 1.0,
        pose_weight: float = 1.0,
        betas_weight: float = 0.001,
        vertices_weight: float = 0.0,
        loss_weight: float = 60.0,
    ) -> None:
        super().__init__()
        self.keypoint_weight = keypoint_weight
        self.openpose_weight, self.annotated_weight = openpose_weight, annotated_weight
        self.pose_weight, self.betas_weight, self.vertices_weight = pose_weight, betas_weight, vertices_weight
        self.loss_weight = loss_weight

    def forward(
        self,
        body: RegressedBody,
        predicted: Keypoints,
        labels: Keypoints,
        has_pose_3d: Tensor,
        targets: BodyTargets,
        vertices: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """
        Args:
            body: As predicted.
            predicted, labels: Keypoints of the bodies and of the annotations.
            has_pose_3d: (B,) bool.
            targets: Of the parameters.
            vertices: (B, V, 3) m of the predicted bodies, where ``vertices_weight`` is not 0.

        Returns:
            ``loss_keypoints_2d``, ``loss_keypoints_3d``, ``loss_pose``, ``loss_betas``, ``loss_camera``, and
            ``loss_vertices`` where they are compared.
        """
        valid = targets.valid.bool()
        target_rotations = axis_angle_to_matrix(targets.pose.unflatten(1, (-1, 3)))
        terms = dict(
            keypoints_2d=self.keypoint_weight * self._keypoints_2d(predicted.in_crop, labels.in_crop),
            keypoints_3d=self.keypoint_weight * hip_centred_mean(predicted.in_space, labels.in_space, has_pose_3d),
            pose=self.pose_weight * chosen_mean(body.rotations, target_rotations, valid),
            betas=self.betas_weight * chosen_mean(body.betas, targets.betas, valid),
            camera=torch.exp(-10 * body.camera[:, 0]).square().mean(),  # keeps the scale positive
        )
        if self.vertices_weight:
            terms['vertices'] = self.vertices_weight * chosen_mean(vertices, targets.vertices, valid, torch.abs)
        return {f'loss_{name}': self.loss_weight * term for name, term in terms.items()}

    def _keypoints_2d(self, predicted: Tensor, labels: Tensor) -> Tensor:
        part = torch.full_like(labels[..., 2:], self.annotated_weight)
        part[:, :NUM_OPENPOSE] = self.openpose_weight
        return confident_mean(predicted, torch.cat([labels[..., :2], labels[..., 2:] * part], dim=-1))
