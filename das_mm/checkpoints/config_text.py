"""The config inside a checkpoint: text that is read and never run."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from das_mm.errors import UserError

CONFIG_REMEDY = 'give the config it was trained with, as a path or by its name in das_mm'


def parse_config_text(text: str, file: str | Path) -> Config:
    """The config that training has put into a checkpoint as python text.

    mmengine would run the text; a checkpoint may come from anywhere, so here it is only read: assignments of plain
    values, ``dict(…)`` the one function. Modules named in ``custom_imports`` are imported, as always.

    Raises:
        UserError: There is anything else in it.
    """
    try:
        statements: list[Any] = ast.parse(text).body  # one that is no assignment has no targets
        plain = {statement.targets[0].id: _plain(statement.value) for statement in statements}
    except (SyntaxError, AttributeError, ValueError) as error:
        raise UserError(
            f'the config in it is more than plain values ({error}), and it is not run',
            file=file,
            field='meta.cfg',
            remedy=CONFIG_REMEDY,
        ) from error
    if 'custom_imports' in plain:
        import_modules_from_strings(**plain['custom_imports'])
    return Config(plain)


def _plain(node: ast.expr) -> Any:
    if (
        isinstance(node, ast.Call)
        and getattr(node.func, 'id', None) == 'dict'
        and all(keyword.arg is not None for keyword in node.keywords)
    ):
        given = dict(_plain(node.args[0])) if node.args else {}
        return {**given, **{keyword.arg: _plain(keyword.value) for keyword in node.keywords}}
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return kind(_plain(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        keys: list[Any] = node.keys  # None for **, which literal_eval refuses
        return {_plain(key): _plain(value) for key, value in zip(keys, node.values)}
    return ast.literal_eval(node)
