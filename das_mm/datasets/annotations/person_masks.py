"""Masks of the people of an annotation file, read for those who ask for them."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import print_log

from .coco_masks import DamagedMask, run_lengths


def pack_segmentation(segmentation: Any) -> str | None:
    """A ``segmentation`` as text, which takes a fifth of the memory until it is read; None without one."""
    return None if segmentation is None else json.dumps(segmentation)


def take_segmentations(content: Mapping[str, Any]) -> dict[Any, str]:
    """Annotation id -> packed ``segmentation``, taken out of the content of a file; what is no entry is passed over."""
    entries = content.get('annotations')
    entries = entries if isinstance(entries, list) else []
    found = {
        entry.get('id'): entry.pop('segmentation')
        for entry in entries
        if isinstance(entry, dict) and 'segmentation' in entry
    }
    return {key: value for key, value in found.items() if isinstance(value, str)}


def read_masks(
    packed: Mapping[Any, str], ann_ids: Sequence[int], sizes: Sequence[tuple[int, int]], file: str
) -> list[str]:
    """Compressed run lengths of COCO (``counts``) of each person, '' for those without a mask.

    Damaged masks are left out, counted and told.

    Args:
        packed: Of :func:`take_segmentations`.
        ann_ids: Of the people.
        sizes: (width, height) px of each one's image.
        file: For messages.
    """
    counts, faults = [], Counter()
    for ann_id, size in zip(ann_ids, sizes):
        try:
            mask = run_lengths(json.loads(packed.get(ann_id, 'null')), size)
        except DamagedMask as damage:
            faults[str(damage)] += 1
            mask = None
        counts.append('' if mask is None else mask['counts'])
    for fault, number in faults.items():
        print_log(f'{file}: {number} masks are left out: {fault}', logger='current', level=logging.WARNING)
    return counts
