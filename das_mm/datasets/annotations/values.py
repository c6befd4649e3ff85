"""What counts as numbers and as text in a json file that somebody else has written."""

from __future__ import annotations

from typing import Any

import numpy as np

#: greatest side of an image that is believed
MAX_SIDE_PX = 1e6
#: greatest pixel coordinate: people beside a camera are seen far out of its image
MAX_PX = 1e9
#: greatest length, mm: a thousand kilometres
MAX_MM = 1e9
_INT64 = 2**63


def as_numbers(value: Any) -> np.ndarray | None:
    """A number or a regular list of numbers as float64, null as NaN; None for anything else.

    Text is no number, also where it looks like one, nor is a number beyond float64 (10^400).
    """
    try:
        array = np.asarray(value)
        if array.dtype.kind == 'O' and all(item is None or isinstance(item, (int, float)) for item in array.ravel()):
            return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None
    return array.astype(np.float64, copy=False) if array.dtype.kind in 'biuf' else None


def as_whole_number(value: Any) -> int | None:
    """The whole number of 64 bits that a value is, exact; None for anything else (text, null, 1.5, 2^63)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return None
    if isinstance(value, (float, np.floating)) and not float(value).is_integer():  # NaN and infinity too
        return None
    number = int(value)
    return number if -_INT64 <= number < _INT64 else None


def is_usable_text(value: Any) -> bool:
    """Whether a value is text that can be printed and be part of a path: UTF-8 without zero bytes."""
    if not isinstance(value, str) or '\0' in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def short_text(value: Any, length: int = 60) -> str:
    """How a value looks, cut where it is long."""
    try:
        text = ascii(value) if isinstance(value, str) and not is_usable_text(value) else repr(value)
    except ValueError:  # more digits than python prints
        text = f'a number of {value.bit_length()} bits' if isinstance(value, int) else type(value).__name__
    return text if len(text) <= length else text[:length] + '…'
