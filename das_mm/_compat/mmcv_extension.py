"""A stand-in for `mmcv._ext`, the compiled module of mmcv, where it is absent.

mmcv has no wheel for today's torch and compiles for minutes. mmcv-lite is the same package without `mmcv._ext`: every
Python file of `mmcv.ops` is there, and importing it fails, and with it mmdet and mmpose. Here that import is answered:
with torchvision's operators under mmcv's names (:mod:`das_mm._compat.torchvision_operators`), and for all other names
with functions that say what is missing when they are called. A compiled `mmcv._ext` is always preferred, also a broken
one, whose error is then seen.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable
from types import ModuleType
from typing import NoReturn

from .missing_operators import missing_operator

EXTENSION = 'mmcv._ext'


class _StandInFinder(importlib.abc.MetaPathFinder):
    """Finds `mmcv._ext` where nobody else did: it stands last in `sys.meta_path`."""

    def find_spec(self, name, path=None, target=None):
        if name != EXTENSION:
            return None
        return importlib.machinery.ModuleSpec(name, _StandInLoader(), origin='stand-in of das_mm')


class _StandInLoader(importlib.abc.Loader):
    def exec_module(self, module: ModuleType) -> None:
        from .torchvision_operators import OPERATORS  # torch is loaded no earlier than mmcv.ops is

        module.__doc__ = __doc__
        module.__dict__.update(OPERATORS, __getattr__=_operator_that_is_missing)


def _operator_that_is_missing(name: str) -> Callable[..., NoReturn]:
    """The module's attribute `name` that torchvision has not: a function that raises :class:`UserError`."""
    if name.startswith('__'):  # Python's own questions about a module, `__path__` for one
        raise AttributeError(name)

    def operator(*args, **kwargs) -> NoReturn:
        raise missing_operator(name)

    operator.__name__ = operator.__qualname__ = name
    return operator


def offer_stand_in() -> None:
    """Answer imports of `mmcv._ext` that fail, from now on. Calling it again changes nothing."""
    if not any(isinstance(finder, _StandInFinder) for finder in sys.meta_path):
        sys.meta_path.append(_StandInFinder())
