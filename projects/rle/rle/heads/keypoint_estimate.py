"""What a regressor says of a person's keypoints, and the average over the image and its mirror image.

Frame of all coordinates: x / W - 0.5, y / H - 0.5 of the crop, depth relative to the root / depth scale. Shapes: B
people, K keypoints, D coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from das_mm.errors import UserError
from das_mm.models.losses import keypoint_confidence, positive_scale

# a heatmap cell of the networks that the authors compare with; their flip test without the shift moves by one of these
HEATMAP_STRIDE = 4


class RegressionOutput(NamedTuple):
    """A network's output.

    Attributes:
        coords: (B, K, D).
        raw_sigma: (B, K, D) before the sigmoid; None for a network that does not learn scales.
    """

    coords: Tensor
    raw_sigma: Tensor | None


class KeypointEstimate(NamedTuple):
    """Keypoints with what is thought of them.

    Attributes:
        coords: (B, K, D).
        confidence: (B, K), 1 - mean of σ over the coordinates; 1 where no σ is learnt.
        sigma: (B, K, D), or None.
    """

    coords: Tensor
    confidence: Tensor
    sigma: Tensor | None


def read_output(output: RegressionOutput, root_index: int | None = None) -> KeypointEstimate:
    """The keypoints that a network's output means.

    Args:
        output: Of the network.
        root_index: With depths: the keypoint whose depth all depths are told relative to. The network is not made to
            give 0 there; training compares its depths as they are.

    Raises:
        UserError: A coordinate or σ is not finite.
    """
    coords, raw_sigma = output
    if root_index is not None:
        depth = coords[..., 2:] - coords[:, root_index : root_index + 1, 2:]
        coords = torch.cat([coords[..., :2], depth], dim=-1)
    if raw_sigma is None:
        estimate = KeypointEstimate(coords, coords.new_ones(coords.shape[:2]), None)
    else:
        sigma = positive_scale(raw_sigma)
        estimate = KeypointEstimate(coords, keypoint_confidence(sigma), sigma)
    for name, values in (('coordinates', coords), ('σ', raw_sigma)):
        if values is not None and not torch.isfinite(values).all():
            raise UserError(
                f'the network gives {name} that are not finite',
                field='head',
                remedy='its weights are damaged or its training has diverged: take an earlier checkpoint',
            )
    return estimate


def flip_average(
    plain: KeypointEstimate, mirrored: KeypointEstimate, flip_indices: Sequence[int], width_px: int, shift: bool = True
) -> KeypointEstimate:
    """The average that the authors report: coordinates and confidences are exchanged between the sides, σ is not.

    The mirror image of pixel i is W - 1 - i, so x' = -x - 1/W in the frame of the keypoints. Without ``shift`` the
    released code takes a cell of its heatmaps for a pixel: x' = -x - 4/W. It averages σ without exchanging sides, and
    nothing reads that average.

    Args:
        plain, mirrored: Estimates from the crop and from its mirror image.
        flip_indices: The keypoint on the other side, for each.
        width_px: W, of the crop.
        shift: See above.
    """
    order = list(flip_indices)
    offset = 1 / width_px if shift else HEATMAP_STRIDE / width_px
    coords = torch.cat([-mirrored.coords[..., :1] - offset, mirrored.coords[..., 1:]], dim=-1)[:, order]
    sigma = None
    if plain.sigma is not None and mirrored.sigma is not None:
        sigma = (plain.sigma + mirrored.sigma) / 2
    confidence = (plain.confidence + mirrored.confidence[:, order]) / 2
    return KeypointEstimate((plain.coords + coords) / 2, confidence, sigma)
