"""The config inside a checkpoint or an ONNX file: text that is read and never run."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from mmengine.config import Config

from das_mm.engine.config_rules import ConfigRules, check_config
from das_mm.errors import UserError

CONFIG_REMEDY = 'give the config it was trained with, as a path or by its name in das_mm'
_RESERVED = ('filename', 'text', 'pretty_text', 'env_variables')  # of mmengine's Config
_LONGEST_TEXT = 4_000_000  # characters; a config has some ten thousand
_LARGEST_NUMBER = 1_000_000  # channels, layers, people of a model


def parse_config_text(text: str, file: str | Path, rules: ConfigRules | None = None, field: str = 'meta.cfg') -> Config:
    """The config that training has put into a checkpoint as python text.

    mmengine would run the text; a checkpoint may come from anywhere, so here it is only read: assignments of plain
    values, ``dict(…)`` the one function. What it may name to be built or imported, the rules say.

    Args:
        text: The config.
        file: Where it is from.
        rules: What it may name; by default what the OpenMMLab packages register.
        field: The place of the text in the file, for messages.

    Raises:
        UserError: There is anything else in it, or it names code that is not permitted.
    """
    plain = read_config_values(text, file, field)
    check_config(plain, file, rules or ConfigRules(), field)
    _check_numbers(plain.get('model'), file, f'{field}: model')
    return Config(plain)


def read_config_values(text: str, file: str | Path, field: str = 'meta.cfg') -> dict[str, Any]:
    """The values in such a text, of which nothing may be built.

    Raises:
        UserError: There is anything else in it.
    """
    try:
        if len(text) > _LONGEST_TEXT:
            raise ValueError(f'{len(text)} characters')
        statements: list[Any] = ast.parse(text).body  # one that is no assignment has no targets
        plain = {statement.targets[0].id: _plain(statement.value) for statement in statements}
        reserved = [name for name in _RESERVED if name in plain]
        if reserved:
            raise ValueError(f'the name {reserved[0]} is reserved')
    except (SyntaxError, AttributeError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise UserError(
            f'the config in it is more than plain values ({error}), and it is not run',
            file=file,
            field=field,
            remedy=CONFIG_REMEDY,
        ) from error
    return plain


def _plain(node: ast.expr) -> Any:
    if (
        isinstance(node, ast.Call)
        and getattr(node.func, 'id', None) == 'dict'
        and all(keyword.arg is not None for keyword in node.keywords)
        and len(node.args) <= 1
    ):
        given = dict(_plain(node.args[0])) if node.args else {}
        return {**given, **{str(keyword.arg): _plain(keyword.value) for keyword in node.keywords}}
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return kind(_plain(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        keys: list[Any] = node.keys  # None for **, which literal_eval refuses
        return {_plain(key): _plain(value) for key, value in zip(keys, node.values)}
    return ast.literal_eval(node)


def _check_numbers(value: Any, file: str | Path, field: str) -> None:
    """Refuse a model so large that building it would fill the memory."""
    if isinstance(value, dict):
        for name, part in value.items():
            _check_numbers(part, file, f'{field}.{name}')
    elif isinstance(value, (list, tuple, set)):
        for index, part in enumerate(value):
            _check_numbers(part, file, f'{field}[{index}]')
    elif isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
        raise UserError(f'{value} is more than any model has', file=file, field=field, remedy=CONFIG_REMEDY)
