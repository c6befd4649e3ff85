"""Reads pickles of arrays and plain containers without letting the file choose what is called.

Data sets (cameras of Human3.6M, 3DPW) and body models come as pickles, and an ordinary ``pickle.load`` runs whatever
such a file names. Here a file may name only what stands in :mod:`.pickle_names`, and what the caller adds, such as a
stand-in for a class of a package that is not installed.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from das_mm._compat.numpy_pickles import with_ordinary_arrays
from das_mm.errors import UserError

from .pickle_names import harmless_names, sealed
from .pickle_scan import scan_pickle
from .regular_files import open_regular


class _Forbidden(pickle.UnpicklingError):
    """A global that is not on the list."""


def load_pickle(path: str | Path, allow: Mapping[str, Callable] | None = None, encoding: str = 'latin1') -> Any:
    """The object in a pickle file.

    Args:
        path: The file.
        allow: ``'module.Name'`` as the file names it -> what shall be called instead, beside the fixed list. A class
            may also be filled with a state by the file, through its ``__setstate__`` or its ``__dict__``; a new
            subclass stands for it in every load, so that the file cannot change the class itself.
        encoding: Of python 2's strings; arrays of python 2 need 'latin1'.

    Raises:
        UserError: The file cannot be read, is no whole pickle, or names anything that is not allowed.
    """
    try:
        with open_regular(path) as file:
            content = file.read()
        scan_pickle(io.BytesIO(content))
        return with_ordinary_arrays(_Unpickler(content, dict(allow or {}), encoding).load())
    except _Forbidden as error:
        raise UserError(
            f'it names {error}, which is not among the harmless classes that may be read',
            file=path,
            remedy='get the file from its original source; do not open it with pickle.load, which would '
            'run whatever it names',
        ) from None
    except UserError:
        raise
    except OSError as error:
        raise UserError(
            f'it cannot be read ({error.strerror or error})', file=path, remedy='check the path and its permissions'
        ) from None
    except Exception as error:  # a broken pickle fails in the middle of anything
        raise UserError(
            f'it is no whole pickle ({type(error).__name__}: {error})',
            file=path,
            remedy='copy or download the file again',
        ) from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: bytes, allow: dict[str, Callable], encoding: str):
        super().__init__(io.BytesIO(content), encoding=encoding)
        self._known = {**harmless_names(len(content)), **{name: sealed(value) for name, value in allow.items()}}

    def find_class(self, module: str, name: str) -> Any:
        known = self._known.get(f'{module}.{name}')
        if known is None:
            raise _Forbidden(f'{module}.{name}')
        return known
