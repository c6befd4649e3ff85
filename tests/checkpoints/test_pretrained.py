"""Models for a hub: safetensors beside .pth, folders with a card, names of the hub, and what happens offline."""

from __future__ import annotations

import ast
import json

import numpy as np
import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import save_file

from das_mm.apis import DASInferencer
from das_mm.checkpoints.model_loader import load_model
from das_mm.checkpoints.pretrained import is_pretrained_name, pretrained_weights
from das_mm.cli import main
from das_mm.engine.checkpoint_files import read_checkpoint
from das_mm.errors import UserError
from das_mm.inference.predictor_choice import open_predictor

hub = pytest.importorskip('huggingface_hub')


@pytest.fixture(scope='module')
def folder(checkpoint, tmp_path_factory):
    """The toy model, packaged."""
    root = tmp_path_factory.mktemp('hub')
    card = root / 'card.json'
    card.write_text(
        json.dumps(dict(data='toy scenes', licence='MIT', metrics=dict(test=dict(on='ten', mpjpe_mm=1.5)), seed=3))
    )
    assert main(['package', str(checkpoint), '--out', str(root / 'toy'), '--card', str(card), '--name', 'me/toy']) == 0
    return root / 'toy'


def test_the_folder(folder, checkpoint):
    assert sorted(path.name for path in folder.iterdir()) == [
        'README.md', 'config.py', 'model.pth', 'model.safetensors'
    ]  # fmt: skip
    head, _, text = (folder / 'README.md').read_text().removeprefix('---\n').partition('---\n')
    assert yaml.safe_load(head)['library_name'] == 'das_mm'
    for told in ('# me/toy', "from_pretrained('me/toy')", 'toy scenes', 'mpjpe_mm 1.5', 'weights: MIT', 'seed: 3'):
        assert told in text
    config = (folder / 'config.py').read_text()
    ast.parse(config)
    assert str(checkpoint.parent) not in config and 'optim_wrapper' not in config  # nobody's paths, no training


def test_every_form_holds_the_same_model(folder, checkpoint):
    wanted = read_checkpoint(checkpoint)['state_dict']
    models = [load_model(folder / name, device='cpu') for name in ('model.safetensors', 'model.pth')]
    for model in models:
        found = model.state_dict()
        assert all(torch.equal(found[name], value) for name, value in wanted.items())
        assert model.provenance['config'] and model.dataset_meta['keypoint_set']
    with safe_open(folder / 'model.safetensors', 'pt') as file:
        assert set(file.keys()) <= set(wanted) and file.metadata()['format'] == 'pt'


def test_it_finds_what_the_checkpoint_finds(folder, inferencer):
    image = np.random.default_rng(1).integers(0, 255, (96, 128, 3)).astype(np.uint8)
    people = lambda one: next(iter(one(image, score_thr=0.001)))['predictions'][0]['people']
    assert people(DASInferencer.from_pretrained(folder, device='cpu', show_progress=False)) == people(inferencer)
    assert open_predictor(str(folder), device='cpu').provenance['weights'] == 'model.safetensors'


def test_export_and_half_the_size(folder, checkpoint, tmp_path, capsys):
    out = tmp_path / 'half.safetensors'
    words = [str(checkpoint.with_name('toy.py')), str(checkpoint), '--out', str(out), '--storage', 'float16']
    assert main(['export', 'safetensors', *words]) == 0
    assert out.stat().st_size < 0.75 * (folder / 'model.safetensors').stat().st_size
    load_model(out, device='cpu')
    assert 'half.safetensors' in capsys.readouterr().out


def test_names():
    assert is_pretrained_name('me/toy') and not is_pretrained_name('a/b.pth') and not is_pretrained_name('toy')
    with pytest.raises(UserError, match='no such file or folder') as raised:
        pretrained_weights('toy')
    assert 'das-mm package' in raised.value.remedy


def test_a_folder_without_one_choice(tmp_path):
    with pytest.raises(UserError, match='holds no weights'):
        pretrained_weights(tmp_path)
    for name in ('a.pth', 'b.pth'):
        (tmp_path / name).write_bytes(b'')
    with pytest.raises(UserError, match='several files of weights: a.pth, b.pth'):
        pretrained_weights(tmp_path)
    (tmp_path / 'b.pth').unlink()
    assert pretrained_weights(tmp_path).name == 'a.pth'


def test_the_hub(folder, tmp_path, monkeypatch):
    asked = []

    def fetch(**given):
        asked.append(given)
        here = tmp_path / str(len(asked))
        here.mkdir()
        if '*.pth' in given['allow_patterns']:
            (here / 'model.pth').write_bytes(b'x')
        return str(here)

    monkeypatch.setattr(hub, 'snapshot_download', fetch)
    # a model without safetensors: its .pth is fetched then
    assert pretrained_weights('me/toy', revision='v1').name == 'model.pth'
    assert [one['allow_patterns'][0] for one in asked] == ['*.safetensors', '*.safetensors']
    assert {one['revision'] for one in asked} == {'v1'} and {one['repo_id'] for one in asked} == {'me/toy'}
    monkeypatch.setattr(hub, 'snapshot_download', lambda **given: str(folder))
    assert pretrained_weights('me/toy') == folder / 'model.safetensors'


def test_offline(tmp_path):
    with pytest.raises(UserError, match='not in the cache, and the hub cannot be reached') as raised:
        pretrained_weights('me/toy', local_files_only=True, cache_dir=tmp_path)
    assert 'hf download me/toy --local-dir DIR' in raised.value.remedy


def test_safetensors_of_somebody_else_and_damaged_ones(folder, tmp_path):
    save_file({'a': torch.zeros(2)}, tmp_path / 'other.safetensors')
    assert read_checkpoint(tmp_path / 'other.safetensors')['meta'] == {}
    with pytest.raises(UserError, match='does not say with which config'):
        load_model(tmp_path / 'other.safetensors', device='cpu')
    whole = (folder / 'model.safetensors').read_bytes()
    (tmp_path / 'cut.safetensors').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match='damaged, or no safetensors'):
        read_checkpoint(tmp_path / 'cut.safetensors')
    save_file({'a': torch.zeros(2)}, tmp_path / 'odd.safetensors', {'meta': '[1'})
    with pytest.raises(UserError, match='no json of an object'):
        read_checkpoint(tmp_path / 'odd.safetensors')
    evil = json.dumps(dict(cfg='import os\nmodel = os.system("true")'))
    save_file({'a': torch.zeros(2)}, tmp_path / 'evil.safetensors', {'meta': evil})
    with pytest.raises(UserError, match='more than plain values'):
        load_model(tmp_path / 'evil.safetensors', device='cpu')
