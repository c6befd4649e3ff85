"""Regressors from vertices to the joints that data sets label, out of the files that SPIN, GraphCMR and ProHMR read.

They belong to SMPL's surface and to its licence, so users give them (das_mm/bodies/LICENCES.md); for the generated body
there are stand-ins, made by ``das-mm assets regressors``. Letters: R rows, V = 6890.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from das_mm.engine.array_files import read_npy
from das_mm.engine.restricted_pickle import load_pickle
from das_mm.errors import UserError
from das_mm.structures.keypoint_sets import KEYPOINT_SETS

from .generated_body import load_generated_body
from .landmarks import LANDMARKS
from .smpl_file import NUM_VERTICES

#: what the rows of each file are called; Human3.6M's rows are brought into this order whichever leg comes first
REGRESSOR_ROWS: dict[str, tuple[str, ...]] = {
    'h36m': KEYPOINT_SETS['h36m17_left'].keypoints,  # J_regressor_h36m.npy
    'extra': ('right_hip', 'left_hip', 'neck', 'head_top', 'pelvis', 'thorax', 'spine', 'jaw', 'head_h36m'),
    'j19': KEYPOINT_SETS['gt24'].keypoints[:19],  # SMPL_to_J19.pkl
}
#: GraphCMR's ``J_regressor_extra.npy`` has these before the nine
FACE_ROWS = ('nose', 'right_eye', 'left_eye', 'right_ear', 'left_ear')

#: made by ``das-mm assets regressors``
STAND_IN_FILE = Path(__file__).parent / 'data' / 'joint_regressors.npz'

_FILE_NAMES = dict(h36m='J_regressor_h36m.npy', extra='J_regressor_extra.npy', j19='SMPL_to_J19.pkl')
# how far the sum of a row may be from 1; the rows of J19 are learnt
_SUM_TOLERANCE = dict(h36m=0.05, extra=0.05, j19=0.25)


class Surface(Protocol):
    """What a regressor must know of a body, e.g. :class:`.SMPLArrays`.

    Attributes:
        v_template: (V, 3) m.
        faces: (F, 3).
        source: 'generated', or the path of its file.
    """

    @property
    def v_template(self) -> np.ndarray: ...

    @property
    def faces(self) -> np.ndarray: ...

    @property
    def source(self) -> str: ...


class BodySurface(NamedTuple):
    """The least that is a :class:`Surface`."""

    v_template: np.ndarray
    faces: np.ndarray
    source: str


def load_joint_regressor(kind: str, path: str | Path | None, surface: Surface) -> np.ndarray:
    """A regressor, its rows named by :data:`REGRESSOR_ROWS`.

    Args:
        kind: 'h36m', 'extra' or 'j19'.
        path: ``.npy`` or ``.pkl``; None for the stand-in, which serves the generated body (and files of it) alone.
        surface: The body it is for.

    Returns:
        (R, V) float64. An 'extra' file of 14 rows, GraphCMR's, gives its last nine; see :func:`load_face_rows`.

    Raises:
        UserError: An unknown kind, a file that is missing or belongs to another body, or no file for a licensed body.
    """
    check_kind(kind)
    if path is None:
        return _stand_in(kind, surface)
    matrix = _read(path, kind)[-len(REGRESSOR_ROWS[kind]) :]
    return _left_first(matrix, surface, path) if kind == 'h36m' else matrix


def load_face_rows(path: str | Path | None) -> np.ndarray:
    """(5, V) rows of :data:`FACE_ROWS`: those of an 'extra' file of 14 rows, else the vertices that SPIN picks.

    Raises:
        UserError: The file is missing or belongs to another body.
    """
    matrix = None if path is None else _read(path, 'extra')
    if matrix is not None and len(matrix) > len(REGRESSOR_ROWS['extra']):
        return matrix[: len(FACE_ROWS)]
    picked = np.zeros((len(FACE_ROWS), NUM_VERTICES))
    picked[np.arange(len(FACE_ROWS)), [next(iter(LANDMARKS[name])) for name in FACE_ROWS]] = 1
    return picked


def check_kind(kind: str) -> None:
    """Raises UserError for an unknown kind of regressor."""
    if kind not in REGRESSOR_ROWS:
        raise UserError(
            f'unknown regressor {kind}', field='regressors', remedy=f'known are {", ".join(REGRESSOR_ROWS)}'
        )


def _read(path: str | Path, kind: str) -> np.ndarray:
    num_rows = len(REGRESSOR_ROWS[kind])
    allowed = (num_rows, num_rows + len(FACE_ROWS)) if kind == 'extra' else (num_rows,)
    remedy = f"give {_FILE_NAMES[kind]}, the regressor that belongs to SMPL's {NUM_VERTICES} vertices"
    again = f'{remedy}, as SPIN, GraphCMR or ProHMR distribute it, or leave it out with the generated body'
    matrix = load_pickle(path) if Path(path).suffix == '.pkl' else read_npy(path, again, f'regressors.{kind}')
    problem = None
    if not isinstance(matrix, np.ndarray) or matrix.dtype.kind != 'f' or matrix.ndim != 2:
        problem = f'it is no float array of shape (R, V) but {getattr(matrix, "shape", type(matrix).__name__)}'
    elif matrix.shape[1] != NUM_VERTICES:
        problem = f'it is for a body of {matrix.shape[1]} vertices: its shape is {matrix.shape}'
    elif len(matrix) not in allowed:
        problem = f'it has {len(matrix)} rows, not {" or ".join(map(str, allowed))}'
    elif not np.isfinite(matrix).all() or np.abs(matrix.sum(1) - 1).max() > _SUM_TOLERANCE[kind]:
        problem = 'its rows do not sum to 1'
    if problem:
        raise UserError(problem, file=path, field=f'regressors.{kind}', remedy=remedy)
    return matrix.astype(np.float64)


def _left_first(matrix: np.ndarray, surface: Surface, path: str | Path) -> np.ndarray:
    """Rows of Human3.6M with the left leg first: files of either order are about, the rest pose tells which it is."""
    flip = list(KEYPOINT_SETS['h36m17_left'].flip_indices)
    x = matrix @ surface.v_template[:, 0]  # to the person's left
    expected = np.array([{'l': 1, 'r': -1}.get(name[0] if '_' in name else '', 0) for name in REGRESSOR_ROWS['h36m']])
    expected[REGRESSOR_ROWS['h36m'].index('head_h36m')] = 0
    sided = expected != 0
    out = matrix.copy()
    for pair in {frozenset((i, flip[i])) for i in np.flatnonzero(sided)}:
        first, second = sorted(pair)
        if np.sign(x[first]) == -expected[first] and np.sign(x[second]) == -expected[second]:
            out[[first, second]] = out[[second, first]]
        elif np.sign(x[first]) == np.sign(x[second]):
            raise UserError(
                'its rows are not on both sides of the body',
                file=path,
                field='regressors.h36m',
                remedy="give the regressor that belongs to SMPL's vertices",
            )
    return out


def _stand_in(kind: str, surface: Surface) -> np.ndarray:
    if not np.array_equal(surface.faces, load_generated_body().faces):
        raise UserError(
            f'there is no {kind} regressor for this body: the stand-in belongs to the generated one',
            file=surface.source,
            field=f'regressors.{kind}',
            remedy=f'give {_FILE_NAMES[kind]} of SPIN, GraphCMR or ProHMR as `regressors=dict({kind}=FILE)`',
        )
    return _stored_stand_ins()[kind]


@functools.lru_cache(maxsize=1)
def _stored_stand_ins() -> dict[str, np.ndarray]:
    regressors = {}
    with np.load(STAND_IN_FILE) as stored:
        for kind, names in REGRESSOR_ROWS.items():
            matrix = np.zeros((len(names), NUM_VERTICES))
            matrix[stored[f'{kind}_rows'], stored[f'{kind}_vertices']] = stored[f'{kind}_values']
            regressors[kind] = matrix / matrix.sum(axis=1, keepdims=True)
            regressors[kind].setflags(write=False)
    return regressors
