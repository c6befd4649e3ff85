"""Faces of packages whose names are loaded when they are asked for.

``from das_mm.evaluation import MeshMetric`` must go on working, but a program that needs the numpy functions of that
room alone must not pay for torch and the mm packages; see the rules of the house in CONTRIBUTING.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package (PEP 562).

    Args:
        package: Its ``__name__``.
        modules: Names, separated by blanks, by the module that has them, as a relative import writes it ('.metrics').

    Raises:
        ValueError: A name stands in two modules.
    """
    places: dict[str, str] = {}
    for module, names in modules.items():
        for name in names.split():
            if name in places:
                raise ValueError(f'{package}.{name} is exported from {places[name]} and from {module}')
            places[name] = module

    def __getattr__(name: str) -> Any:
        if name not in places:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        value = getattr(import_module(places[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    def __dir__() -> list[str]:
        return sorted({*vars(sys.modules[package]), *places})

    return __getattr__, __dir__, sorted(places)
