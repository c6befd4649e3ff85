"""What a training begins with: `load_from` that fits or an error, what is frozen, and one training a work directory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from mmengine.config import Config
from torch import nn

from das_mm.checkpoints.model_loader import build_model
from das_mm.cli import main
from das_mm.config_files import config_path
from das_mm.errors import UserError
from das_mm.tools.support import work_dir_lock
from das_mm.tools.support.training_start import load_start, prepare_backbone
from tests.toy_run import write_config

PAPERS = {  # config -> what is frozen once it has initial weights
    'das/das_resnet50-fpn_4xb4-25e_panoptic-1333x640': dict(frozen_stages=1, norm_eval=True),
    'das/das_resnet50-fpn_4xb4-25e_muco-1280x768': dict(frozen_stages=1, norm_eval=True),
    'das/das_mspn2-fpn_4xb4-25e_panoptic-1333x640': dict(frozen_stages=1),
    'das/das_mspn3-fpn_4xb4-25e_muco-1280x768': dict(frozen_stages=1),
    'das/ablation/table6-6_mspn2': dict(frozen_stages=1),
    'mesh/das-mesh_resnet50-fpn_4xb12-50e_mixed-512x512': dict(frozen_stages=1, norm_eval=True),
    'tracking/das-track_dla34_4xb8-70e_posetrack18-512x512': {},
}


def read(name: str) -> Config:
    return Config.fromfile(config_path(name))


def frozen(cfg: Config) -> list[str]:
    """Parameters of the backbone that would not learn."""
    cfg.model.backbone.pop('init_cfg', None)
    backbone = build_model(Config(dict(model=dict(cfg.model, head=small_head(cfg)), default_scope='das_mm'))).backbone
    return [name for name, parameter in backbone.named_parameters() if not parameter.requires_grad]


def small_head(cfg: Config) -> dict:
    return {**cfg.model.head, 'branches': {}}


@pytest.mark.parametrize('name', PAPERS)
def test_random_weights_are_never_frozen(name):
    cfg = read(name)
    (warning,) = prepare_backbone(cfg)
    start = 'torchvision://resnet50' if 'resnet50' in name else 'random numbers'
    assert (
        f'begins with {start} and' in warning
        and 'pretrained on COCO' in warning
        and 'nothing is frozen' in warning
        and 'load_from=FILE' in warning
    )
    with torch.device('meta'):
        assert frozen(cfg) == []
    assert not cfg.model.backbone.get('norm_eval')


@pytest.mark.parametrize('name', PAPERS)
def test_initial_weights_freeze_what_the_papers_do(name):
    cfg = read(name)
    cfg.load_from = 'start.pth'
    assert prepare_backbone(cfg) == []
    assert 'init_cfg' not in cfg.model.backbone  # ImageNet's are not fetched for nothing
    assert {key: cfg.model.backbone[key] for key in PAPERS[name]} == PAPERS[name]
    with torch.device('meta'):
        assert bool(frozen(cfg)) is bool(PAPERS[name])


def test_configs_of_before_that_freeze_random_weights():
    cfg = Config(dict(model=dict(backbone=dict(type='MSPNPyramid', frozen_stages=1))))
    assert prepare_backbone(cfg) == [
        'model.backbone.frozen_stages: not obeyed, since the backbone has no initial weights and would stay random'
    ]
    assert cfg.model.backbone.frozen_stages == -1
    pretrained = dict(type='mmdet.ResNet', frozen_stages=1, init_cfg=dict(type='Pretrained', checkpoint='a.pth'))
    cfg = Config(dict(model=dict(backbone=pretrained)))
    assert prepare_backbone(cfg) == [] and cfg.model.backbone.frozen_stages == 1


@pytest.mark.parametrize('before', [1, -1])
def test_a_resumed_training_freezes_what_it_froze(tmp_path, before):
    text = f"model = dict(backbone=dict(type='mmdet.ResNet', frozen_stages={before}, norm_eval={before == 1}))"
    torch.save(dict(meta=dict(cfg=text), state_dict={}), tmp_path / 'epoch_1.pth')
    cfg = read('das/das_resnet50-fpn_4xb4-25e_panoptic-1333x640')
    cfg.resume, cfg.load_from = True, str(tmp_path / 'epoch_1.pth')
    assert prepare_backbone(cfg) == []
    assert (cfg.model.backbone.frozen_stages, cfg.model.backbone.norm_eval) == (before, before == 1)


def test_what_is_frozen_must_be_in_the_file(tmp_path):
    model = nn.ModuleDict(dict(backbone=nn.Linear(2, 2), head=nn.Linear(2, 2)))
    model['backbone'].requires_grad_(False)
    torch.save({name: value for name, value in model.state_dict().items() if 'head' in name}, tmp_path / 'a.pth')
    cfg = Config(dict(model=dict(backbone={}), load_from=str(tmp_path / 'a.pth')))
    with pytest.raises(UserError, match=r'2 weights are frozen and not in the file.*: backbone\.bias') as caught:
        load_start(model, cfg)
    assert 'initial_weights.freeze.frozen_stages=-1' in caught.value.remedy


def test_load_from_of_a_training(tmp_path, capfd):
    """Half of the weights: loaded, counted in a warning. None, or of another network: an error and nothing trained."""
    config = str(write_config(tmp_path, num_workers=0))
    first = {'layers.0.weight': torch.full((16, 3), 0.25), 'layers.0.bias': torch.zeros(16)}
    cases = dict(half=first, other={'net.0.weight': torch.ones(3)}, wide={'layers.0.weight': torch.ones(99, 3)})
    for name, weights in cases.items():
        torch.save(weights, tmp_path / f'{name}.pth')
    words = [
        'train',
        config,
        '--no-validate',
        '--cfg-options',
        'train_cfg.max_epochs=1',
        'optim_wrapper.optimizer.lr=0',
    ]
    assert main([*words, f'load_from={tmp_path}/half.pth']) == 0
    assert '2 of the 4 weights of the model come from' in ''.join(capfd.readouterr())
    trained = torch.load(tmp_path / 'work' / 'epoch_1.pth', weights_only=True)['state_dict']
    assert torch.equal(trained['layers.0.weight'], first['layers.0.weight'])
    (tmp_path / 'work' / 'epoch_1.pth').unlink()
    for name, problem in (('other', 'none of its weights fits'), ('wide', 'none of its weights fits')):
        assert main([*words, f'load_from={tmp_path}/{name}.pth']) == 2
        assert problem in capfd.readouterr().err
    assert not list((tmp_path / 'work').glob('*.pth'))


def test_two_trainings_in_one_work_directory(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(work_dir_lock, '_PATIENCE_S', 0.1)
    config = write_config(tmp_path, num_workers=0)
    holder = (
        'import sys\nfrom das_mm.tools.support.work_dir_lock import sole_training\n'
        'with sole_training(sys.argv[1]):\n    print("held", flush=True)\n    sys.stdin.readline()'
    )
    (tmp_path / 'work').mkdir()
    command = [sys.executable, '-c', holder, str(tmp_path / 'work')]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ})
    try:
        assert other.stdout.readline() == 'held\n'
        assert main(['train', str(config)]) == 2
        message = capfd.readouterr().err
        assert f'{tmp_path}/work: --work-dir: another training runs in this work directory' in message
        assert 'give another --work-dir' in message
        assert not [path for path in (tmp_path / 'work').iterdir() if path.name != work_dir_lock.LOCK_NAME]
    finally:
        other.communicate('\n')
    with work_dir_lock.sole_training(tmp_path / 'work'):  # free again
        pass
