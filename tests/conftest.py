"""Shared by the whole suite: settings, and one toy checkpoint and inferencer of each kind (a second or two each).

Beside ``tests/__init__.py`` it also puts the repository on the path, so that every test can import ``tests.toy``.
"""

from __future__ import annotations

import os
import sys

# Before torch and numpy: sums of floats depend on the number of threads, and a process that a test starts must give
# the same bits as this one; with two threads on the two halves of one core nothing is lost. The latter two outrank the
# first where the environment sets them. Between processors bits differ whatever one does, so tests that ask for equal
# bits compare two runs on one machine; what is stored in the repository is compared to a tolerance.
os.environ.update(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', OPENBLAS_NUM_THREADS='1')

import pytest

import das_mm  # noqa: F401  before mmcv, whose compiled module it may have to stand in for


@pytest.fixture(autouse=True, scope='session')
def format_a_config_once():
    """mmengine lets yapf format the config again at every step that stores or logs it, six times in a training of a
    few steps, of whose time that is most. The same text is formatted once here."""
    from mmengine.config import config as module

    formatted, format_code = {}, module.FormatCode

    def remember(text, style_config=None, **options):
        key = (text, str(style_config), str(options))
        if key not in formatted:
            formatted[key] = format_code(text, style_config=style_config, **options)
        return formatted[key]

    module.FormatCode = remember
    yield
    module.FormatCode = format_code


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


@pytest.fixture(scope='session')
def checkpoint(tmp_path_factory):
    """Path of a checkpoint of random weights that tells its config; ``toy.py`` and images lie beside it."""
    from tests.toy_model import write_toy_checkpoint

    return write_toy_checkpoint(tmp_path_factory.mktemp('toy'))


@pytest.fixture(scope='session')
def inferencer(checkpoint):
    from das_mm.apis import DASInferencer

    return DASInferencer(weights=checkpoint, device='cpu', show_progress=False)


@pytest.fixture(scope='session')
def mesh_inferencer(tmp_path_factory):
    """A model with a mesh branch (the generated body)."""
    from das_mm.apis import DASInferencer
    from tests.toy_model import MESH, write_toy_checkpoint

    checkpoint = write_toy_checkpoint(tmp_path_factory.mktemp('toy_mesh'), branches=MESH)
    return DASInferencer(weights=checkpoint, device='cpu', show_progress=False, task='mesh')


@pytest.fixture(scope='session')
def tracking_inferencer(tmp_path_factory):
    """A model that looks at the frame before, with displacements and a tracker of its own."""
    from das_mm.apis import DASInferencer
    from tests.toy_model import DISPLACEMENT, write_toy_checkpoint

    checkpoint = write_toy_checkpoint(tmp_path_factory.mktemp('toy_tracking'), branches=DISPLACEMENT, temporal=True)
    return DASInferencer(weights=checkpoint, device='cpu', show_progress=False, task='tracking')
