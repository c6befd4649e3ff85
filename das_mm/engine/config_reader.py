"""A config that the user gives as a file: a program in python, or data in yaml or json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config

from das_mm._compat.config_guard import guarded
from das_mm._compat.safe_yaml import DataLoader
from das_mm.errors import UserError

from .config_rules import ConfigRules, check_config

_DATA = ('.yaml', '.yml', '.json')
_PLACEHOLDER = re.compile(r'\{\{[^{}\n]*\}\}')  # mmengine's, for settings of the base and of the environment
_REMEDY = 'correct it, or the configs named in its _base_'


def read_config(path: str | Path, allow: Iterable[str] = ()) -> Config:
    """The config in a file.

    A python config is run: whoever gives one trusts it. One in yaml or json is read as data, and so are the configs
    that it is based on, save those that come with das_mm, mmpose and mmdet; what it may name stands in
    :mod:`.config_rules`.

    Args:
        path: The file.
        allow: What a yaml or json config may name beside.

    Raises:
        UserError: It cannot be read, or is data and names code.
    """
    path = Path(path)
    try:
        if path.suffix.lower() not in _DATA:
            return Config.fromfile(path)
        rules = ConfigRules(allow)
        _read_data(path)  # for better words than those below
        with guarded(rules):
            cfg = Config.fromfile(path, import_custom_modules=False)
        check_config(cfg, path, rules)
        return cfg
    except UserError as error:
        if error.file is not None:
            raise
        raise UserError(error.problem, file=path, field=error.field, remedy=error.remedy or _REMEDY) from error
    except SyntaxError as error:
        raise UserError(
            f'not python: {error.msg}, line {error.lineno}', file=path, field='config', remedy='correct that line'
        ) from error
    except Exception as error:  # a config is a program: anything can go wrong in it
        raise UserError(
            f'the config cannot be read: {type(error).__name__}: {error}', file=path, field='config', remedy=_REMEDY
        ) from error


def is_data(path: str | Path | None) -> bool:
    """Whether a config is data and not a program, by its name."""
    return path is not None and Path(path).suffix.lower() in _DATA


def _read_data(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding='utf-8')
        if text.startswith('\ufeff'):
            raise ValueError('it begins with a byte order mark; save it as UTF-8 without one')
        text = _PLACEHOLDER.sub('0', text)
        content = json.loads(text) if path.suffix.lower() == '.json' else yaml.load(text, DataLoader)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise UserError(
            f'the config cannot be read as data: {_in_one_line(error)}',
            file=path,
            field='config',
            remedy='write plain values; a config that computes is written in python',
        ) from error
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise UserError(
            'the config is no mapping of names to settings', file=path, field='config', remedy='begin it with model: …'
        )
    return content


def _in_one_line(error: Exception) -> str:
    return ' '.join(str(error).split()) or type(error).__name__
