"""Body models from files: SMPL as downloaded (``.pkl``), or the same arrays as ``.npz``; nothing in a file is executed.

The downloaded pickles hold chumpy objects and scipy matrices. Stand-ins take their place (``restricted_pickle``), so
neither chumpy nor a class of scipy's is made by a file. What each array must be is checked here, once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.engine import file_sha256
from das_mm.engine.array_files import read_npz
from das_mm.engine.restricted_pickle import load_pickle
from das_mm.errors import UserError

from .generated_body import TEMPLATE_FILE, load_generated_body
from .shape_space import GENDER_BETAS
from .skeleton import PARENTS
from .smpl_pickle import STAND_INS, plain

NUM_VERTICES, NUM_FACES, NUM_JOINTS = 6890, 13776, len(PARENTS)

_KEYS = ('v_template', 'f', 'shapedirs', 'posedirs', 'J_regressor', 'weights', 'kintree_table')

_AGAIN = 'copy or download the file again'
_HOW_TO_GET_SMPL = (
    'to get it: (1) register at https://smpl.is.tue.mpg.de and accept its licence; (2) under Download, take "SMPL for '
    'Python" (version 1.1.0 holds the neutral body) and unpack it; (3) give the path of '
    'basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl as `model_path`. Or leave `model_path` out: the generated body serves '
    'training, tests and demos'
)

# names that the files of one gender go by: as downloaded, and as smplx wants them
_FILE_PATTERNS = {
    'neutral': ('basicmodel_neutral*', 'smpl_neutral.*'),
    'male': ('basicmodel_m_*', 'smpl_male.*'),
    'female': ('basicmodel_f_*', 'smpl_female.*'),
}


@dataclass(frozen=True, eq=False)
class SMPLArrays:
    """The arrays of an SMPL-format body: V = 6890, F = 13776, 24 joints, B shape directions; metres, y up.

    Attributes:
        v_template: (V, 3) float64.
        faces: (F, 3) int64.
        shapedirs: (V, 3, B) float64.
        posedirs: (V, 3, 207) float64.
        J_regressor: (24, V) float64.
        weights: (V, 24) float64.
        source: 'generated', or the path of the file.
        sha256: Of the file (of the template's file for the generated body).
        version: What the file name says, else what the number of shape directions tells.
    """

    v_template: np.ndarray
    faces: np.ndarray
    shapedirs: np.ndarray
    posedirs: np.ndarray
    J_regressor: np.ndarray
    weights: np.ndarray
    source: str
    sha256: str
    version: str


def generated_arrays(gender: str = 'neutral') -> SMPLArrays:
    """The generated body, its template moved along the shape directions for a gender other than neutral."""
    _check_gender(gender)
    body = load_generated_body()
    wide = {
        name: np.asarray(getattr(body, name), np.float64)
        for name in ('v_template', 'shapedirs', 'posedirs', 'J_regressor', 'weights')
    }
    wide['v_template'] = wide['v_template'] + wide['shapedirs'] @ np.asarray(GENDER_BETAS[gender])
    return SMPLArrays(
        faces=body.faces, **wide, source='generated', sha256=file_sha256(TEMPLATE_FILE), version='generated'
    )


def load_smpl_file(path: str | Path, gender: str = 'neutral') -> SMPLArrays:
    """Read and check a body model.

    Args:
        path: ``*.pkl`` or ``*.npz``, or a folder that holds the files of the genders under their usual names (as
            downloaded, or ``SMPL_NEUTRAL.pkl``), itself or in a folder ``smpl`` or ``models``.
        gender: Which file of a folder; a file is taken as it is.

    Raises:
        UserError: The file is missing, is no body model, tries to run code, or has another topology than SMPL.
    """
    path = _find_file(Path(path), gender)
    content = read_npz(path, _AGAIN, _KEYS) if path.suffix.lower() == '.npz' else load_pickle(path, allow=STAND_INS)
    if not isinstance(content, dict):
        raise UserError(
            f'it holds a {type(content).__name__}, not the dict of a body model', file=path, remedy=_HOW_TO_GET_SMPL
        )
    absent = [key for key in _KEYS if key not in content]
    if absent:
        raise UserError(f'it is no SMPL model: it has no {", ".join(absent)}', file=path, remedy=_HOW_TO_GET_SMPL)
    arrays = {key: _as_array(content[key], path, key) for key in _KEYS}
    _check_topology(arrays, path)
    num_betas = arrays['shapedirs'].shape[2]
    named = re.search(r'v(\d+(?:\.\d+)+)', path.name)
    version = named[1] if named else f'not told by the file ({num_betas} shape directions)'
    return SMPLArrays(
        v_template=arrays['v_template'],
        faces=arrays['f'].astype(np.int64),
        shapedirs=arrays['shapedirs'],
        posedirs=arrays['posedirs'],
        J_regressor=arrays['J_regressor'],
        weights=arrays['weights'],
        source=str(path),
        sha256=file_sha256(path),
        version=version,
    )


def _find_file(path: Path, gender: str) -> Path:
    _check_gender(gender)
    if path.is_dir():
        for folder in (path, path / 'smpl', path / 'models', path / 'smpl' / 'models'):
            files = sorted(folder.iterdir()) if folder.is_dir() else []
            found = [
                file
                for file in files
                if file.suffix.lower() in ('.pkl', '.npz')
                and any(_matches(file.name, pattern) for pattern in _FILE_PATTERNS[gender])
            ]
            if found:
                return found[-1]  # the latest version
        raise UserError(
            f'the folder holds no {gender} SMPL model', file=path, field='model_path', remedy=_HOW_TO_GET_SMPL
        )
    if not path.is_file():
        raise UserError('the body model is not there', file=path, field='model_path', remedy=_HOW_TO_GET_SMPL)
    if path.suffix.lower() not in ('.pkl', '.npz'):
        raise UserError(
            f'the suffix {path.suffix!r} is neither .pkl nor .npz',
            file=path,
            field='model_path',
            remedy=_HOW_TO_GET_SMPL,
        )
    return path


def _check_gender(gender: str) -> None:
    if gender not in _FILE_PATTERNS:
        raise UserError(f'unknown gender {gender!r}', field='gender', remedy=f'use one of {sorted(_FILE_PATTERNS)}')


def _matches(name: str, pattern: str) -> bool:
    return Path(name.lower()).match(pattern)


def _as_array(value: Any, path: Path, key: str) -> np.ndarray:
    try:
        array = plain(value)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in 'iuf':
            raise ValueError(f'it is {getattr(array, "dtype", type(array).__name__)}')
        array = np.asarray(array, np.float64)
    except Exception as error:  # the state of a stand-in is whatever the file says
        raise UserError(
            f'it is no array of numbers ({error})', file=path, field=key, remedy=_HOW_TO_GET_SMPL
        ) from error
    if not np.isfinite(array).all():
        raise UserError('it holds NaN or infinity', file=path, field=key, remedy=_AGAIN)
    return array


def _check_topology(arrays: dict[str, np.ndarray], path: Path) -> None:
    num_vertices, num_joints = len(arrays['v_template']), len(arrays['J_regressor'])
    if (num_vertices, len(arrays['f']), num_joints) != (NUM_VERTICES, NUM_FACES, NUM_JOINTS):
        raise UserError(
            f'it is another body than SMPL: {num_vertices} vertices, {len(arrays["f"])} faces, {num_joints} joints, '
            f'not {NUM_VERTICES}, {NUM_FACES}, {NUM_JOINTS} (SMPL-H has 52 joints, SMPL-X 10475 vertices)',
            file=path,
            remedy=_HOW_TO_GET_SMPL,
        )
    shapes = {
        'v_template': (NUM_VERTICES, 3),
        'f': (NUM_FACES, 3),
        'posedirs': (NUM_VERTICES, 3, 9 * (NUM_JOINTS - 1)),
        'J_regressor': (NUM_JOINTS, NUM_VERTICES),
        'weights': (NUM_VERTICES, NUM_JOINTS),
        'kintree_table': (2, NUM_JOINTS),
    }
    for key, shape in shapes.items():
        if arrays[key].shape != shape:
            raise UserError(
                f'its shape is {arrays[key].shape}, not {shape}', file=path, field=key, remedy=_HOW_TO_GET_SMPL
            )
    if arrays['shapedirs'].ndim != 3 or arrays['shapedirs'].shape[:2] != (NUM_VERTICES, 3):
        raise UserError(
            f'its shape is {arrays["shapedirs"].shape}, not ({NUM_VERTICES}, 3, number of betas)',
            file=path,
            field='shapedirs',
            remedy=_HOW_TO_GET_SMPL,
        )
    faces = arrays['f']
    if faces.min() < 0 or faces.max() >= NUM_VERTICES:
        raise UserError('it names vertices that do not exist', file=path, field='f', remedy=_HOW_TO_GET_SMPL)
    # the root's parent is written as an unsigned -1
    if arrays['kintree_table'][0, 1:].tolist() != list(PARENTS[1:]):
        raise UserError(
            "its joints hang together in another way than SMPL's",
            file=path,
            field='kintree_table',
            remedy=_HOW_TO_GET_SMPL,
        )
