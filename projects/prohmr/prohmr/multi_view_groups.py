"""Which samples are views of one person at one moment."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.logging import print_log
from mmpose.structures import PoseDataSample
from torch.utils.data import Sampler

from das_mm.errors import UserError
from das_mm.registry import DATA_SAMPLERS


def view_groups(samples: Sequence[PoseDataSample], by: str = 'batch') -> list[list[int]]:
    """Rows of samples that are views of one person at one moment.

    Args:
        samples: With ``sample_key`` in their metainfo, and of data sets ``seq``, ``frame`` and ``view``.
        by: 'batch': all of them, of different images; 'moment': those of one sequence and frame. Samples without a
            second view, and two people in one view, are no group: they are left as they are, counted and told.

    Raises:
        UserError: A word that is not known, or a batch whose samples are not one of each image.
    """
    if by == 'batch':
        names = [str(sample.metainfo['sample_key'][0]) for sample in samples]
        if len(set(names)) < len(names) or len(names) < 2:
            raise UserError(
                f'{len(names)} people in {len(set(names))} views are not one person in several',
                field='views',
                remedy='say in each of two or more images where the one person is: --boxes FILE.json, or --boxes image',
            )
        return [list(range(len(samples)))]
    if by != 'moment':
        raise UserError(f'{by!r} is not possible', field='views.by', remedy="use 'batch' or 'moment'")
    moments: dict[tuple, list[int]] = defaultdict(list)
    for row, sample in enumerate(samples):
        moments[_moment(sample.metainfo)].append(row)
    groups = []
    for rows in moments.values():
        views = [samples[row].metainfo.get('view') for row in rows]
        if len(rows) > 1 and len(set(views)) == len(rows):
            groups.append(rows)
    if alone := len(samples) - sum(map(len, groups)):
        print_log(
            f'{alone} of {len(samples)} people have no other view, or somebody else in the same, and stay as they are',
            logger='current',
            level=logging.WARNING,
        )
    return groups


def _moment(meta: Any) -> tuple:
    return (meta.get('dataset_name'), meta.get('seq'), meta.get('frame'))


@DATA_SAMPLERS.register_module()
class MomentSampler(Sampler):
    """The people of a data set with those of one moment one after the other, so that a batch has all views of some.

    Batches must be as large as the views of whole moments: moments with another number of views are left out, counted
    and told. One process only.

    Args:
        dataset: With ``seq``, ``frame`` and ``view`` in its records.
        views: Of each moment.
        seed, kwargs: Of mmengine's samplers; not used.

    Raises:
        UserError: No moment has so many views.
    """

    def __init__(self, dataset: Any, views: int = 4, seed: int | None = None, **kwargs: Any) -> None:
        moments: dict[tuple, list[int]] = defaultdict(list)
        for row in range(len(dataset)):
            moments[_moment(dataset.get_data_info(row))].append(row)
        whole = [rows for rows in moments.values() if len(rows) == views]
        self.rows = [row for rows in whole for row in rows]
        if not whole:
            raise UserError(
                f'none of {len(moments)} moments has {views} views',
                field='sampler.views',
                remedy='give the number of cameras, and a data set whose records name seq, frame and view',
            )
        if left_out := len(moments) - len(whole):
            print_log(f'{left_out} moments do not have {views} views and are left out', logger='current')

    def __iter__(self) -> Iterator[int]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def set_epoch(self, epoch: int) -> None:
        """Every epoch has the same order."""
