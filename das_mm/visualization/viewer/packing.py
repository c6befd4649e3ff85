"""Arrays in the text of a page: little-endian bytes in base 64, as small as their values allow."""

from __future__ import annotations

import base64
from typing import TypedDict

import numpy as np


class Packed(TypedDict):
    """An array as the page reads it: the kind of its numbers ('i2', 'f4', …) and their bytes."""

    kind: str
    bytes: str


def pack(values: np.ndarray, kind: str) -> Packed:
    """The numbers of an array in row-major order."""
    data = np.ascontiguousarray(values, dtype=f'<{kind}').tobytes()
    return Packed(kind=kind, bytes=base64.b64encode(data).decode())


def pack_rounded(values: np.ndarray) -> Packed:
    """Whole numbers in 16 bits, or in 32 where one is too large for that; what is not finite becomes the least one."""
    known = np.isfinite(values)
    limit = np.abs(values[known]).max(initial=0.0)
    kind = 'i2' if limit <= np.iinfo(np.int16).max else 'i4'
    bound = np.iinfo(f'<{kind}').max
    whole = np.where(known, np.round(np.clip(np.where(known, values, 0), -bound, bound)), -bound - 1)
    return pack(whole, kind)
