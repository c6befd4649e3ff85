"""One toy checkpoint and one inferencer for all tests of this folder: building them takes a second or two."""
from __future__ import annotations

import pytest

from tests.apis.toy_model import DISPLACEMENT, MESH, write_toy_checkpoint


@pytest.fixture(scope='session')
def checkpoint(tmp_path_factory):
    """Path of a checkpoint of random weights that tells its config; ``toy.py`` and images lie beside it."""
    return write_toy_checkpoint(tmp_path_factory.mktemp('toy'))


@pytest.fixture(scope='session')
def inferencer(checkpoint):
    from das_mm.apis import DASInferencer
    return DASInferencer(weights=checkpoint, device='cpu', show_progress=False)


@pytest.fixture(scope='session')
def mesh_inferencer(tmp_path_factory):
    """A model with a mesh branch (the generated body)."""
    from das_mm.apis import DASInferencer
    checkpoint = write_toy_checkpoint(tmp_path_factory.mktemp('toy_mesh'), branches=MESH)
    return DASInferencer(weights=checkpoint, device='cpu', show_progress=False, task='mesh')


@pytest.fixture(scope='session')
def tracking_inferencer(tmp_path_factory):
    """A model that looks at the frame before, with displacements and a tracker of its own."""
    from das_mm.apis import DASInferencer
    checkpoint = write_toy_checkpoint(tmp_path_factory.mktemp('toy_tracking'), branches=DISPLACEMENT, temporal=True)
    return DASInferencer(weights=checkpoint, device='cpu', show_progress=False, task='tracking')
