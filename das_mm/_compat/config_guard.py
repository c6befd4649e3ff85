"""What mmengine may look up while it works with a config that came out of a file.

mmengine's registries import any dotted name that they do not know, modules of scopes that a config names, and python
configs of any path. That is right for a config that is a program of the user's. Inside :func:`guarded` only what the
rules permit is looked up; outside nothing changes.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

from das_mm.errors import UserError


class Rules(Protocol):
    """What may be looked up."""

    def permits_module(self, name: str) -> bool: ...

    def permits_type(self, name: str) -> bool: ...

    def permits_config(self, path: str | Path) -> bool: ...


_RULES: ContextVar[Rules | None] = ContextVar('rules of a config that came out of a file', default=None)


@contextmanager
def guarded(rules: Rules | None) -> Iterator[None]:
    """Within the block mmengine looks up what ``rules`` permit; None: whatever it wants."""
    token = _RULES.set(rules)
    try:
        yield
    finally:
        _RULES.reset(token)


def guard_lookups() -> None:
    """Let mmengine's registries and its reader of configs ask the rules; called once, after mmengine is imported."""
    registry: Any = importlib.import_module('mmengine.registry.registry')
    registry.get_object_from_string = _asking(registry.get_object_from_string, 'permits_type')
    registry.import_module = _asking(registry.import_module, 'permits_module')
    from mmengine.config import Config

    Config.fromfile = staticmethod(_refusing_programs(Config.fromfile))
    resolve = Config._get_cfg_path

    @functools.wraps(resolve)
    def _get_cfg_path(cfg_path: str, filename: str):
        path, scope = resolve(cfg_path, filename)
        _check_config(path, filename, '_base_')
        return path, scope

    Config._get_cfg_path = staticmethod(_get_cfg_path)


def _asking(look_up: Callable, question: str) -> Callable:
    @functools.wraps(look_up)
    def asking(name: str, *args, **kwargs):
        rules = _RULES.get()
        if rules is not None and not getattr(rules, question)(name):
            raise ImportError(f"'{name}' is not looked up for a config that came out of a file")
        return look_up(name, *args, **kwargs)

    return asking


def _refusing_programs(read: Callable) -> Callable:
    @functools.wraps(read)
    def fromfile(filename: str | Path, *args, **kwargs):
        _check_config(filename, None, 'config')
        return read(filename, *args, **kwargs)

    return fromfile


def _check_config(path: str | Path, file: str | None, field: str) -> None:
    rules = _RULES.get()
    if rules is not None and not rules.permits_config(path):
        raise UserError(
            f'it names {path}, a program that would be run',
            file=file,
            field=field,
            remedy=f'take its settings over by hand, or name it yourself if you trust it: --allow {path}',
        )
