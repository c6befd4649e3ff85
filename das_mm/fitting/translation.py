"""Where a posed body stands in front of the camera, from its keypoints in the image, by linear least squares."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .cameras import FittingCamera

_LEAST_KEYPOINTS = 2  # each gives two equations for three unknowns


class Translations(NamedTuple):
    """Of B people.

    Attributes:
        translation: (B, 3) m, camera frame.
        determined: (B,) bool; False: the keypoints did not say it, and the fallback stands there.
    """

    translation: Tensor
    determined: Tensor


@torch.no_grad()
def translation_least_squares(
    points: Tensor, keypoints: Tensor, camera: FittingCamera, fallback: Tensor | None = None
) -> Translations:
    """The translation under which points are seen at given pixels (SPIN).

    Every keypoint gives f·t_x + (c_x - x)·t_z = (x - c_x)·Z - f·X, and the same in y, times √confidence. Lens
    distortion is left out.

    Args:
        points: (B, K, 3) m, before the translation. SPIN takes the 24 annotated keypoints
            (:attr:`.KeypointRoles.annotated`).
        keypoints: (B, K, 3) px, px, confidence.
        camera: The camera.
        fallback: (B, 3) m for people whose translation is not determined: fewer than two keypoints, keypoints all in
            one place, or a solution behind the camera. By default on the optical axis, at the depth at which a metre is
            as long as the image from its principal point to its upper edge.

    Example:
        >>> points = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]])
        >>> camera = FittingCamera.crop(224)
        >>> seen = camera.project(points + torch.tensor([0.5, 0, 40]))
        >>> translation_least_squares(points, torch.cat([seen, torch.ones(1, 3, 1)], -1), camera).translation
        tensor([[ 0.5000,  0.0000, 40.0000]])
    """
    camera = camera.to(points)
    num = len(points)
    focal = camera.focal_px.expand(num, 2)
    if fallback is None:
        fallback = torch.cat([points.new_zeros(num, 2), focal[:, 1:] / camera.centre_px.expand(num, 2)[:, 1:]], dim=1)
    confidence = keypoints[..., 2].double()
    used = (confidence > 0) & keypoints.isfinite().all(-1) & points.isfinite().all(-1)
    weight = torch.where(used, confidence, 0).sqrt()[..., None]
    offset = torch.where(used[..., None], keypoints[..., :2] - camera.centre_px.reshape(-1, 1, 2), 0).double()
    known = torch.where(used[..., None], points, 0).double()
    f = focal[:, None].double().expand_as(offset)
    zero = torch.zeros_like(offset[..., 0])
    rows_x = torch.stack([f[..., 0], zero, -offset[..., 0]], dim=-1)  # (B, K, 3)
    rows_y = torch.stack([zero, f[..., 1], -offset[..., 1]], dim=-1)
    matrix = torch.cat([weight * rows_x, weight * rows_y], dim=1)  # (B, 2K, 3)
    right = weight * (offset * known[..., 2:] - f * known[..., :2])  # (B, K, 2)
    # gelsd: right without full rank too; on the CPU, since GPUs only have gels
    solved = torch.linalg.lstsq(matrix.cpu(), right.mT.reshape(num, -1, 1).cpu(), driver='gelsd', rcond=1e-9)
    solution = solved.solution[..., 0].to(fallback)
    in_front = (torch.where(used, known[..., 2], torch.inf).amin(1) + solution[:, 2]) > 0
    determined = (used.sum(1) >= _LEAST_KEYPOINTS) & (solved.rank.to(used.device) == 3)
    determined &= in_front & solution.isfinite().all(-1)
    return Translations(torch.where(determined[:, None], solution, fallback.to(solution)), determined)
