"""Arrays out of files that anybody may have written: npz archives, and what stands in pickles."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile

from das_mm.errors import UserError

_MOST_VALUES = 10_000_000  # in lists; arrays may be larger


def read_npz(path: str | Path, remedy: str, keys: Container[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an npz file by name; objects in it are never loaded.

    Args:
        path: The file.
        remedy: What to do where it cannot be read.
        keys: Arrays that are wanted, as far as they are there; None: all.

    Raises:
        UserError: It cannot be read, is damaged, or an array that is wanted holds objects.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            if not isinstance(stored, NpzFile):
                raise ValueError('it is one array and no archive of arrays')
            return {key: stored[key] for key in stored.files if keys is None or key in keys}
    except Exception as error:  # a damaged archive fails anywhere
        raise UserError(
            f'it is no npz of plain arrays ({type(error).__name__}: {" ".join(str(error).split())[:200]})',
            file=path,
            remedy=remedy,
        ) from error


def read_npy(path: str | Path, remedy: str, field: str | None = None) -> np.ndarray:
    """The array of an npy file; objects in it are never loaded.

    Raises:
        UserError: It cannot be read or is damaged.
    """
    try:
        array = np.load(path, allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError('it is an archive of arrays')
        return array
    except Exception as error:  # a damaged header fails anywhere in the parsing of its text
        raise UserError(
            f'it is no plain array ({type(error).__name__}: {" ".join(str(error).split())[:200]})',
            file=path,
            field=field,
            remedy=remedy,
        ) from error


def numbers_of(value: Any) -> np.ndarray:
    """An array, or numbers in lists in lists, as float64.

    Raises:
        ValueError: It is something else; lists that contain one another would be numbers without end.
    """
    if not isinstance(value, np.ndarray):
        _count(value, _MOST_VALUES)
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _count(value: Any, most: int) -> None:
    left, waiting = most, [value]
    while waiting:
        part = waiting.pop()
        size = len(part) if isinstance(part, (list, tuple)) else part.size if isinstance(part, np.ndarray) else 1
        left -= size + 1
        if left < 0:
            raise ValueError(f'it holds more than {most} values')
        if isinstance(part, (list, tuple)):
            waiting.extend(part)
        elif not isinstance(part, (int, float, np.ndarray, np.generic)):
            raise ValueError(f'it holds a {type(part).__name__}')
