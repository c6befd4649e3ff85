"""Arrays out of whatever holds numbers; torch is not imported for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike


def to_numpy(value: Any, dtype: DTypeLike | None = None) -> np.ndarray:
    """A tensor (any device, bf16 too), array or list as a numpy array.

    Args:
        value: What numpy can take, or a torch tensor.
        dtype: Of the result; that of the value where not given (float32 for tensors of floats).

    Example:
        >>> to_numpy([1, 2], np.float64)
        array([1., 2.])
    """
    if hasattr(value, 'detach'):
        value = value.detach().cpu()
        value = (value.float() if value.is_floating_point() and value.element_size() < 4 else value).numpy()
    return np.asarray(value, dtype=dtype)
