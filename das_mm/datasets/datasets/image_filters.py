"""Which images of a table a dataset keeps: the ``filter_cfg`` of :class:`.DASDataset`."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from das_mm.errors import UserError

from .record_table import RecordTable

FILTERS = ('filter_empty_gt', 'min_labelled_keypoints_per_image', 'sequences', 'views', 'num_images')


def check_filters(filters: Mapping[str, Any] | None) -> None:
    """Raises UserError for a filter that does not exist."""
    unknown = set(filters or ()) - set(FILTERS)
    if unknown:
        raise UserError(
            f'there is no filter {", ".join(sorted(unknown))}', field='filter_cfg', remedy=f'use {", ".join(FILTERS)}'
        )
    number = (filters or {}).get('num_images')
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
        raise UserError(
            f'{number!r} is no number of images',
            field='filter_cfg.num_images',
            remedy='give 1 or more, or leave it out',
        )


def evenly_spread(count: int, wanted: int | None) -> np.ndarray:
    """(min(count, wanted),) the rows of ``wanted`` of ``count`` images, spread evenly over them; all where None."""
    if wanted is None or wanted >= count:
        return np.arange(count)
    return (np.arange(wanted) * count) // wanted


def passing_images(table: RecordTable, filters: Mapping[str, Any], valid_people: np.ndarray) -> np.ndarray:
    """(M,) bool: the images of a table that pass.

    Args:
        table: M images, A people.
        filters: See :class:`.DASDataset`.
        valid_people: (A,) bool, who is ground truth.
    """
    columns, keep = table.columns, np.ones(len(table), dtype=bool)
    if filters.get('filter_empty_gt'):
        learnable = (columns['root_flags'] > 0) & valid_people & ~columns['iscrowd']
        keep &= table.people_per_image(learnable) > 0
    if filters.get('min_labelled_keypoints_per_image'):
        labelled = (columns['keypoints_flags'] > 0).sum(axis=1) * ~columns['iscrowd']
        keep &= table.people_per_image(labelled) >= filters['min_labelled_keypoints_per_image']
    for name, column in (('sequences', 'seq'), ('views', 'view')):
        if filters.get(name):
            named = [any(fnmatchcase(one, pattern) for pattern in filters[name]) for one in table.header[column]]
            keep &= np.array(named, dtype=bool)[columns[column]]
    return keep
