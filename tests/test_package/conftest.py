"""The wheel of this checkout."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.test_package.processes import run
from tests.toy_run import REPOSITORY


@pytest.fixture(scope='session')
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('dist')
    run(sys.executable, '-m', 'hatchling', 'build', '-t', 'wheel', '-d', folder, cwd=REPOSITORY)
    return next(folder.glob('das_mm-*.whl'))
