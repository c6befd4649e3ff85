"""What every geometric transform shares: one affine map from the stored image to the network input, truth kept in step.

State in the ``results`` dict, as the transforms so far have left it: ``warp_mat`` (2, 3) stored px → input px,
``flip``, ``input_K`` (3, 3) or None, ``input_dist`` (5,) or None (the lens, turned
with the image), and the labels ``bbox``, ``keypoints``, ``root_px`` (input px) and
``keypoints_3d`` (mm in the frame of ``input_K``). Root and relative depths never change: in-plane maps leave z alone,
and the root depth normalised by the focal length follows from ``input_K``. ``results['gt']`` and ``results['camera']``
stay those of the stored image.
"""

from __future__ import annotations

import cv2
import numpy as np

from das_mm.structures import compose_warps, focal_px, transform_camera, warp_points
from das_mm.structures.image_resize import fitting_size

# the ImageNet mean, BGR: zero after normalisation, like the padding of the data preprocessor
MEAN_BGR = (104, 116, 124)


def begin_geometry(results: dict) -> None:
    """Sets the state of an untouched image, once."""
    if 'warp_mat' in results:
        return
    results['warp_mat'] = np.array([[1.0, 0, 0], [0, 1, 0]])
    results['flip'] = False
    for part in ('K', 'dist'):
        known = (results.get('camera') or {}).get(part)
        results[f'input_{part}'] = None if known is None else np.asarray(known, dtype=np.float64)


def update_geometry(results: dict, warp: np.ndarray, size: tuple[int, int]) -> None:
    """Carries truth and camera over to an image warped by ``warp`` (2, 3) to ``size`` (width, height)."""
    begin_geometry(results)
    results['warp_mat'] = compose_warps(warp, results['warp_mat'])
    results['img_shape'] = (size[1], size[0])
    K = results['input_K']
    # without intrinsics the turn about the optical axis is still that of the map
    K_new, Q = transform_camera(np.eye(3) if K is None else K, warp)
    results['input_K'] = None if K is None else K_new
    if results['input_dist'] is not None:
        results['input_dist'] = turn_lens(results['input_dist'], Q)
    for key in ('keypoints', 'root_px'):
        if key in results:
            results[key] = warp_points(results[key].astype(np.float64), warp)
    if 'keypoints_3d' in results:
        results['keypoints_3d'] = results['keypoints_3d'].astype(np.float64) @ Q.T
    if 'bbox' in results:
        results['bbox'] = warp_boxes(results['bbox'].astype(np.float64), warp)


def turn_lens(dist: np.ndarray, Q: np.ndarray) -> np.ndarray:
    """The lens (k1, k2, p1, p2, k3) of a camera turned or mirrored by Q (3, 3) about its axis.

    Radial terms stay. The tangential term of a point x is 2 (p·x) x + |x|² p with p = (p2, p1): p turns with the
    points.
    """
    p2, p1 = Q[:2, :2] @ (dist[3], dist[2])
    return np.array([dist[0], dist[1], p1, p2, dist[4]])


def warp_boxes(boxes: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """Upright boxes (N, 4) xyxy around the warped corners of boxes (N, 4)."""
    corners = warp_points(boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]], warp)  # (N, 4, 2)
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def normalised_root_depths(root_depth_mm: np.ndarray, input_K: np.ndarray | None) -> np.ndarray:
    """(N,) root depths over the focal length of the network input, mm/px; NaN where either is unknown."""
    if input_K is None:
        return np.full(len(root_depth_mm), np.nan)
    return root_depth_mm.astype(np.float64) / focal_px(input_K)


def keep_ratio_size(
    size: tuple[int, int],
    input_size: tuple[int, int] | None,
    short_side_range: tuple[int, int] | None,
    max_long_side: int,
) -> tuple[int, int]:
    """(width, height) of an image of ``size`` resized to the greatest that fits.

    Either into ``input_size`` (width, height), or so that its short side has a length drawn from ``short_side_range``
    (ends included) and its long side at most ``max_long_side``.
    """
    short = None
    if input_size is None and short_side_range is not None:
        short = np.random.randint(short_side_range[0], short_side_range[1] + 1)
    return fitting_size(size, input_size, short, max_long_side)


def check_size_options(input_size: tuple[int, int] | None, short_side_range: tuple[int, int] | None) -> None:
    """Exactly one of the two says how large the network input becomes."""
    if (input_size is None) == (short_side_range is None):
        raise ValueError('give either input_size (width, height) or short_side_range (least, greatest)')


def warp_image(image: np.ndarray, warp: np.ndarray, size: tuple[int, int], border_bgr: tuple[int, ...]) -> np.ndarray:
    """The image (H, W, 3) under ``warp`` on a canvas of ``size`` (width, height), without aliasing when it shrinks."""
    height, width = image.shape[:2]
    shrink = int(abs(np.linalg.det(warp[:, :2])) ** -0.5)
    if shrink >= 2:  # interpolation looks at two pixels a side only: average first, then warp the rest of the way
        small = max(1, round(width / shrink)), max(1, round(height / shrink))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        sx, sy = width / small[0], height / small[1]
        warp = compose_warps(warp, np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2]]))
    return cv2.warpAffine(
        image, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=border_bgr
    )
