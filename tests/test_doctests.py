"""The examples in the docstrings are true, in every module that has one."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest

import das_mm

ROOT = Path(das_mm.__file__).parents[1]
MODULES = sorted(
    '.'.join(path.relative_to(ROOT).with_suffix('').parts)
    for path in Path(das_mm.__file__).parent.rglob('*.py')
    if '>>> ' in path.read_text(encoding='utf-8')
)


def test_every_function_of_evaluation_has_one():
    files = Path(das_mm.__file__).with_name('evaluation').joinpath('functional').glob('[!_]*.py')
    assert {f'das_mm.evaluation.functional.{path.stem}' for path in files} <= set(MODULES)


@pytest.mark.parametrize('module', MODULES)
def test_examples(module):
    result = doctest.testmod(importlib.import_module(module), extraglobs={'np': np})
    assert result.attempted > 0 and result.failed == 0
