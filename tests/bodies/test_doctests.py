"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest


@pytest.mark.parametrize('module', ['generated_body', 'skinning'])
def test_examples(module):
    tested = importlib.import_module(f'das_mm.bodies.{module}')
    result = doctest.testmod(tested, extraglobs={'np': np})
    assert result.attempted > 0 and result.failed == 0
