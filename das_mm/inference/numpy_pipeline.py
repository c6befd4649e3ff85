"""The steps that make an image a network's input, in numpy: those of a config's test pipeline that are only
geometry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from das_mm.structures import compose_warps
from das_mm.structures.image_resize import fitting_size, resize_image

_NOTHING_TO_DO = ('LoadImage', 'PackDASInputs')  # the image is there, and is wanted as it is


def pipeline_obstacle(steps: Sequence[Mapping[str, Any]]) -> str | None:
    """Why these steps cannot be done in numpy, in words; None if they can.

    Args:
        steps: Configs of transforms.
    """
    for step in steps:
        kind = _kind(step)
        if kind not in (*_NOTHING_TO_DO, *_STEPS):
            return f'images are prepared by {kind}'
        low, high = step.get('short_side_range') or (0, 0)
        if low != high:
            return 'images are resized at random'
    return None


class NumpyPipeline:
    """Prepares images.

    Args:
        steps: Configs of transforms without an obstacle (:func:`pipeline_obstacle`).
    """

    def __init__(self, steps: Sequence[Mapping[str, Any]]):
        self._steps = [step for step in steps if _kind(step) in _STEPS]

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) uint8 BGR to the network's (h, w, 3) uint8 BGR and the map (2, 3) from the px of the first to those
        of the second."""
        warp = np.array([[1.0, 0, 0], [0, 1, 0]])
        for step in self._steps:
            image, warp = _STEPS[_kind(step)](image, warp, step)
        return image, warp.astype(np.float32)  # as data samples carry it


def _kind(step: Mapping[str, Any]) -> str:
    return str(step['type']).rpartition('.')[-1]


def _resize(image: np.ndarray, warp: np.ndarray, step: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    size = image.shape[1], image.shape[0]
    short_side = (step.get('short_side_range') or [None])[0]
    target = fitting_size(size, step.get('input_size'), short_side, step.get('max_long_side', 1333))
    image, resized = resize_image(image, target, step.get('shrink_interpolation', 'area'))
    return image, compose_warps(resized, warp)


def _corner_origin(image: np.ndarray, warp: np.ndarray, step: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    half = warp[:, :2] @ (0.5, 0.5)
    return image, compose_warps(np.array([[1, 0, -half[0]], [0, 1, -half[1]]]), warp)


_STEPS = dict(DASResize=_resize, CornerOrigin=_corner_origin)
