"""Weights as they come with the package."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from das_mm.checkpoints.model_loader import load_model
from das_mm.checkpoints.package_maker import package_weights
from das_mm.config_files import config_path
from das_mm.errors import UserError
from das_mm.registry import MODELS

POSE, MESH = 'das_tiny_1xb8-12e_synthetic-448x256', 'das-mesh_tiny-l2_1xb8-12e_synthetic-448x256'


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A checkpoint of the mesh model, as training writes it."""
    path = tmp_path_factory.mktemp('weights') / 'epoch_1.pth'
    with DefaultScope.overwrite_default_scope('das_mm'):
        model = MODELS.build(Config.fromfile(config_path(MESH)).model)
    torch.save(dict(state_dict=model.state_dict(), optimizer=dict(state={}), meta=dict(epoch=1)), path)
    return path


def test_weights_alone_with_a_card(trained, tmp_path):
    path = package_weights(trained, POSE, tmp_path, dict(command=['das-mm train X'], seed=3))
    card = json.loads(path.with_suffix('.json').read_text())
    assert card == dict(
        config=POSE, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), command=['das-mm train X'], seed=3
    )
    kept, given = (torch.load(file, weights_only=True) for file in (path, trained))
    assert 'optimizer' not in kept
    left_out = given['state_dict'].keys() - kept['state_dict'].keys()
    assert left_out and all(name.startswith('head.branches.mesh.') for name in left_out)
    loaded = load_model(path).state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in kept['state_dict'].items())


def test_weights_of_another_model(trained, tmp_path):
    with pytest.raises(UserError, match='weights of the model are not in it'):
        package_weights(trained, 'das-track_tiny_1xb8-10e_synthetic-448x256', tmp_path, {})
    assert not list(tmp_path.iterdir())
