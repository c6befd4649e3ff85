"""A model from a checkpoint, with or without the help of a config."""

from __future__ import annotations

import hashlib

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from das_mm.checkpoints import packaged
from das_mm.checkpoints.model_loader import build_model, choose_device, input_pipeline, load_model, parse_config_text
from das_mm.errors import UserError
from das_mm.models.pose_estimators import DAS


def saved(checkpoint, path, **changes):
    """A copy of the toy checkpoint with other meta data; None takes an entry out."""
    content = torch.load(checkpoint, weights_only=True)
    content['meta'].update(changes)
    content['meta'] = {key: value for key, value in content['meta'].items() if value is not None}
    torch.save(content, path)
    return path


def scope_name():
    """mmengine's default scope; it is copied whenever it is overwritten for a while, so only its name can be told."""
    scope = DefaultScope.get_current_instance()
    return None if scope is None else scope.scope_name


def test_a_checkpoint_suffices(checkpoint):
    scope = scope_name()
    model = load_model(checkpoint)
    assert isinstance(model, DAS) and not model.training
    assert model.provenance == dict(
        config='toy',
        weights='toy.pth',
        das_mm=model.provenance['das_mm'],
        weights_sha256=hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
    )
    assert model.dataset_meta['keypoint_set'] == 'panoptic15' and model.cfg.test_cfg == {}
    weights = torch.load(checkpoint, weights_only=True)['state_dict']
    assert all(torch.equal(value, weights[key]) for key, value in model.state_dict().items())
    assert scope_name() == scope  # no hidden state is left behind


def test_a_config_beside_it(checkpoint, tmp_path):
    bare = saved(checkpoint, tmp_path / 'bare.pth', cfg=None, experiment_name=None)
    config = checkpoint.parent / 'toy.py'
    for given in (config, str(config), Config.fromfile(config)):
        model = load_model(bare, given)
        assert model.provenance['config'] == ('toy' if not isinstance(given, Config) else None)
    with pytest.raises(UserError, match='bare.pth: meta.cfg: the checkpoint does not say with which config') as caught:
        load_model(bare)
    assert caught.value.remedy


def test_a_checkpoint_that_names_its_config(checkpoint, tmp_path, monkeypatch):
    """By a name in das_mm, with or without its folder; what else may stand there: test_hostile_configs."""
    monkeypatch.setattr('das_mm.config_files.config_root', lambda: checkpoint.parent)
    for name in ('toy', 'toy.py', 'das_mm::toy'):
        named = saved(checkpoint, tmp_path / 'named.pth', cfg=None, config=name)
        assert load_model(named).provenance['config'] == 'toy'


def test_the_weights_of_the_package(checkpoint, monkeypatch):
    monkeypatch.setattr(packaged, 'pretrained_checkpoint', lambda task: checkpoint)
    monkeypatch.setitem(packaged.PACKAGED, 'pose', str(checkpoint.parent / 'toy.py'))
    assert load_model().provenance['weights'] == 'toy.pth'

    def none(task):
        raise UserError('none', file='x.pth', remedy='leave --pretrained out')

    monkeypatch.setattr(packaged, 'pretrained_checkpoint', none)
    with pytest.raises(UserError, match='no weights of its own\n  remedy: make some with `das-mm demo'):
        load_model()


@pytest.mark.parametrize(
    'changes, said',
    [
        (dict(cfg='import os\nmodel = dict(type=os.getcwd())'), 'the config in it is more than plain values'),
        (dict(cfg='model = open("x")'), 'more than plain values'),
        (dict(cfg='model = ('), 'more than plain values'),
        (dict(cfg='x = 1'), 'model: the config has no model'),
        (dict(dataset_meta=dict(keypoint_set='coco17')), 'the model has 15 keypoints, and coco17 another number'),
    ],
)
def test_checkpoints_that_cannot_be_used(checkpoint, tmp_path, changes, said):
    with pytest.raises(UserError, match=said):
        load_model(saved(checkpoint, tmp_path / 'x.pth', **changes))


def test_config_text_is_read_as_mmengine_writes_it(checkpoint):
    cfg = Config.fromfile(checkpoint.parent / 'toy.py')
    assert parse_config_text(cfg.pretty_text, 'x.pth').to_dict() == cfg.to_dict()
    assert parse_config_text("x = dict({'a b': (1, 2)}, c=[-1.5, None, {'d': True}])", 'x').x == {
        'a b': (1, 2),
        'c': [-1.5, None, {'d': True}],
    }


def test_no_weights_and_no_das(checkpoint):
    with pytest.raises(UserError, match='weights: a config alone has no weights'):
        load_model(config=checkpoint.parent / 'toy.py')
    with pytest.raises(UserError, match='a ResNet is no model that das_mm can run'):
        build_model(Config(dict(model=dict(type='mmdet.ResNet', depth=18))))
    with pytest.raises(UserError, match='test_dataloader.dataset.pipeline: the config does not say'):
        input_pipeline(Config(dict(test_dataloader=dict(dataset=dict(type='X')))))


def test_the_pipeline_of_wrapped_datasets():
    steps = [dict(type='LoadImage')]
    inner = dict(type='DASDataset', pipeline=steps)
    for dataset in (inner, dict(type='ConcatDataset', datasets=[inner]), dict(type='RepeatDataset', dataset=inner)):
        assert input_pipeline(Config(dict(val_dataloader=dict(dataset=dataset)))) == steps


def test_devices():
    assert choose_device('cpu') == torch.device('cpu') and choose_device(None).type in ('cpu', 'cuda')
    with pytest.raises(UserError, match="device: torch cannot use 'abacus'"):
        choose_device('abacus')
