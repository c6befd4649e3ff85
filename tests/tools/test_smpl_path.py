"""`smpl_path`: required where a config has it, and one body for all who pose people."""

from __future__ import annotations

import pytest
from mmengine.config import Config

from das_mm.cli import main
from das_mm.config_files import config_path
from das_mm.errors import UserError
from das_mm.tools.support.smpl_path import share_smpl_path

MIXED = 'mesh/das-mesh_resnet50-fpn_4xb12-50e_mixed-512x512'


def test_it_is_required(tmp_path, capfd):
    for verb in (['train', MIXED], ['test', MIXED, 'a.pth']):
        assert main([*verb, '--work-dir', str(tmp_path / 'work')]) == 2
        message = capfd.readouterr().err
        assert 'data/smpl: smpl_path: the SMPL body that the labels of this config are of is not there' in message
        assert '--cfg-options smpl_path=FILE' in message


def test_it_reaches_model_and_metrics(tmp_path):
    (tmp_path / 'SMPL_NEUTRAL.pkl').touch()
    cfg = Config.fromfile(config_path(MIXED))
    written, cfg.smpl_path = cfg.smpl_path, str(tmp_path / 'SMPL_NEUTRAL.pkl')
    cfg.test_evaluator[0].true_bodies = dict(m=dict(type='das_mm.SMPLBody', model_path='/mine', gender='male'))
    share_smpl_path(cfg, written)
    metric = cfg.test_evaluator[0]
    assert cfg.model.head.branches.mesh.body.model_path == metric.body_model.model_path == cfg.smpl_path
    assert metric.true_bodies.m.model_path == '/mine'  # another path that was written is left alone


def test_configs_without_it_are_left_alone():
    cfg = Config(dict(model=dict(body=dict(type='SMPLBody', model_path=None))))
    share_smpl_path(cfg, None)
    assert cfg.model.body.model_path is None


def test_an_option_that_names_nothing(tmp_path):
    cfg = Config(dict(model={}, smpl_path=str(tmp_path / 'absent.pkl')))
    with pytest.raises(UserError, match=r'absent\.pkl: smpl_path'):
        share_smpl_path(cfg, 'data/smpl')
