"""Weights in eight bits: a quarter of the file, computed in float32 all the same.

Each output channel (dimension 0) has a scale of its own: weight = scale · integer from -127 to 127. Weights that were
restored from eight bits are stored the same again, so a checkpoint and the graph that is made from it hold one model.
"""

from __future__ import annotations

import numpy as np

LEAST_SIZE = 1024  # numbers; what is smaller is not worth the trouble


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
