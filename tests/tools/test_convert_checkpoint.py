"""`das-mm convert-checkpoint`: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import pytest
import torch
from torchvision.models import resnet18

from das_mm.checkpoints.model_loader import load_model
from das_mm.cli import main
from tests.toy_model import write_toy_checkpoint


def test_it_says_what_became_of_the_weights(tmp_path, capsys):
    torch.save(resnet18().state_dict(), tmp_path / 'resnet18.pth')
    out = tmp_path / 'new' / 'out.pth'
    assert main(['convert-checkpoint', str(tmp_path / 'resnet18.pth'), str(out)]) == 0
    printed = capsys.readouterr().out
    assert 'resnet18.pth: a ResNet-18, for initialisation' in printed
    assert 'head or pyramid of another task' in printed and 'backbone.layer4' in printed
    assert f"checkpoint='{out}', prefix='backbone.'" in printed
    saved = torch.load(out, weights_only=True)
    assert saved['meta']['converted']['file'] == 'resnet18.pth' and len(saved['meta']['converted']['sha256']) == 64
    assert len(saved['state_dict']) == 120
    assert [path.name for path in out.parent.iterdir()] == ['out.pth']


def test_every_weight_on_demand(tmp_path, capsys):
    torch.save(resnet18().state_dict(), tmp_path / 'resnet18.pth')
    assert main(['convert-checkpoint', str(tmp_path / 'resnet18.pth'), str(tmp_path / 'out.pth'), '--list']) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ('layer3.1.bn2.running_var', 'backbone.layer3.1.bn2.running_var', 'fc.bias'))


def test_our_own_loses_the_training_state_only(tmp_path, capsys):
    path = write_toy_checkpoint(tmp_path)
    checkpoint = torch.load(path, weights_only=True)
    torch.save(dict(checkpoint, optimizer=dict(state={})), path)
    assert main(['convert-checkpoint', str(path), str(tmp_path / 'out.pth')]) == 0
    assert 'already' in capsys.readouterr().out
    assert torch.load(tmp_path / 'out.pth', weights_only=True).keys() == {'meta', 'state_dict'}
    before, after = (load_model(one, device='cpu').state_dict() for one in (path, tmp_path / 'out.pth'))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_our_own_without_a_config(tmp_path, capsys):
    path = write_toy_checkpoint(tmp_path, with_config=False)
    assert main(['convert-checkpoint', str(path), str(tmp_path / 'out.pth')]) == 2
    assert 'name it with --config' in capsys.readouterr().err
    assert main(['convert-checkpoint', str(path), str(tmp_path / 'out.pth'), '--config', str(tmp_path / 'toy.py')]) == 0
    load_model(tmp_path / 'out.pth', device='cpu')


@pytest.mark.parametrize(
    'content, problem',
    [
        ({'encoder.weight': torch.ones(1)}, '1 weights of an unknown model: encoder.weight'),
        (None, 'there is no such checkpoint'),
    ],
)
def test_what_it_cannot_convert(tmp_path, capsys, content, problem):
    if content is not None:
        torch.save(content, tmp_path / 'a.pth')
    assert main(['convert-checkpoint', str(tmp_path / 'a.pth'), str(tmp_path / 'out.pth')]) == 2
    printed = capsys.readouterr().err
    assert problem in printed and 'remedy' in printed and 'Traceback' not in printed
    assert not (tmp_path / 'out.pth').exists()


def test_source_and_destination_are_two_files(tmp_path, capsys):
    torch.save(resnet18().state_dict(), tmp_path / 'a.pth')
    before = (tmp_path / 'a.pth').read_bytes()
    assert main(['convert-checkpoint', str(tmp_path / 'a.pth'), str(tmp_path / 'a.pth')]) == 2
    assert 'one file' in capsys.readouterr().err and (tmp_path / 'a.pth').read_bytes() == before
