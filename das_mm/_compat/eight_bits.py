"""Weights in eight bits: a quarter of the file, computed in float32 all the same.

Each output channel (dimension 0) has a scale of its own: weight = scale · integer from -127 to 127. Weights that were
restored from eight bits are stored the same again, so a checkpoint and the graph that is made from it hold one model.

Neither torch nor mmengine knows such files: both would take the integers for the weights. So whatever reads a
checkpoint, mmengine's loader too, restores them first (:mod:`.partial_weights`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from das_mm.errors import UserError

#: the key of a checkpoint that holds the scales of its weights in eight bits
EIGHT_BIT_SCALES = 'eight_bit_scales'

LEAST_SIZE = 1024  # numbers; what is smaller is not worth the trouble
_AGAIN = 'copy, download or make the file again'


def to_eight_bits(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integers of a weight's shape, and the scales (O, 1, …, 1) float32.

    Args:
        weight: (O, …) float32, finite.
    """
    largest = np.abs(weight).max(axis=tuple(range(1, weight.ndim)), keepdims=True)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.rint(weight / scale).astype(np.int8), scale


def from_eight_bits(integers: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The weight, float32."""
    return integers.astype(np.float32) * scale


def restore_weights(checkpoint: Any, path: str | Path | None = None) -> Any:
    """A checkpoint with its weights in eight bits as float32; any other object as it is.

    Raises:
        UserError: The scales do not fit the weights, or some have none.
    """
    weights = checkpoint.get('state_dict') if isinstance(checkpoint, dict) else None
    if not isinstance(weights, dict) or EIGHT_BIT_SCALES not in checkpoint:
        return checkpoint
    scales = checkpoint[EIGHT_BIT_SCALES]
    if not isinstance(scales, dict):
        raise UserError('they are no dictionary', file=path, field=EIGHT_BIT_SCALES, remedy=_AGAIN)
    integers = {name for name, value in weights.items() if getattr(value, 'dtype', None) == torch.int8}
    restored = {}
    for name in sorted(integers | set(scales)):
        value, scale = weights.get(name), scales.get(name)
        if value is None or scale is None or name not in integers or not _fits(scale, value):
            raise UserError(
                'these are no scales of a weight in eight bits',
                file=path,
                field=f'{EIGHT_BIT_SCALES}.{name}',
                remedy=_AGAIN,
            )
        restored[name] = torch.from_numpy(from_eight_bits(value.cpu().numpy(), scale.cpu().numpy()))
    rest = {key: value for key, value in checkpoint.items() if key != EIGHT_BIT_SCALES}
    return {**rest, 'state_dict': {**weights, **restored}}


def _fits(scale: object, value: Any) -> bool:
    wanted = (*value.shape[:1], *[1] * (value.ndim - 1))
    return isinstance(scale, torch.Tensor) and scale.layout is torch.strided and scale.shape == wanted
