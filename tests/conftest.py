"""Shared by the whole suite. Beside ``tests/__init__.py`` it also puts the repository on the path, so that every test
can import ``tests.toy``."""
from __future__ import annotations

import os
import sys

os.environ['OMP_NUM_THREADS'] = '1'  # before torch: sums of floats depend on the number of threads, and a process that a
# test starts must give the same bits as this one; with two threads on the two halves of one core nothing is lost

import pytest  # noqa: E402

import das_mm  # noqa: E402, F401  before mmcv, whose compiled module it may have to stand in for


@pytest.fixture(autouse=True)
def forget_runs():
    """mmengine keeps loggers, message hubs and visualizers by name for the life of the process: a second run would
    log into the closed streams and the work directory of the first."""
    yield
    if 'mmengine' in sys.modules:
        from mmengine.registry import DefaultScope
        from mmengine.utils import ManagerMixin
        managers = [ManagerMixin]
        for manager in managers:  # each class has instances of its own
            managers += manager.__subclasses__()
            if manager is not DefaultScope:
                manager._instance_dict.clear()
