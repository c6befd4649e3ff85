"""From image places and depths to camera space (journal paper §3.5), without the network.

Kept apart from the model so that results can be solved again for another camera.
"""

from __future__ import annotations

import numpy as np

from .cameras import back_project, focal_px


def to_camera_space(
    keypoints_px: np.ndarray,
    root_depths_norm: np.ndarray,
    relative_depths_mm: np.ndarray,
    K: np.ndarray,
    dist: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Camera-space keypoints of n people.

    ``z_root = d * f`` with ``f = sqrt(fx * fy)``; ``z_k = z_root + relative depth``;
    ``P = z K^-1 [u, v, 1]^T``, lens distortion undone first.

    Args:
        keypoints_px: (n, K, 2) in the stored image.
        root_depths_norm: (n,) mm per px of the stored image's focal length.
        relative_depths_mm: (n, K).
        K: (3, 3) intrinsics of the stored image.
        dist: (5,) distortion (k1, k2, p1, p2, k3) or None.

    Returns:
        (n, K, 3) keypoints and (n,) root depths, mm.
    """
    root_depths_mm = np.asarray(root_depths_norm) * focal_px(K)
    depths_mm = root_depths_mm[:, None] + relative_depths_mm
    return back_project(np.asarray(keypoints_px), depths_mm, K, dist), root_depths_mm
