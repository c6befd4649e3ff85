"""The lens of Human3.6M, and the nearest OpenCV lens.

Its tangential term bends less than OpenCV's: with normalised x, y and r² = x² + y²

    x_d = x·(1 + k1 r² + k2 r⁴ + k3 r⁶ + p1 y + p2 x) + p2 r²
    y_d = y·(1 + k1 r² + k2 r⁴ + k3 r⁶ + p1 y + p2 x) + p1 r²

where OpenCV has a factor 2 before p1 y + p2 x. Neither is the other with changed numbers (the difference is a thin
prism, which the five terms lack), but five terms fitted over the whole image come near: for the four cameras of the
data set 0.07 to 0.14 px RMS, 0.23 to 0.44 px in the corners. Fitting focal lengths and centre too would gain next to
nothing.
"""

from __future__ import annotations

import numpy as np

# median distance between keypoints projected with OpenCV's lens and stored ones; a wrong camera is off by hundreds
OFF_LIMIT_PX = 3.0
_GRID = 41  # points a side of the image
_UNDISTORT_STEPS = 50


def distort(normalised: np.ndarray, k: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Normalised coordinates (*, 2) as the lens with k (3,) and p (2,) shows them."""
    r2 = (normalised**2).sum(-1, keepdims=True)
    gain = 1 + r2 * (k[0] + r2 * (k[1] + r2 * k[2])) + normalised @ p[::-1, None]
    return normalised * gain + p[::-1] * r2


def opencv_distortion(K: np.ndarray, k: np.ndarray, p: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, float]:
    """OpenCV's (k1, k2, p1, p2, k3) nearest to the lens, by least squares over an image.

    Args:
        K: (3, 3) px; it stays as it is.
        k, p: (3,), (2,) of the lens.
        size: (width, height) px.

    Returns:
        The five numbers and what is left, RMS px.
    """
    focal = K[[0, 1], [0, 1]]
    pixels = np.stack(np.meshgrid(*(np.linspace(0, side - 1, _GRID) for side in size)), -1).reshape(-1, 2)
    seen = (pixels - K[:2, 2]) / focal
    true = seen.copy()
    for _ in range(_UNDISTORT_STEPS):
        true -= distort(true, k, p) - seen
    x, y = true.T
    r2 = x * x + y * y
    # the displacement in px is linear in the five numbers
    columns = np.concatenate(
        [
            focal[0] * np.stack([x * r2, x * r2**2, 2 * x * y, r2 + 2 * x * x, x * r2**3], 1),
            focal[1] * np.stack([y * r2, y * r2**2, r2 + 2 * y * y, 2 * x * y, y * r2**3], 1),
        ]
    )
    wanted = ((seen - true) * focal).T.ravel()
    numbers = np.linalg.lstsq(columns, wanted, rcond=None)[0]
    left = (columns @ numbers - wanted).reshape(2, -1)
    return numbers, float(np.sqrt((left**2).sum(0).mean()))
