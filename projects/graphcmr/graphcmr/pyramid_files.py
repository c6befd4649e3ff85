"""Mesh pyramids on disk: the authors' ``mesh_downsampling.npz``, and a cache of those that were built here.

The authors' file keeps matrices of scipy as pickled objects; they are read without building a class that the file
names. It derives from SMPL and is the user's to get (the repository nkolot/GraphCMR has it).
"""

from __future__ import annotations

import logging
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from scipy import sparse

from das_mm.engine import atomic_open, cache_root, file_lock
from das_mm.engine.array_files import read_npz
from das_mm.engine.restricted_pickle import load_pickle
from das_mm.errors import UserError

from .mesh_pyramid import NUM_LEVELS, MeshPyramid, build_pyramid, mesh_sum

_REMEDY = "give GraphCMR's data/mesh_downsampling.npz, or leave it out: a pyramid is built from the body"
_FORMAT = 1  # of the cache; raise when pyramids are built in another way


class _MatrixInFile:
    """Takes the place of a sparse matrix of scipy while a file is read."""

    kind = 'csr'

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, dict) else {}

    def matrix(self) -> sparse.csr_matrix:
        """The matrix that the file describes.

        Raises:
            ValueError, KeyError, TypeError: It describes none.
        """
        rows, columns = (int(side) for side in self.state.get('_shape', self.state.get('shape')))
        data = np.asarray(self.state['data'], np.float64)
        if self.kind == 'coo':
            places = self.state['coords'] if 'coords' in self.state else (self.state['row'], self.state['col'])
            made = sparse.coo_matrix((data, tuple(np.asarray(part) for part in places)), shape=(rows, columns))
        else:
            parts = (data, np.asarray(self.state['indices']), np.asarray(self.state['indptr']))
            kind = sparse.csc_matrix if self.kind == 'csc' else sparse.csr_matrix
            made = kind(parts, shape=(rows, columns))
            made.check_format(full_check=True)  # wrong indices would be followed in C
        result = sparse.csr_matrix(made)
        result.sum_duplicates()
        if not np.isfinite(result.data).all():
            raise ValueError('it holds NaN or infinity')
        return result


class _CscInFile(_MatrixInFile):
    kind = 'csc'


class _CooInFile(_MatrixInFile):
    kind = 'coo'


_STAND_INS = {
    f'scipy.sparse.{module}.{kind}_{word}': stand_in
    for kind, stand_in in (('csr', _MatrixInFile), ('csc', _CscInFile), ('coo', _CooInFile))
    for module in (kind, f'_{kind}')
    for word in ('matrix', 'array')
}


def load_pyramid(path: str | Path) -> MeshPyramid:
    """The pyramid of an npz file as the authors distribute it: arrays ``A``, ``D`` and ``U`` of sparse matrices.

    Raises:
        UserError: The file is missing, is another one, or its matrices do not fit one another.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            lists = {name: _matrices(archive, name, path) for name in 'ADU'}
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise UserError(
            f'it is no archive of A, D and U ({error})', file=path, field='pyramid', remedy=_REMEDY
        ) from error
    adjacency = [matrix.astype(bool).astype(np.float64) for matrix in lists['A']]
    for matrix in adjacency:
        matrix.setdiag(0)
        matrix.eliminate_zeros()
    pyramid = MeshPyramid(tuple(adjacency), tuple(lists['D']), tuple(lists['U']))
    _check(pyramid, path)
    return pyramid


def pyramid_of_body(vertices: np.ndarray, faces: np.ndarray, num_levels: int = NUM_LEVELS) -> MeshPyramid:
    """The pyramid of a closed body, built once for each body and then found in ``graphcmr`` of the cache folder.

    Args:
        vertices: (V, 3) template.
        faces: (F, 3).
        num_levels: L.

    Raises:
        UserError: The body is no closed surface of genus 0.
    """
    path = cache_root() / 'graphcmr' / f'pyramid-{_FORMAT}-{num_levels}-{mesh_sum(vertices, faces)}.npz'
    try:
        lock = file_lock(path.with_suffix('.lock'))
    except OSError:  # nothing can be written there
        return build_pyramid(vertices, faces, num_levels)
    with lock:
        stored = _read_cache(path) if path.exists() else None
        if stored is not None:
            return stored
        pyramid = build_pyramid(vertices, faces, num_levels)
        try:
            _write_cache(pyramid, path)
        except UserError as error:
            print_log(f'the mesh pyramid is not kept: {error}', logger='current', level=logging.WARNING)
    return pyramid


def _matrices(archive: zipfile.ZipFile, name: str, path: str | Path) -> list[sparse.csr_matrix]:
    """The sparse matrices of one array of objects."""
    with archive.open(f'{name}.npy') as member:
        try:
            version = np.lib.format.read_magic(member)
            reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
            shape, _, dtype = reader(member)
            if dtype != np.dtype(object) or len(shape) != 1:
                raise ValueError(f'it is an array {shape} of {dtype}, not a list of sparse matrices')
            with tempfile.NamedTemporaryFile(suffix='.pkl') as part:
                part.write(member.read())
                part.flush()
                content = load_pickle(part.name, allow=_STAND_INS)
            return [matrix.matrix() for matrix in np.asarray(content, object).tolist()]
        except (ValueError, KeyError, TypeError, AttributeError) as error:  # UserError is a ValueError
            problem = error.problem if isinstance(error, UserError) else str(error)
            raise UserError(
                f'it is no list of sparse matrices ({problem})', file=path, field=name, remedy=_REMEDY
            ) from error


def _check(pyramid: MeshPyramid, path: str | Path) -> None:
    sizes = pyramid.sizes
    problem = None
    if not sizes or len(pyramid.down) != len(sizes) - 1 or len(pyramid.up) != len(sizes) - 1:
        problem = f'{len(sizes)} graphs need {len(sizes) - 1} matrices D and U; it has {len(pyramid.down)} and '
        problem += f'{len(pyramid.up)}'
    else:
        wanted = list(zip(sizes[1:], sizes[:-1]))
        shapes = [matrix.shape for matrix in pyramid.down], [matrix.shape[::-1] for matrix in pyramid.up]
        if any(found != wanted for found in shapes):
            problem = f'its D and U do not lead between graphs of {sizes} vertices'
    if problem:
        raise UserError(problem, file=path, field='pyramid', remedy=_REMEDY)


def _write_cache(pyramid: MeshPyramid, path: Path) -> None:
    arrays = {}
    for name, matrices in (('A', pyramid.adjacency), ('D', pyramid.down), ('U', pyramid.up)):
        for level, matrix in enumerate(matrices):
            parts = (matrix.data, matrix.indices, matrix.indptr, np.array(matrix.shape))
            arrays |= {f'{name}{level}_{part}': array for part, array in enumerate(parts)}
    with atomic_open(path) as file:
        np.savez_compressed(file, **arrays)


def _read_cache(path: Path) -> MeshPyramid | None:
    """None where the file is damaged: it is made again."""
    try:
        arrays = read_npz(path, 'it is made again')
        lists: dict[str, list[sparse.csr_matrix]] = {name: [] for name in 'ADU'}
        for name, matrices in lists.items():
            while f'{name}{len(matrices)}_0' in arrays:
                data, indices, indptr, shape = (arrays[f'{name}{len(matrices)}_{part}'] for part in range(4))
                matrix = sparse.csr_matrix((data, indices, indptr), shape=tuple(shape))
                matrix.check_format(full_check=True)
                matrices.append(matrix)
        pyramid = MeshPyramid(*(tuple(lists[name]) for name in 'ADU'))
        _check(pyramid, path)
        return pyramid
    except (UserError, ValueError, KeyError, TypeError) as error:
        print_log(f'{path}: damaged ({error}), made again', logger='current', level=logging.WARNING)
        return None
