"""The records of an annotation file as columns of numbers: small, shared by all processes, turned to records on demand.

Letters: M images, A people in the order of the images, K keypoints, C cameras.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np

from das_mm.errors import UserError

# columns with one row an image, and with one row a camera; all others have one row a person
_IMAGE_COLUMNS = (
    'img_id',
    'height',
    'width',
    'frame',
    'has_3d',
    'is_labeled',
    'crowd_index',
    'activity',
    'camera',
    'seq',
    'view',
)
_CAMERA_PARTS = ('K', 'R', 'T', 'dist')

#: in the folder of a mapped table: what its columns are and what they were made from
HEADER_FILE = 'table.json'


class RecordTable:
    """Columns and what belongs to all of them.

    Args:
        columns: Arrays by name. People (A, …): the fields of a record of :class:`.DASDataset`. Images (M,): ``img_id``,
            ``height``, ``width``, ``frame``, ``has_3d``, ``is_labeled``, ``crowd_index`` (NaN: none), ``activity`` (-1:
            none), ``camera`` (row, -1: unknown), ``seq`` and ``view`` (rows of the lists in ``header``). Cameras (C,
            …): ``camera_K``, … (a part that is not known is NaN). ``first_person`` (M + 1,): people of image i are rows
            first_person[i] to first_person[i + 1]. Texts and polygons lie end to end, with (M + 1,) bounds:
            ``file_name`` and ``file_name_ends``; ``region_points`` (P, 2), ``region_ends`` (polygons + 1,),
            ``regions_of_image``. Where masks were asked for, ``mask_counts`` with bounds ``mask_ends`` (A + 1,).
        header: ``info`` of the file, and the lists ``seq`` and ``view``.
        folder: Where the columns are mapped from, and ``token``, which names that very build; None in memory. A mapped
            table is pickled as its folder: a worker process maps the same pages and receives no copy.
    """

    def __init__(
        self, columns: dict[str, np.ndarray], header: dict, folder: Path | None = None, token: str | None = None
    ):
        self.columns, self.header, self.folder, self.token = columns, header, folder, token

    def __len__(self) -> int:
        return len(self.columns['img_id'])

    def __deepcopy__(self, memo: dict) -> RecordTable:
        return self  # never written to

    def __reduce__(self):
        if self.folder is None:
            return RecordTable, (self.columns, self.header)
        return _map_again, (self.folder, self.token)

    def people_per_image(self, chosen: np.ndarray) -> np.ndarray:
        """(M,) how many of the people marked in ``chosen`` (A,) (or the sum of their numbers) are in each image."""
        sums = np.concatenate([[0], np.cumsum(chosen, dtype=np.int64)])
        return np.diff(sums[self.columns['first_person']])

    def file_names(self) -> list[str]:
        """(M) as in the annotation file."""
        return [self._file_name(row) for row in range(len(self))]

    def record(self, row: int) -> dict:
        """A new dict of new arrays: one image with its people (fields: :class:`.DASDataset`, ``img_path`` excepted)."""
        columns = self.columns
        start, stop = columns['first_person'][row : row + 2].tolist()
        image = {name: columns[name][row].item() for name in _IMAGE_COLUMNS}
        crowd_index = image['crowd_index']
        record = dict(
            file_name=self._file_name(row),
            img_id=image['img_id'],
            ori_shape=(image['height'], image['width']),
            camera=self._camera(image['camera']),
            seq=self.header['seq'][image['seq']],
            view=self.header['view'][image['view']],
            frame=image['frame'],
            has_3d=image['has_3d'],
            is_labeled=image['is_labeled'],
            crowd_index=None if crowd_index != crowd_index else crowd_index,
            activity=None if image['activity'] < 0 else image['activity'],
            ignore_regions=self._regions(row),
        )
        for name in self.header['people_columns']:
            record[name] = np.array(columns[name][start:stop])
        if 'mask_ends' in columns:
            record['masks'] = self._masks(start, stop, [image['height'], image['width']])
        return record

    def _masks(self, start: int, stop: int, size: list[int]) -> list[dict | None]:
        """COCO's compressed run lengths of each person, None without."""
        ends = self.columns['mask_ends'][start : stop + 1].tolist()
        counts = [self.columns['mask_counts'][first:last].tobytes() for first, last in zip(ends[:-1], ends[1:])]
        return [dict(size=size, counts=one) if one else None for one in counts]

    def _file_name(self, row: int) -> str:
        start, stop = self.columns['file_name_ends'][row : row + 2].tolist()
        return self.columns['file_name'][start:stop].tobytes().decode()

    def _camera(self, row: int) -> dict:
        if row < 0:
            return dict.fromkeys(_CAMERA_PARTS) | dict(source='unknown')
        parts = {part: np.array(self.columns[f'camera_{part}'][row]) for part in _CAMERA_PARTS}
        return {part: None if np.isnan(value).any() else value for part, value in parts.items()} | dict(
            source='annotation'
        )

    def _regions(self, row: int) -> list[np.ndarray]:
        first, last = self.columns['regions_of_image'][row : row + 2].tolist()
        ends = self.columns['region_ends'][first : last + 1].tolist()
        return [np.array(self.columns['region_points'][start:stop]) for start, stop in zip(ends[:-1], ends[1:])]


class Records(Sequence):
    """Some images of a table, in some order: what mmengine's ``BaseDataset`` keeps as its ``data_list``."""

    def __init__(self, table: RecordTable, rows: np.ndarray | None = None):
        self.table = table
        self.rows = np.arange(len(table)) if rows is None else rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int | np.integer) -> dict: ...

    @overload
    def __getitem__(self, index: slice | Sequence[int] | np.ndarray) -> Records: ...

    def __getitem__(self, index: int | np.integer | slice | Sequence[int] | np.ndarray) -> dict | Records:
        """One record, or, for a slice, a list of indices or a mask, records."""
        if isinstance(index, (int, np.integer)):
            return self.table.record(int(self.rows[index]))
        return Records(self.table, self.rows[index if isinstance(index, slice) else np.asarray(index)])

    def __deepcopy__(self, memo: dict) -> Records:
        return Records(self.table, self.rows)


def map_table(folder: Path) -> RecordTable:
    """Opens a cached table; its columns are read from disk as they are needed.

    Raises:
        OSError, ValueError, KeyError, TypeError: It is absent or damaged.
    """
    header = json.loads((folder / HEADER_FILE).read_text(encoding='utf-8'))
    columns = {}
    for name, (dtype, shape) in header['columns'].items():
        column = np.load(folder / f'{name}.npy', mmap_mode='r' if 0 not in shape else None, allow_pickle=False)
        if column.dtype.str != dtype or column.shape != tuple(shape):
            raise ValueError(f'{name} is {column.dtype} {column.shape}')
        columns[name] = column.view(np.ndarray)  # of the same pages: a memmap's own slices are slow to make
    return RecordTable(columns, header['header'], folder, header['token'])


def _map_again(folder: Path, token: str) -> RecordTable:
    """What unpickling calls in a worker process."""
    table = map_table(folder)
    if table.token != token:
        raise UserError(
            'the cached annotations were made anew while a process was using them',
            file=folder,
            remedy='start again; do not edit annotation files of a running training',
        )
    return table
