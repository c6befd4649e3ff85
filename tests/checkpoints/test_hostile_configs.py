"""A config inside a checkpoint or an ONNX file chooses nothing that is run."""

from __future__ import annotations

import sys

import pytest
import torch
from mmengine.config import Config

from das_mm.checkpoints.config_text import parse_config_text
from das_mm.checkpoints.guarded_build import build_from_file
from das_mm.checkpoints.model_loader import load_model
from das_mm.engine.config_rules import ConfigRules
from das_mm.errors import UserError
from das_mm.inference.torch_predictor import TorchPredictor


@pytest.fixture
def marker(tmp_path):
    return tmp_path / 'marker'


@pytest.fixture
def poisoned(checkpoint, tmp_path):
    """Writes a copy of the toy checkpoint whose config was changed; gives its path."""

    def write(change):
        content = torch.load(checkpoint, weights_only=True)
        config = Config.fromfile(checkpoint.parent / 'toy.py').to_dict()
        change(config)
        content['meta']['cfg'] = '\n'.join(f'{name} = {value!r}' for name, value in config.items())
        torch.save(content, tmp_path / 'poisoned.pth')
        return tmp_path / 'poisoned.pth'

    return write


def refused(path, marker, field, said='is not among what'):
    with pytest.raises(UserError, match=said) as caught:
        TorchPredictor(load_model(path, device='cpu'))
    assert caught.value.file == path and caught.value.field == field and caught.value.remedy
    assert not marker.exists()
    return caught.value


SYSTEM = dict(type='os.system', command='touch {marker}')


def of(marker):
    return {**SYSTEM, 'command': SYSTEM['command'].format(marker=marker)}


PLACES = {
    'model': lambda config, evil: config.update(model=evil),
    'model.backbone': lambda config, evil: config['model'].update(backbone=evil),
    'model.head.branches.x': lambda config, evil: config['model']['head'].update(branches=dict(x=evil)),
    'model.head.branches.keypoint_info': lambda config, evil: config['model']['head'].update(
        branches=dict(keypoint_info=evil)
    ),
    'model.neck.norm_cfg': lambda config, evil: config['model']['neck'].update(norm_cfg=evil),
    'model.head.losses[0].inner': lambda config, evil: config['model']['head'].update(losses=[dict(inner=evil)]),
    'test_dataloader.dataset.pipeline[0]': lambda config, evil: config['test_dataloader']['dataset'].update(
        pipeline=(evil,)
    ),
    'train_dataloader.collate_fn': lambda config, evil: config['train_dataloader'].update(collate_fn=evil),
    'optim_wrapper': lambda config, evil: config.update(optim_wrapper=evil),
    'custom_hooks[0]': lambda config, evil: config.update(custom_hooks=[evil]),
    'visualizer.vis_backends[0]': lambda config, evil: config.update(visualizer=dict(vis_backends=[evil])),
    'test_evaluator': lambda config, evil: config.update(test_evaluator=evil),
    'anything.at_all[0][1].a': lambda config, evil: config.update(anything=dict(at_all=([1, dict(a=evil)],))),
}


@pytest.mark.parametrize('place', PLACES)
def test_a_type_of_another_package_is_refused_wherever_it_stands(poisoned, marker, place):
    path = poisoned(lambda config: PLACES[place](config, of(marker)))
    error = refused(path, marker, f'meta.cfg: {place}.type')
    assert "'os.system'" in str(error) and '--allow os.system' in error.remedy


@pytest.mark.parametrize(
    'name',
    [
        'subprocess.check_output',
        'builtins.exec',
        'antigravity',  # a module that would be imported
        'mmengine.utils.misc.import_module',  # in the packages, but not registered
        'mmcv.video.processing.convert_video',  # runs a shell
        'das_mm.engine.atomic_io.atomic_write',
        'torch.load',
        'evil.registry.Model',
    ],
)
def test_only_what_is_registered_can_be_a_type(poisoned, marker, name):
    refused(poisoned(lambda config: config['model'].update(neck=dict(type=name))), marker, 'meta.cfg: model.neck.type')
    assert 'antigravity' not in sys.modules


def test_registered_classes_that_evaluate_texts_are_refused(poisoned, marker):
    evil = dict(type='mmdet.CameraMotionCompensation', warp_mode=f"open({str(marker)!r}, 'w')")
    refused(poisoned(lambda config: config['model'].update(tracker=evil)), marker, 'meta.cfg: model.tracker.type')


@pytest.mark.parametrize(
    'changes, field',
    [
        (dict(default_scope='evil'), 'default_scope'),
        (dict(runner_type='os.system'), 'runner_type'),
        (dict(optim_wrapper=dict(constructor='os.system')), 'optim_wrapper.constructor'),
        (dict(custom_hooks=[dict(ema_type='os.system')]), 'custom_hooks[0].ema_type'),
        (dict(custom_imports=dict(imports=['antigravity'])), 'custom_imports.imports'),
        (dict(custom_imports=dict(imports='antigravity', allow_failed_imports=True)), 'custom_imports.imports'),
        (dict(custom_imports=dict(imports=['das_mm.__main__'])), 'custom_imports.imports'),
    ],
)
def test_other_names_that_would_be_imported(poisoned, marker, changes, field):
    with pytest.raises(UserError, match='a file must not choose what') as caught:
        load_model(poisoned(lambda config: config.update(changes)))
    assert caught.value.field == f'meta.cfg: {field}' and 'antigravity' not in sys.modules


@pytest.mark.parametrize('imports', [['a', 5], 7, dict(a=1)])
def test_imports_that_are_no_names(poisoned, marker, imports):
    path = poisoned(lambda config: config.update(custom_imports=dict(imports=imports)))
    refused(path, marker, 'meta.cfg: custom_imports', 'it names no modules')


def test_a_config_that_the_model_would_run_is_refused(poisoned, marker, tmp_path):
    (tmp_path / 'evil.py').write_text(f'open({str(marker)!r}, "w")\ndataset_info = dict()\n')
    path = poisoned(lambda config: config['model'].update(metainfo=dict(from_file=str(tmp_path / 'evil.py'))))
    refused(path, marker, 'meta.cfg: config', 'a program that would be run')


def test_a_checkpoint_names_only_configs_of_the_package(checkpoint, marker, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    (tmp_path / 'evil.py').write_text(f'open({str(marker)!r}, "w")\n' + (checkpoint.parent / 'toy.py').read_text())
    for name in (str(tmp_path / 'evil.py'), f'das_mm::{tmp_path}/evil.py', '../evil.py', 'das_none', ''):
        content['meta'] = dict(config=name)
        torch.save(content, tmp_path / 'x.pth')
        error = refused(tmp_path / 'x.pth', marker, 'meta.config', "is none of das_mm's")
        assert 'give the config' in error.remedy


def test_what_the_user_allows_is_built(poisoned, tmp_path, monkeypatch):
    """A class of a package that is on the path and not registered, by its module or by the whole package."""
    (tmp_path / 'trusted').mkdir()
    (tmp_path / 'trusted' / '__init__.py').write_text('')
    (tmp_path / 'trusted' / 'heads.py').write_text(
        'from das_mm.models.heads import DASHead\nclass MyHead(DASHead):\n    pass\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    path = poisoned(lambda config: config['model']['head'].update(type='trusted.heads.MyHead'))
    with pytest.raises(UserError, match='--allow trusted.heads.MyHead'):
        load_model(path)
    assert 'trusted' not in sys.modules
    for allow in (['trusted'], ['trusted.heads.MyHead'], ['other', 'trusted.heads']):
        assert type(load_model(path, device='cpu', allow=allow).head).__name__ == 'MyHead'


@pytest.mark.parametrize(
    'change, field, said',
    [
        (lambda config: config.update(model='os.system'), '', 'no model can be built'),
        (lambda config: config.update(model=[1]), '', 'no model can be built'),
        (lambda config: config.update(model=dict(type=['DAS'])), ': model.type', 'a list stands where a name'),
        (lambda config: config['model']['head'].update(update=dict(num_layers=10**9)), None, '1000000000 is more than'),
        (lambda config: config['model']['head'].update(feat_channels=800_000), '', 'more than 4000000000 weights'),
        (lambda config: config['model']['backbone'].update(base_channels='x'), '', 'no model can be built'),
    ],
)
def test_models_that_cannot_be(poisoned, marker, change, field, said):
    error_field = 'meta.cfg: model.head.update.num_layers' if field is None else f'meta.cfg{field}'
    refused(poisoned(change), marker, error_field, said)


def test_a_pipeline_that_cannot_be_built(poisoned):
    for pipeline in ('x', [dict(type='DASResize', bla=3)], [3]):
        path = poisoned(lambda config, steps=pipeline: config['test_dataloader']['dataset'].update(pipeline=steps))
        with pytest.raises(UserError, match='the preparation of images cannot be built') as caught:
            TorchPredictor(load_model(path, device='cpu'))
        assert caught.value.file == path.name and caught.value.remedy
        assert caught.value.field == 'test_dataloader.dataset.pipeline'


def test_more_modules_than_any_model_has_are_an_error():
    def endless():
        model = torch.nn.Module()
        while True:
            model.add_module('x', torch.nn.Identity())

    with pytest.raises(UserError, match='more than 20000 modules'):
        build_from_file(endless, 'x.pth', 'meta.cfg', ConfigRules())


@pytest.mark.parametrize(
    'text',
    [
        'x = __import__("os")',
        'x = [y for y in (1, 2)]',
        'import os',
        'x = {[]: 1}',
        'x = {[1]}',
        'x = dict(1, 2)',
        'x = dict(**{})',
        'x = dict([1])',
        'filename = 1',
        'x = "a" * 1000000000',
        'x = 9 ** 9 ** 9',
        'x = f"{1}"',
        'x: int = 3',
        'x = y = 1\ny',
        'x = ' + '(' * 5000,
        'x = ' + '[' * 150 + ']' * 150,
        'x = ' + '-' * 100_000 + '1',
        'x = ' + 'a.' * 100_000 + 'b',
        'x = "' + 'a' * 5_000_000 + '"',
        'x = \0',
        'x = "\ud800"',
    ],
)
def test_texts_that_are_more_than_values(text):
    try:
        parsed = parse_config_text(text, 'x.pth')
    except UserError as error:
        assert (error.file, error.field) == ('x.pth', 'meta.cfg') and error.remedy
    else:
        assert text.startswith('x = [[') and len(parsed.x) == 1


def test_names_that_look_like_types_and_are_none():
    text = (
        "info = dict(keypoint_info={0: dict(name='nose', type='upper'), 1: dict(type='')})\n"
        "test_cfg = dict(nms=dict(type='soft_nms', iou_threshold=0.5))\n"
        "pipeline = [dict(type='Albumentation', transforms=[dict(type='Blur', p=0.1)])]\n"
        "optimizer = dict(type='torch.optim.adamw.AdamW')\nnothing = dict(type=None)\n"
        "default_scope = 'mmpose'\nmodel = dict(_scope_='mmdet', type='mmdet.ResNet', norm_cfg=dict(type='BN'))"
    )
    assert parse_config_text(text, 'x.pth').pipeline[0].transforms[0].type == 'Blur'
