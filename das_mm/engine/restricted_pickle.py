"""Reads pickles of arrays and plain containers without letting the file choose what is called.

Data sets (cameras of Human3.6M, 3DPW) and body models come as pickles, and an ordinary ``pickle.load`` runs whatever
such a file names. Here a file may name only what is on a list: numpy's array, dtype and scalar, python's containers,
and what the caller adds, such as a stand-in for a class of a package that is not installed.

What is beyond this module: a file that abuses numpy's own C code, or that asks for more memory than there is.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.errors import UserError

_SCALARS = (
    'bool_',
    'int8',
    'int16',
    'int32',
    'int64',
    'uint8',
    'uint16',
    'uint32',
    'uint64',
    'float16',
    'float32',
    'float64',
    'complex64',
    'complex128',
    'str_',
    'bytes_',
)
_BUILTINS: tuple[type, ...] = (
    dict,
    list,
    set,
    frozenset,
    tuple,
    bytearray,
    bytes,
    str,
    int,
    float,
    complex,
    bool,
    slice,
    range,
)


class _Forbidden(pickle.UnpicklingError):
    """A global that is not on the list."""


class _Call:
    """A function as a pickle sees it: to be called, and nothing else.

    A pickle can also set the attributes of what it was given (opcode BUILD), the code of a function among them.
    """

    __slots__ = ('_function',)

    def __init__(self, function: Callable):
        self._function = function

    def __call__(self, *args):
        return self._function(*args)

    def __setstate__(self, state):
        raise pickle.UnpicklingError('the file sets attributes of a function')


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
        with open(path, 'rb') as stream:
            return _Unpickler(stream, dict(allow or {}), encoding).load()
    except _Forbidden as error:
        raise UserError(
            f'it names {error}, which is not among the harmless classes that may be read',
            file=path,
            remedy='get the file from its original source; do not open it with pickle.load, which would '
            'run whatever it names',
        ) from None
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
    def __init__(self, stream, allow: dict[str, Callable], encoding: str):
        super().__init__(stream, encoding=encoding)
        self._known = {**_HARMLESS, **{name: _sealed(value) for name, value in allow.items()}}

    def find_class(self, module: str, name: str) -> Any:
        known = self._known.get(f'{module}.{name}')
        if known is None:
            raise _Forbidden(f'{module}.{name}')
        return known


def _sealed(value: Callable) -> Callable:
    return type(value.__name__, (value,), {}) if isinstance(value, type) else _Call(value)


def _encode(text: str, encoding: str = 'latin1') -> bytes:
    """``_codecs.encode``, by which python 3 writes bytes for python 2."""
    if encoding not in ('latin1', 'latin-1'):
        raise pickle.UnpicklingError(f'bytes are encoded as {encoding!r}')
    return text.encode('latin1')


def _rebuild(cls: type, base: type, state: Any) -> Any:
    """``copyreg._reconstructor``: an empty object of a class that the caller allowed."""
    if base is not object or state is not None:
        raise pickle.UnpicklingError(f'an object of {cls!r} is rebuilt from {base!r}')
    return object.__new__(cls)


def _harmless() -> dict[str, Callable]:
    known: dict[str, Callable] = {
        'collections.OrderedDict': OrderedDict,
        'collections.deque': deque,
        '_codecs.encode': _Call(_encode),
    }
    for python in ('builtins', '__builtin__'):  # python 3 and 2
        known |= {f'{python}.{kind.__name__}': kind for kind in _BUILTINS}
        known |= {f'{python}.object': object, f'{python}.unicode': str, f'{python}.long': int}
    known['collections.defaultdict'] = _Call(_plain_default_dict)
    known |= {f'{module}._reconstructor': _Call(_rebuild) for module in ('copyreg', 'copy_reg')}
    known |= {'numpy.ndarray': np.ndarray, 'numpy.dtype': np.dtype}
    known |= {f'numpy.{name}': getattr(np, name) for name in _SCALARS}
    # asked for by pickling, since numpy 2 moved them
    reduced: list[Any] = [np.arange(1).__reduce__(), np.float64(1).__reduce__(), np.arange(1).__reduce_ex__(5)]
    rebuild_array, rebuild_scalar, rebuild_buffer = (parts[0] for parts in reduced)
    for core in ('numpy.core', 'numpy._core'):
        known |= {
            f'{core}.multiarray._reconstruct': _Call(rebuild_array),
            f'{core}.multiarray.scalar': _Call(rebuild_scalar),
            f'{core}.numeric._frombuffer': _Call(rebuild_buffer),
        }
    return known


def _plain_default_dict(factory: Callable | None = None) -> defaultdict:
    """A defaultdict whose factory is one of python's containers."""
    if factory is not None and factory not in _BUILTINS:
        raise pickle.UnpicklingError(f'a defaultdict makes {factory!r}')
    return defaultdict(factory)


_HARMLESS = _harmless()
