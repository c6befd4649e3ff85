"""What a pickle may name, and what stands for it: numpy's arrays, python's containers, nothing that acts.

A file may call what it names with anything in it: with a number of bytes to make, a range to list, one long list again
and again. So containers are made of containers of the file only, and not more than the file could hold.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import numpy as np

from das_mm._compat.numpy_pickles import NUMPY_NAMES

_SCALARS = tuple(f'{kind}{bits}' for kind in ('int', 'uint') for bits in (8, 16, 32, 64))
_SCALARS += ('bool_', 'float16', 'float32', 'float64', 'complex64', 'complex128', 'str_', 'bytes_')
_PYTHON = ('builtins', '__builtin__')  # 3 and 2
_COPIES_PER_BYTE = 8  # values that calls may copy, for each byte of the file


class PickledCall:
    """A function or class as a pickle sees it: to be called, and nothing else.

    A pickle can also set the attributes of what it was given (opcode BUILD), the code of a function among them.

    Args:
        function: None for what may be named only.
        named: The class that it stands for, where it matters.
    """

    __slots__ = ('_function', 'named')

    def __init__(self, function: Callable | None, named: type | None = None):
        self._function, self.named = function, named

    def __call__(self, *args: Any) -> Any:
        if self._function is None:
            raise pickle.UnpicklingError(f'the file calls {getattr(self.named, "__name__", "a class")}')
        return self._function(*args)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError('the file sets attributes of a function')


def sealed(value: Callable) -> Callable:
    """What a caller allows, so that a file cannot change it: a subclass, or a call."""
    return type(value.__name__, (value,), {}) if isinstance(value, type) else PickledCall(value)


def harmless_names(num_bytes: int) -> dict[str, Callable]:
    """'module.name' -> what stands for it, for one load.

    Args:
        num_bytes: Of the file.
    """
    budget = _Budget(_COPIES_PER_BYTE * num_bytes + 1000)
    known: dict[str, Callable] = {
        '_codecs.encode': PickledCall(_encode),
        'collections.OrderedDict': budget.container(OrderedDict),
        'collections.deque': budget.container(deque),
        'collections.defaultdict': PickledCall(_default_dict),
    }
    for python in _PYTHON:
        known |= {f'{python}.{kind.__name__}': budget.container(kind) for kind in (set, frozenset, list, dict)}
        known |= {f'{python}.{kind.__name__}': budget.text(kind) for kind in (bytes, bytearray)}
        known |= {
            f'{python}.{kind.__name__}': PickledCall(None, kind) for kind in (object, tuple, str, int, float, bool)
        }
        known |= {f'{python}.unicode': PickledCall(None, str), f'{python}.long': PickledCall(None, int)}
        known |= {f'{python}.complex': _made_of(complex, float, int)}
        known |= {f'{python}.slice': _made_of(slice, int, type(None))}
        known |= {f'{python}.{name}': _made_of(range, int) for name in ('range', 'xrange')}
    known |= {f'{module}._reconstructor': PickledCall(_rebuild) for module in ('copyreg', 'copy_reg')}
    known |= {f'numpy.{name}': PickledCall(None, getattr(np, name)) for name in _SCALARS}
    known |= {name: kind if isinstance(kind, type) else PickledCall(kind) for name, kind in NUMPY_NAMES.items()}
    return known


class _Budget:
    """Makes containers until so many values have been copied."""

    def __init__(self, values: int):
        self._left = values

    def container(self, kind: type) -> PickledCall:
        def make(*args: Any) -> Any:
            self._check(args, (list, tuple, dict, set, frozenset))
            return kind(*args)

        return PickledCall(make, kind)

    def text(self, kind: type) -> PickledCall:
        def make(*args: Any) -> Any:
            if len(args) == 2:
                args = (_encode(*args),)
            self._check(args, (bytes, bytearray, list))
            return kind(*args)

        return PickledCall(make, kind)

    def _check(self, args: tuple, kinds: tuple[type, ...]) -> None:
        if len(args) > 1 or not all(isinstance(arg, kinds) for arg in args):
            raise pickle.UnpicklingError('a container is made of something else')
        self._left -= len(args[0]) if args else 0
        if self._left < 0:
            raise pickle.UnpicklingError('it copies its values again and again')


def _encode(text: Any, encoding: Any = 'latin1') -> bytes:
    """``_codecs.encode``, by which python 3 writes bytes for python 2."""
    if encoding not in ('latin1', 'latin-1') or not isinstance(text, str):
        raise pickle.UnpicklingError('bytes are encoded in another way than latin1')
    return text.encode('latin1')


def _default_dict(factory: Any = None) -> defaultdict:
    """A defaultdict whose factory is one of python's containers or numbers."""
    kind = factory.named if isinstance(factory, PickledCall) else factory
    if kind not in (None, dict, list, set, tuple, int, float, bool, str):
        raise pickle.UnpicklingError('a defaultdict makes something else than containers and numbers')
    return defaultdict(kind)


def _rebuild(cls: Any, base: Any, state: Any) -> Any:
    """``copyreg._reconstructor``: an empty object of a class that the caller allowed."""
    of_object = isinstance(base, PickledCall) and base.named is object
    if not isinstance(cls, type) or not of_object or state is not None:
        raise pickle.UnpicklingError('an object is rebuilt from another one')
    return object.__new__(cls)


def _made_of(kind: type, *kinds: type) -> PickledCall:
    def make(*args: Any) -> Any:
        if not all(isinstance(arg, kinds) for arg in args):
            raise pickle.UnpicklingError(f'a {kind.__name__} is made of something else')
        return kind(*args)

    return PickledCall(make, kind)
