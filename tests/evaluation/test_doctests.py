import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import das_mm.evaluation

MODULES = [module.name for module in pkgutil.walk_packages(das_mm.evaluation.__path__, 'das_mm.evaluation.')]


@pytest.mark.parametrize('name', MODULES)
def test_the_examples_of_the_docstrings_are_true(name):
    outcome = doctest.testmod(importlib.import_module(name), extraglobs=dict(np=np))
    assert outcome.failed == 0
    if '.functional.' in name:
        assert outcome.attempted > 0
