"""One perspective camera for all people of an image, and where a region's camera puts a body before it (Eq. 5.5, 5.6).

Frames: x right, y down, z forward, METRES; pixels are those of the padded network input. Letters: N regions, B images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from das_mm.structures.cameras import invert_warp, transform_intrinsics

#: of the thesis, for an input of 832×512 px
FOCAL_PX = 1000.0
_EPSILON = 1e-6  # of the released code
#: of its drawings; who is nearer has no place before the camera
NEAR_M = 0.1


def own_camera(size: tuple[int, int], focal_px: float) -> np.ndarray:
    """(3, 3) intrinsics of the network's own camera for an input of (width, height): its axis meets half the size."""
    return np.array([[focal_px, 0, size[0] / 2], [0, focal_px, size[1] / 2], [0, 0, 1]])


def input_cameras(
    metas: Sequence[Mapping[str, Any]], size: tuple[int, int], focal_px: float | None, like: Tensor
) -> Tensor:
    """(B, 3, 3) cameras of the network inputs.

    Args:
        metas: Of the images; ``input_K`` (3, 3) px of the input where the true camera is known.
        size: (width, height) of the padded input.
        focal_px: Of the network's own camera, whatever the true one is; None takes the true one, and where nobody
            knows it the own one, as wide for its size as the thesis'.
        like: Says type and device.
    """
    own = own_camera(size, FOCAL_PX * size[0] / 832 if focal_px is None else focal_px)
    known = [meta.get('input_K') if focal_px is None else None for meta in metas]
    return torch.stack([torch.as_tensor(np.asarray(own if K is None else K)).to(like) for K in known])


def stored_camera(input_K: np.ndarray, warp_mat: np.ndarray) -> np.ndarray:
    """(3, 3) camera of the stored image that is seen through ``warp_mat`` (2, 3) as ``input_K``."""
    return transform_intrinsics(np.asarray(input_K, np.float64), invert_warp(np.asarray(warp_mat, np.float64)))


def box_translation(camera: Tensor, boxes: Tensor, K: Tensor) -> Tensor:
    """Where the bodies of regions stand, (N, 3) m.

    With α the longer side of the box, c its middle: z = 2f / (s·α), and the body's origin is seen at c + α·(x, y).

    Args:
        camera: (N, 3), s, x, y.
        boxes: (N, 4) xyxy px: the proposal in training, the detected box at test.
        K: (N, 3, 3) of each one's image.
    """
    sides = (boxes[:, 2:] - boxes[:, :2]).abs().amax(1)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    focal = torch.stack([K[:, 0, 0], K[:, 1, 1]], dim=1)
    depth = 2 * focal[:, 0] / (_EPSILON + camera[:, 0] * sides)
    in_plane = depth[:, None] * (middle + camera[:, 1:] * sides[:, None] - K[:, :2, 2]) / focal
    return torch.cat([in_plane, depth[:, None]], dim=1)


def has_place(translation: Tensor) -> Tensor:
    """(N,) bool: whose translation (N, 3) is finite and before the camera."""
    return translation.isfinite().all(1) & (translation[:, 2] > NEAR_M)
