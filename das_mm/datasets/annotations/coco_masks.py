"""Masks of COCO's files as compressed run lengths; damaged ones are recognised before any library meets them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from .values import as_numbers, as_whole_number

_LEAST_POLYGON = 6  # numbers of a triangle; COCO's files have a few shorter ones
_FAR_OUT = 1.0  # of the longer side of the image beyond its border: the library walks along every edge
_LARGEST_DIGITS = 7  # of 5 bits each


class DamagedMask(ValueError):
    """It is no mask of its image."""


def run_lengths(segmentation: Any, size: tuple[int, int]) -> dict | None:
    """Polygons or run lengths of either kind as compressed run lengths with text counts; None where there are none.

    Args:
        segmentation: Of an annotation.
        size: (width, height) of the image.

    Raises:
        DamagedMask: It is neither, or not of an image of this size.
    """
    width, height = size
    if segmentation is None or segmentation == []:
        return None
    if isinstance(segmentation, dict):
        given = as_numbers(segmentation.get('size'))
        if given is None or given.tolist() != [height, width]:
            raise DamagedMask(f'its size is not {[height, width]}')
        counts = segmentation.get('counts')
        lengths = _decoded(counts) if isinstance(counts, str) else _whole(counts)
        if min(lengths, default=0) < 0 or sum(lengths) != width * height:
            raise DamagedMask('its run lengths do not cover the image')
        if isinstance(counts, str):
            return dict(size=[height, width], counts=counts)
        packed: Any = coco_mask.frPyObjects(dict(size=[height, width], counts=lengths), height, width)  # type: ignore
        return dict(size=[height, width], counts=packed['counts'].decode('ascii'))
    if not isinstance(segmentation, list):
        raise DamagedMask('it is neither polygons nor run lengths')
    polygons = [_polygon(polygon, size) for polygon in segmentation]
    polygons = [polygon for polygon in polygons if len(polygon) >= _LEAST_POLYGON]
    if not polygons:
        return None
    merged: Any = coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))  # type: ignore[arg-type]
    return dict(size=[height, width], counts=merged['counts'].decode('ascii'))


def _polygon(values: Any, size: tuple[int, int]) -> list[float]:
    """x, y, x, y, … px."""
    numbers = as_numbers(values)
    if numbers is None or numbers.ndim != 1 or len(numbers) % 2:
        raise DamagedMask('a polygon is no list of x, y, x, y, …')
    points, margin = numbers.reshape(-1, 2), _FAR_OUT * max(size)
    if not ((points >= -margin) & (points <= np.asarray(size) + margin)).all():  # NaN too
        raise DamagedMask('a polygon lies far outside of the image')
    return numbers.tolist()


def _whole(counts: Any) -> list[int]:
    numbers = [as_whole_number(count) for count in counts] if isinstance(counts, list) else [None]
    if None in numbers:
        raise DamagedMask('its run lengths are no whole numbers')
    return [number for number in numbers if number is not None]


def _decoded(text: str) -> list[int]:
    """Run lengths out of COCO's text: numbers of digits of 5 bits from character 48 on, the lowest first, bit 6 says
    that more follow; from the fourth on they are less the number two before."""
    lengths: list[int] = []
    digits: list[int] = []
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64:
            raise DamagedMask('its run lengths hold characters that none have')
        digits.append(code & 31)
        if code & 32:
            continue
        lengths.append(_number(digits) + (lengths[-2] if len(lengths) > 2 else 0))
        digits = []
    if digits:
        raise DamagedMask('its run lengths break off')
    return lengths


def _number(digits: Sequence[int]) -> int:
    if len(digits) > _LARGEST_DIGITS:
        raise DamagedMask('its run lengths hold a number beyond all images')
    value = sum(digit << 5 * place for place, digit in enumerate(digits))
    return value - (1 << 5 * len(digits)) if digits[-1] & 16 else value
