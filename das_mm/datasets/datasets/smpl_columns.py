"""SMPL parameters of the people of an annotation file, as further columns of its table of records.

Letters: A people in the order of the images, R rows of the SMPL file.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from das_mm.errors import UserError

from ..annotations.annotation_file import AnnotationFile

_SHAPES = dict(global_orient=(3,), body_pose=(23, 3), betas=(10,), transl=(3,))
# beside the parameters: shape and kinds of numpy's types
_MARKS = dict(has_smpl=((), 'bfiu'), gender=((), 'US'))
_WORDS = {'fiu': 'numbers', 'bfiu': 'marks', 'US': 'text'}
_GENDERS = ('f', 'm', 'n')
_REMEDY = 'make both files again: the annotations and their SMPL file belong together'


def smpl_path(ann_file: str, info: dict) -> Path | None:
    """The file that ``info.smpl_file`` names: beside the annotation file, or one folder up; None without one."""
    if not info.get('smpl_file'):
        return None
    folder = Path(ann_file).resolve().parent
    beside = folder / info['smpl_file']
    return beside if beside.exists() else folder.parent / info['smpl_file']


def smpl_state(ann_file: str, info: dict) -> list | None:
    """What changes when the SMPL file does: path, size, time."""
    path = smpl_path(ann_file, info)
    if path is None or not path.exists():
        return None
    stat = os.stat(path)
    return [str(path), stat.st_size, stat.st_mtime_ns]


def smpl_columns(ann_file: str, annotations: AnnotationFile) -> dict[str, np.ndarray]:
    """``has_smpl`` (A,), ``smpl_global_orient`` (A, 3) and ``smpl_body_pose`` (A, 23, 3) rad, ``smpl_betas`` (A, 10),
    ``smpl_transl_mm`` (A, 3) and ``smpl_gender`` (A,) of 'm', 'f', 'n'; zeros where unknown. Empty without a file.

    Raises:
        UserError: The file that ``info`` names is absent or damaged, or does not have the rows that people refer to.
    """
    rows = annotations.people.smpl_row
    path = smpl_path(ann_file, annotations.info)
    if path is None or not (rows >= 0).any():
        return {}
    arrays = _read(path, ann_file)
    count = len(arrays['betas'])
    if rows.max() >= count:
        raise UserError(
            f'a person refers to row {rows.max()} of {path.name}, which has {count} rows',
            file=ann_file,
            field='annotations[].smpl',
            remedy=_REMEDY,
        )
    there = rows >= 0
    chosen = rows[there]
    known = there.copy()
    known[there] = arrays['has_smpl'][chosen]
    columns: dict[str, np.ndarray] = dict(has_smpl=known, smpl_gender=np.full(len(rows), 'n', dtype='<U1'))
    columns['smpl_gender'][there] = arrays['gender'][chosen]
    for name, target in (
        ('global_orient', 'smpl_global_orient'),
        ('body_pose', 'smpl_body_pose'),
        ('betas', 'smpl_betas'),
        ('transl', 'smpl_transl_mm'),
    ):
        columns[target] = np.zeros((len(rows), *_SHAPES[name]), dtype=np.float32)
        columns[target][there] = arrays[name][chosen]
        bad = known & ~np.isfinite(columns[target]).reshape(len(rows), -1).all(axis=1)
        if bad.any():
            raise UserError(
                f'row {rows[bad][0]} is not finite',
                file=path,
                field=name,
                remedy='mend the row, or set its has_smpl to false',
            )
    columns['smpl_transl_mm'] *= 1000  # metres in the file, as in SMPL itself
    return columns


def _read(path: Path, ann_file: str) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in (*_SHAPES, 'has_smpl', 'gender') if name in stored.files}
    except FileNotFoundError:
        raise UserError(
            f'its SMPL file {path.name} does not exist, neither beside it nor one folder up',
            file=ann_file,
            field='info.smpl_file',
            remedy=_REMEDY,
        ) from None
    except Exception as error:  # a broken zip fails anywhere
        raise UserError(f'is no SMPL file ({type(error).__name__}: {error})', file=path, remedy=_REMEDY) from None
    count = len(arrays['betas']) if 'betas' in arrays and arrays['betas'].ndim else 0
    arrays.setdefault('has_smpl', np.ones(count, dtype=bool))
    arrays.setdefault('gender', np.full(count, 'n'))
    for name, (shape, kinds) in {**{key: (shape, 'fiu') for key, shape in _SHAPES.items()}, **_MARKS}.items():
        array = arrays.get(name)
        if array is None or array.dtype.kind not in kinds or array.shape != (count, *shape):
            found = None if array is None else f'{array.dtype} {array.shape}'
            raise UserError(
                f'is {found}, expected {_WORDS[kinds]} of the shape ({", ".join(map(str, ("people", *shape)))})',
                file=path,
                field=name,
                remedy=_REMEDY,
            )
    arrays['has_smpl'] = arrays['has_smpl'] != 0
    arrays['gender'] = arrays['gender'].astype('<U1')
    alien = np.setdiff1d(arrays['gender'], _GENDERS)
    if len(alien):
        raise UserError(f'{alien[0]!r} is no gender', file=path, field='gender', remedy=f'use {", ".join(_GENDERS)}')
    return arrays
