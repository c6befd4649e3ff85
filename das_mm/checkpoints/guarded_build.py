"""Building something from a config that came out of a file: what goes wrong is told, and it cannot fill the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn.modules import module as torch_module
from torch.overrides import TorchFunctionMode

from das_mm._compat.config_guard import guarded
from das_mm.engine.config_rules import ConfigRules
from das_mm.errors import UserError

from .config_text import CONFIG_REMEDY

Built = TypeVar('Built', bound=nn.Module)
MOST_MODULES = 20_000
MOST_NUMBERS = 4_000_000_000  # weights of a model


def build_from_file(
    build: Callable[[], Built],
    file: str | Path,
    field: str,
    rules: ConfigRules,
    check: Callable[[Built], Any] = lambda model: None,
) -> Built:
    """What ``build`` makes from a config that a file brought, after a rehearsal without memory.

    Args:
        build: Makes a module from a config that came out of ``file``; called twice.
        file: The file.
        field: Where its config stands in it.
        rules: What the config may name.
        check: Looks at the rehearsal, whose weights have shapes and hardly any values; it raises what is to be raised.

    Raises:
        UserError: The config is of no model, of one too large, or asks for what is not permitted.
    """
    with told_as_user_error(file, field), guarded(rules):
        with _limited(), _Weightless():
            rehearsal = build()
        check(rehearsal)
        return build()


@contextmanager
def told_as_user_error(
    file: str | Path, field: str, problem: str = 'no model can be built from the config'
) -> Iterator[None]:
    """Whatever goes wrong in the block, where something is made of what a file says, is a UserError with its place."""
    try:
        yield
    except UserError as error:
        if error.file is not None:
            raise
        place = f'{field}: {error.field}' if error.field and error.field != field else field
        raise UserError(error.problem, file=file, field=place, remedy=error.remedy or CONFIG_REMEDY) from error
    except Exception as error:  # constructors raise anything when they are given nonsense
        words = ' '.join(str(error).split())[:300]
        raise UserError(
            f'{problem} ({type(error).__name__}: {words})', file=file, field=field, remedy=CONFIG_REMEDY
        ) from error


class _Weightless(TorchFunctionMode):
    """The weights of layers, which torch makes by ``torch.empty``, take no memory; bodies and masks have values."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        given = dict(kwargs or {})
        if func is torch.empty:
            given['device'] = 'meta'
        return func(*args, **given)


@contextmanager
def _limited() -> Iterator[None]:
    """Within the block more modules or weights than any model has are an error."""
    modules = numbers = 0

    def count_module(*_: Any) -> None:
        nonlocal modules
        modules += 1
        if modules > MOST_MODULES:
            raise MemoryError(f'it has more than {MOST_MODULES} modules')

    def count_numbers(_: nn.Module, name: str, parameter: Any) -> None:
        nonlocal numbers
        numbers += 0 if parameter is None else parameter.numel()
        if numbers > MOST_NUMBERS:
            raise MemoryError(f'it has more than {MOST_NUMBERS} weights')

    handles = [
        torch_module.register_module_module_registration_hook(count_module),
        torch_module.register_module_parameter_registration_hook(count_numbers),
        torch_module.register_module_buffer_registration_hook(count_numbers),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
