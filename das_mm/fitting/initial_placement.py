"""Where a fit starts when there is nothing but keypoints: the depth of the torso, and the body turned round."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from das_mm.structures.tensor_rotations import axis_angle_to_matrix, matrix_to_axis_angle

from .cameras import FittingCamera
from .keypoint_roles import KeypointRoles


class TorsoPlacement(NamedTuple):
    """Of B people.

    Attributes:
        translation: (B, 3) m, camera frame.
        known: (B,) bool; False: neither side's shoulder and hip are both seen, or they are in one place.
        shoulders_px: (B,) distance of the shoulders in the image; infinite where one of them is not seen.
    """

    translation: Tensor
    known: Tensor
    shoulders_px: Tensor


def place_torso(points: Tensor, keypoints: Tensor, camera: FittingCamera, roles: KeypointRoles) -> TorsoPlacement:
    """Depth f·(mean length in 3D)/(mean length in 2D) of the segments from shoulder to hip (SMPLify), and the ray that
    brings their middle to where it is seen.

    Args:
        points: (B, K, 3) m of the body at the start, before any translation.
        keypoints: (B, K, 3) px, px, confidence.
        camera: The camera.
        roles: The detector's torso serves people of whom all of it is seen, the annotated one the others.
    """
    rows = torch.tensor(roles.annotated_torso, device=points.device).expand(len(points), 4)
    if roles.detected_torso is not None:
        detected = torch.tensor(roles.detected_torso, device=points.device)
        rows = torch.where((keypoints[:, detected, 2] > 0).all(1, keepdim=True), detected, rows)
    body, seen = (values.gather(1, rows[..., None].expand(-1, -1, 3)) for values in (points, keypoints))
    visible = seen[..., 2] > 0  # (B, 4): hips, then shoulders
    segment = visible[:, :2] & visible[:, 2:]  # (B, 2)
    length = lambda ends: ((ends[:, :2] - ends[:, 2:]).norm(dim=-1) * segment).sum(1)
    length_px = length(seen[..., :2])
    known = segment.any(1) & (length_px > 0)
    focal = camera.focal_px.prod(-1).sqrt()
    depth = torch.where(known, focal * length(body) / torch.where(known, length_px, 1), 1.0)
    weight = segment.repeat(1, 2)[..., None] / segment.sum(1).clamp(min=1)[:, None, None] / 2
    ray = ((seen[..., :2] * weight).sum(1) - camera.centre_px) / camera.focal_px
    middle = (body * weight).sum(1)
    translation = torch.cat([ray * depth[:, None] - middle[:, :2], depth[:, None]], dim=1)
    shoulders = (seen[:, 2, :2] - seen[:, 3, :2]).norm(dim=-1)
    return TorsoPlacement(translation, known, torch.where(visible[:, 2:].all(1), shoulders, torch.inf))


def turned_round(root: Tensor) -> Tensor:
    """Global orientations (B, 3) rad of bodies that look the other way: R · R_y(π), about the body's own upright axis.

    Example:
        >>> turned_round(torch.zeros(1, 3)).abs()
        tensor([[0.0000, 3.1416, 0.0000]])
    """
    half_turn = torch.diag(root.new_tensor([-1.0, 1.0, -1.0]))
    return matrix_to_axis_angle(axis_angle_to_matrix(root) @ half_turn)
