"""Losses of the regressed bodies (thesis §5.3.2, §5.6.1, and the released code). Letters: P proposals, V vertices.

Reductions are those of the released code: a mean over all keypoints of all proposals, of which those without a label
add nothing to the sum and one to the number; means over parameters and vertices count the proposals that have them.
Without any a term is a zero that keeps the graph.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from das_mm.errors import UserError
from das_mm.models.losses.crop_terms import chosen_mean, confident_mean, from_hips, has_hips
from das_mm.registry import MODELS

from .region_targets import RegionTargets

_ERRORS = dict(l1=torch.abs, l2=torch.square)
_BOX_SIDES = ('both', 'width')


class PlacedBodies(NamedTuple):
    """Bodies of P proposals before the camera of their image.

    Attributes:
        rotations, betas: (P, 24, 3, 3) and (P, 10).
        vertices: (P, V, 3) m, not moved.
        keypoints_3d: (P, 24, 3) m, not moved.
        translation: (P, 3) m.
        keypoints_2d: (P, 24, 2) px of the input.
    """

    rotations: Tensor
    betas: Tensor
    vertices: Tensor
    keypoints_3d: Tensor
    translation: Tensor
    keypoints_2d: Tensor

    def select(self, rows: Tensor) -> PlacedBodies:
        return PlacedBodies(*(column[rows] for column in self))


@MODELS.register_module()
class SMPLBranchLoss(nn.Module):
    """Terms by name: ``loss_keypoints_2d``, ``loss_keypoints_3d``, ``loss_vertices``, ``loss_pose``, ``loss_betas``.

    Args:
        keypoint_error: Of keypoints in the image and in space: 'l1' (the paper, as HMR; the released baseline) or 'l2'
            (the released tuning).
        keypoints_2d_weight: Both sides are told from the middle of the box in its sides.
        keypoints_3d_weight: Both sides from the middle of their hips. Released 1; the paper has 4.
        vertices_weight: L1. Released 1; the paper has no such term.
        pose_weight: Squared error of the 24 rotation matrices.
        betas_weight: Squared error.
        box_sides: What 2D keypoints are divided by: 'both', x by the width and y by the height, as the released code
            does, or the 'width' alone, as the paper says.
    """

    def __init__(
        self,
        keypoint_error: str = 'l1',
        keypoints_2d_weight: float = 4.0,
        keypoints_3d_weight: float = 1.0,
        vertices_weight: float = 1.0,
        pose_weight: float = 1.0,
        betas_weight: float = 0.01,
        box_sides: str = 'both',
    ) -> None:
        super().__init__()
        for field, value, known in (
            ('keypoint_error', keypoint_error, tuple(_ERRORS)),
            ('box_sides', box_sides, _BOX_SIDES),
        ):
            if value not in known:
                raise UserError(f'{value!r} is not known', field=field, remedy=f'use one of {", ".join(known)}')
        self.error, self.box_sides = _ERRORS[keypoint_error], box_sides
        self.keypoints_2d_weight, self.keypoints_3d_weight = keypoints_2d_weight, keypoints_3d_weight
        self.vertices_weight, self.pose_weight, self.betas_weight = vertices_weight, pose_weight, betas_weight

    def forward(
        self, bodies: PlacedBodies, targets: RegionTargets, boxes: Tensor, size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """
        Args:
            bodies: As regressed.
            targets: Of the same proposals.
            boxes: (P, 4) xyxy px of the proposals.
            size: (width, height) of the input.
        """
        if not len(boxes):
            nothing = sum(column.sum() * 0 for column in bodies)
            return {f'loss_{name}': nothing for name in ('keypoints_2d', 'keypoints_3d', 'vertices', 'pose', 'betas')}
        chosen = targets.has_smpl.bool()
        return dict(
            loss_keypoints_2d=self.keypoints_2d_weight * self._keypoints_2d(bodies, targets, boxes, size),
            loss_keypoints_3d=self.keypoints_3d_weight * self._keypoints_3d(bodies, targets),
            loss_vertices=self.vertices_weight * chosen_mean(bodies.vertices, targets.vertices, chosen, torch.abs)
            if self.vertices_weight
            else bodies.vertices.sum() * 0,
            loss_pose=self.pose_weight * chosen_mean(bodies.rotations, targets.rotations, chosen),
            loss_betas=self.betas_weight * chosen_mean(bodies.betas, targets.betas, chosen),
        )

    def _keypoints_2d(
        self, bodies: PlacedBodies, targets: RegionTargets, boxes: Tensor, size: tuple[int, int]
    ) -> Tensor:
        middle = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None]
        sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1).minimum(boxes.new_tensor(size))
        if self.box_sides == 'width':
            sides = sides[:, :1].expand(-1, 2)
        labels = targets.keypoints_2d
        labels = torch.cat([(labels[..., :2] - middle) / sides[:, None], labels[..., 2:]], dim=-1)
        return confident_mean((bodies.keypoints_2d - middle) / sides[:, None], labels, self.error)

    def _keypoints_3d(self, bodies: PlacedBodies, targets: RegionTargets) -> Tensor:
        labels = targets.keypoints_3d
        confidence = labels[..., 3:] * has_hips(labels)[:, None, None]  # without hips there is no middle to tell from
        labels = torch.cat([from_hips(labels[..., :3]), confidence], dim=-1)
        return confident_mean(from_hips(bodies.keypoints_3d), labels, self.error)
