"""The data sets of a training, as the store of fits tells them apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from das_mm.datasets.datasets import PersonViewDataset
from das_mm.errors import UserError

from .fits_store import SampleSet


def person_views(dataset: Any) -> Iterator[PersonViewDataset]:
    """All person views inside a data set that wraps or mixes others."""
    if isinstance(dataset, PersonViewDataset):
        yield dataset
        return
    for inner in getattr(dataset, 'datasets', None) or filter(None, [getattr(dataset, 'dataset', None)]):
        yield from person_views(inner)


def sample_set(view: PersonViewDataset) -> SampleSet:
    """The people of a view's annotation file, those left out among them; its digest is of images, boxes and ids."""
    count = view.num_people  # reads the file where that has not been done
    columns = view.dataset.data_list.table.columns
    digest = hashlib.sha256()
    for name in ('file_name', 'first_person', 'ann_id', 'bbox'):
        digest.update(columns[name].tobytes())
    return SampleSet(view.dataset.dataset_name, count, digest.hexdigest())


def sample_sets(dataset: Any) -> list[SampleSet]:
    """Of all person views in a training's data set.

    Raises:
        UserError: There is none, or two of one name are of different people.
    """
    found: dict[str, SampleSet] = {}
    for view in person_views(dataset):
        one = sample_set(view)
        if found.setdefault(one.name, one) != one:
            raise UserError(
                f'two data sets are called {one.name}, and their fits would be mixed up',
                file=view.ann_file,
                field='dataset_name',
                remedy='give each its own dataset_name in the config',
            )
    if not found:
        raise UserError(
            f'a {type(dataset).__name__} has no samples of one person each',
            field='train_dataloader.dataset',
            remedy="use dict(type='PersonView', dataset=…), or a mixture of such",
        )
    return list(found.values())
