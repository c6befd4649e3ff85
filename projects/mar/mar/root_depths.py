"""Root depths at inference: regressed, from geometry, and which of them is told (MAR §3.4). Letters: n people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from das_mm.structures import focal_px

from .depth_fusion import fuse_depths
from .geometric_depth import geometric_depth

DEPTH_SOURCES = ('fused', 'mean', 'regression', 'geometry')
LEAST_DEPTH_NORM = 0.05  # mm per px of focal length: 5 cm at 1000 px


@dataclass(frozen=True)
class InputCamera:
    """Camera of a network input: K (3, 3), px, and the lens (5,) or None."""

    K: np.ndarray
    dist: np.ndarray | None = None


@dataclass(frozen=True)
class RegressedDepths:
    """What the network says of n roots.

    Attributes:
        depths_norm: (n,) depth over focal length, mm/px.
        log_sigma: (n,) log σ1, and ``log_sigma_geometric`` (n,) log σ2, in one unit.
    """

    depths_norm: np.ndarray
    log_sigma: np.ndarray
    log_sigma_geometric: np.ndarray

    def select(self, rows: np.ndarray) -> RegressedDepths:
        """Of some of the roots."""
        return RegressedDepths(self.depths_norm[rows], self.log_sigma[rows], self.log_sigma_geometric[rows])


def torso_depths(
    roots_px: np.ndarray, necks_px: np.ndarray, relative_mm: np.ndarray, torso_mm: float, camera: InputCamera
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) depths over focal length, mm/px, and (n,) bool where the equation has an answer.

    Elsewhere the torso is taken to stand parallel to the image, and is NaN where that does not help either.
    """
    K, lens = camera.K, None if camera.dist is None else torch.from_numpy(np.asarray(camera.dist, np.float64))

    def solve(relative: np.ndarray):
        given = (torch.from_numpy(np.ascontiguousarray(one, np.float64)) for one in (roots_px, necks_px, relative, K))
        return geometric_depth(*given, torso_mm, lens)

    solved = solve(relative_mm)
    depth, valid = solved.depth_mm.numpy(), solved.valid.numpy()
    if not valid.all():
        upright = solve(np.zeros_like(relative_mm))
        depth = np.where(valid, depth, np.where(upright.valid.numpy(), upright.depth_mm.numpy(), np.nan))
    return depth / focal_px(K), valid


def choose_depths(regressed: RegressedDepths, geometric: np.ndarray, valid: np.ndarray, source: str) -> np.ndarray:
    """(n,) root depths over focal length.

    Args:
        regressed: Of the network.
        geometric: (n,) as :func:`torso_depths` gives them.
        valid: (n,) bool.
        source: Out of :data:`DEPTH_SOURCES`. 'fused' is the paper's; 'mean' weighs both alike. Whom the equation has no
            answer for keeps the regressed depth in both.
    """
    if source == 'regression':
        return regressed.depths_norm
    if source == 'geometry':
        return np.where(np.isfinite(geometric), geometric, regressed.depths_norm)
    logs = (regressed.log_sigma, regressed.log_sigma_geometric)
    if source == 'mean':
        logs = (np.zeros_like(logs[0]), np.zeros_like(logs[1]))
    given = (regressed.depths_norm, logs[0], np.where(valid, geometric, regressed.depths_norm), logs[1], valid)
    fused = fuse_depths(*(torch.from_numpy(np.ascontiguousarray(one)) for one in given))
    return np.maximum(fused.numpy(), LEAST_DEPTH_NORM)
