"""numpy's part of pickles, without numpy's own C code behind it.

A pickled array is ``_reconstruct(ndarray, (0,), b'b')``, filled with a state of shape, dtype and bytes. numpy believes
such states: a forged one makes it read addresses of the file's choosing. What stands here takes the same calls,
believes nothing, and gives ordinary arrays of numbers and texts; objects only as far as they are a list.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np

_KINDS = re.compile(r'[<>=|]?(?:\?|b1?|[iu][1248]|f[248]|c(?:8|16)|[SU][1-9]?\d{0,5}|a[1-9]\d{0,5})')
_OBJECTS = re.compile(r'[<>=|]?O[48]?')
_MOST_DIMENSIONS = 32
_LATIN = 'latin1'  # of byte strings that python 2 wrote


class DTypeInFile:
    """Stands for ``numpy.dtype``: numbers, truth values, texts and bytes; objects where :attr:`dtype` says so.

    Args:
        kind: As 'f8', 'U5', or a class of numpy's that stands for one.
        align, copy: Of no meaning here.
    """

    __slots__ = ('dtype',)

    def __init__(self, kind: Any, align: Any = False, copy: Any = False):
        name = kind.decode(_LATIN) if isinstance(kind, bytes) else kind
        if not isinstance(name, str) or not (_KINDS.fullmatch(name) or _OBJECTS.fullmatch(name)):
            raise pickle.UnpicklingError(f'an array of {_shown(kind)}')
        self.dtype = np.dtype(object if _OBJECTS.fullmatch(name) else name)

    def __setstate__(self, state: Any) -> None:
        """(version, byte order, no sub-array, no names, no fields, …), as numpy writes it of what is allowed here."""
        order = state[1] if isinstance(state, tuple) and 6 <= len(state) <= 9 else None
        order = order.decode(_LATIN) if isinstance(order, bytes) else order
        if order not in ('<', '>', '=', '|') or any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError(f'a dtype of the state {_shown(state)}')
        if order in '<>':
            self.dtype = self.dtype.newbyteorder(order)


class ArrayInFile(np.ndarray):
    """Stands for ``numpy.ndarray`` while a file is read; it is an array like others and is pickled as one.

    :func:`with_ordinary_arrays` makes such arrays ordinary when all is read.
    """

    def __new__(cls, *args: Any) -> ArrayInFile:
        if args:
            raise pickle.UnpicklingError('the file calls numpy.ndarray')
        return super().__new__(cls, (0,), np.int8)

    def __setstate__(self, state: Any) -> None:
        """(version,) shape, dtype, column-major, bytes or list."""
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise pickle.UnpicklingError(f'an array of the state {_shown(state)}')
        shape, dtype, column_major, content = state[-4:]
        shape, dtype = _shape(shape), _plain_dtype(dtype)
        size = math.prod(shape)
        if isinstance(content, str):  # written by python 2, read as latin1
            content = content.encode(_LATIN)
        fits = (
            isinstance(content, list) and len(content) == size
            if dtype.hasobject
            else isinstance(content, bytes) and len(content) == size * dtype.itemsize
        )
        if not fits:
            raise pickle.UnpicklingError(f'an array of {shape} {dtype} whose content has another size')
        super().__setstate__((1, shape, dtype, bool(column_major), content))

    def __reduce__(self) -> Any:
        return self.view(np.ndarray).__reduce__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.view(np.ndarray).__reduce_ex__(protocol)


def rebuild_array(kind: Any, shape: Any = (0,), code: Any = b'b') -> ArrayInFile:
    """``numpy.core.multiarray._reconstruct``: an empty array, to be filled by a state."""
    if kind is not ArrayInFile:
        raise pickle.UnpicklingError(f'an array is rebuilt as {_shown(kind)}')
    return ArrayInFile()


def rebuild_scalar(dtype: Any, content: Any = b'') -> Any:
    """``numpy.core.multiarray.scalar``: a number of numpy's."""
    kind = _plain_dtype(dtype)
    content = content.encode(_LATIN) if isinstance(content, str) else content
    if kind.hasobject or not isinstance(content, bytes) or len(content) != kind.itemsize:
        raise pickle.UnpicklingError(f'a scalar of {kind} whose content has another size')
    return np.frombuffer(content, kind)[0] if kind.itemsize else kind.type()


def rebuild_from_buffer(buffer: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """``numpy.core.numeric._frombuffer``: an array of protocol 5."""
    kind, sides = _plain_dtype(dtype), _shape(shape)
    raw = bytes(buffer) if isinstance(buffer, (bytes, bytearray)) else None
    if raw is None or kind.hasobject or order not in ('C', 'F') or len(raw) != kind.itemsize * math.prod(sides):
        raise pickle.UnpicklingError(f'an array of {sides} {kind} whose content has another size')
    flat = np.frombuffer(raw, kind) if raw else np.empty(math.prod(sides), kind)
    return flat.reshape(sides, order=order)


def with_ordinary_arrays(value: Any, known: dict[int, Any] | None = None) -> Any:
    """What was read, with numpy's own arrays in the place of those of this module, also inside containers and objects.

    Args:
        value: Nested as deep as :func:`das_mm.engine.pickle_scan.scan_pickle` lets a file be; containers are changed.
        known: What was met already.
    """
    known = {} if known is None else known
    if id(value) in known:
        return known[id(value)][1]
    made = value.view(np.ndarray) if isinstance(value, ArrayInFile) else value
    known[id(value)] = value, made  # the first one stays alive, so that its number stays its own
    if isinstance(value, tuple):
        made = tuple(with_ordinary_arrays(part, known) for part in value)
        made = made if any(one is not other for one, other in zip(made, value)) and type(value) is tuple else value
        known[id(value)] = value, made
    elif isinstance(value, dict):
        value.update({key: with_ordinary_arrays(part, known) for key, part in value.items()})
    elif isinstance(value, list):
        value[:] = [with_ordinary_arrays(part, known) for part in value]
    elif isinstance(getattr(value, '__dict__', None), dict) and not isinstance(value, type):
        with_ordinary_arrays(value.__dict__, known)
    return made


#: as pickles name them, of numpy 1 and 2
NUMPY_NAMES: dict[str, Callable] = {'numpy.ndarray': ArrayInFile, 'numpy.dtype': DTypeInFile} | {
    f'{core}.{name}': function
    for core in ('numpy.core', 'numpy._core')
    for name, function in (
        ('multiarray._reconstruct', rebuild_array),
        ('multiarray.scalar', rebuild_scalar),
        ('numeric._frombuffer', rebuild_from_buffer),
    )
}


def _plain_dtype(dtype: Any) -> np.dtype:
    if not isinstance(dtype, DTypeInFile):
        raise pickle.UnpicklingError(f'an array of {_shown(dtype)}')
    return dtype.dtype


def _shape(shape: Any) -> tuple[int, ...]:
    known = isinstance(shape, tuple) and len(shape) <= _MOST_DIMENSIONS
    if not known or not all(type(side) is int and 0 <= side < 2**48 for side in shape):
        raise pickle.UnpicklingError(f'an array of the shape {_shown(shape)}')
    return shape


def _shown(value: Any) -> str:
    """What it is, without asking it to say so: it may be a structure without end."""
    return repr(value)[:60] if isinstance(value, (str, bytes, int, type(None))) else f'a {type(value).__name__}'
