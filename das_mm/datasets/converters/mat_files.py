"""MATLAB's files as arrays, with errors that name file and variable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.engine.isolated_calls import isolated_call
from das_mm.errors import UserError

_AGAIN = 'copy or download the file again'


def read_mat(path: str | Path, *names: str, **options: Any) -> list[Any]:
    """Variables of a mat file of versions 4 to 7.

    Args:
        path: The file.
        names: Variables wanted, in this order.
        options: Of ``scipy.io.loadmat``.

    Raises:
        UserError: The file cannot be read, is damaged, or lacks a variable.
    """
    try:
        content = isolated_call(load_variables, str(path), names, options, file=path, remedy=_AGAIN)
    except UserError:
        raise
    except (FileNotFoundError, PermissionError) as error:
        raise UserError(f'it cannot be read ({error.strerror})', file=path, remedy=_AGAIN) from None
    except NotImplementedError:
        raise UserError(
            'it is a mat file of version 7.3, another than the original',
            file=path,
            remedy='use the file of the original archive',
        ) from None
    except Exception as error:  # scipy lets a broken file fail anywhere
        raise UserError(
            f'it is no whole mat file ({type(error).__name__}: {error})', file=path, remedy=_AGAIN
        ) from error
    for name in names:
        if name not in content:
            raise UserError('the file has no such variable', file=path, field=name, remedy=_AGAIN)
    return [content[name] for name in names]


def load_variables(path: str, names: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    """What scipy reads; it dies of some damaged files, so it is called in a process of its own."""
    from scipy.io import loadmat

    content = loadmat(path, variable_names=list(names), **options)
    return {name: content[name] for name in names if name in content}


@contextmanager
def open_hdf5(path: str | Path) -> Iterator[HDF5Reader]:
    """A mat file of version 7.3, which is HDF5.

    Raises:
        UserError: h5py is not installed, or the file cannot be read.
    """
    try:
        import h5py
    except ImportError:
        raise UserError(
            'h5py is needed to read MATLAB files of version 7.3', file=path, remedy='pip install das_mm[data]'
        ) from None
    try:
        file = h5py.File(path, 'r')
    except OSError as error:
        raise UserError(f'it is no whole HDF5 file ({error})', file=path, remedy=_AGAIN) from None
    with file:
        yield HDF5Reader(file, path)


class HDF5Reader:
    """Reads arrays out of an open HDF5 file; their axes are MATLAB's in reverse."""

    def __init__(self, file: Any, path: str | Path):
        self._file, self._path = file, path

    def array(self, name: str, *shape: int | None) -> np.ndarray:
        """A data set of this shape; None stands for any length.

        Raises:
            UserError: It is not there, cannot be read or has another shape.
        """
        if name not in self._file:
            raise UserError('the file has no such data set', file=self._path, field=name, remedy=_AGAIN)
        try:
            values = np.asarray(self._file[name][()])
        except (OSError, TypeError) as error:
            raise UserError(f'it cannot be read ({error})', file=self._path, field=name, remedy=_AGAIN) from None
        check_shape(values, shape, self._path, name)
        return values


def check_shape(values: np.ndarray, shape: tuple[int | None, ...], path: str | Path, name: str) -> None:
    """Raises UserError if an array has another shape; None stands for any length."""
    if len(values.shape) != len(shape) or any(b is not None and a != b for a, b in zip(values.shape, shape)):
        wanted = ' × '.join('N' if length is None else str(length) for length in shape)
        raise UserError(
            f'it has the shape {values.shape}, not {wanted}',
            file=path,
            field=name,
            remedy='use the file of the original archive',
        )
