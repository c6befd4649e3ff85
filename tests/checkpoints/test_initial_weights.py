"""Initial weights: what fits is loaded, counted and told; nothing, another architecture or numbers that are none are
errors."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from das_mm.checkpoints.initial_weights import load_weights_that_fit
from das_mm.checkpoints.weight_loader import load_checkpoint_strict
from das_mm.errors import UserError


class Model(nn.Module):
    def __init__(self, width: int = 8, outputs: int = 3, deep: bool = False):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), *[nn.Conv2d(width, width, 1)] * deep
        )
        self.head = nn.ModuleDict(dict(tower=nn.Conv2d(width, 8, 1), out=nn.Conv2d(8, outputs, 1)))


def saved(tmp_path, weights, **beside):
    path = tmp_path / 'start.pth'
    torch.save(dict(state_dict=weights, **beside), path)
    return path


def test_all_of_it(tmp_path):
    trained, fresh = Model(), Model()
    result = load_weights_that_fit(fresh, saved(tmp_path, trained.state_dict()))
    assert result.complete and len(result.loaded) == len(trained.state_dict())
    assert all(torch.equal(*pair) for pair in zip(trained.state_dict().values(), fresh.state_dict().values()))


def test_a_backbone_alone_and_other_outputs_are_counted(tmp_path):
    trained, fresh = Model(outputs=5), Model()
    start = {name: value.clone() for name, value in fresh.state_dict().items()}
    weights = {name: value for name, value in trained.state_dict().items() if name != 'head.tower.bias'}
    result = load_weights_that_fit(fresh, saved(tmp_path, weights | {'neck.weight': torch.ones(2)}))
    assert str(result) == (
        f'8 of the 11 weights of the model come from {tmp_path}/start.pth; 1 are not in the file and keep their '
        'initial values: head.tower.bias; 2 have another shape there and keep their initial values: '
        'head.out.bias (5 in the file, 3 in the model), head.out.weight (5×8×1×1 in the file, 3×8×1×1 in the model); '
        '1 of the file have no place in the model: neck.weight'
    )
    for name, value in fresh.state_dict().items():
        expected = (start if name in ('head.tower.bias', 'head.out.weight', 'head.out.bias') else weights)[name]
        assert torch.equal(value, expected), name


@pytest.mark.parametrize(
    'weights, problem',
    [
        (lambda: {f'x.{name}': value for name, value in Model().state_dict().items()}, 'none of its weights fits'),
        (lambda: {'backbone.1.num_batches_tracked': torch.tensor(3)}, 'none of its weights fits'),
        (lambda: Model(width=16).state_dict(), r'its backbone is of another architecture; 6 weights .*16×3×3×3 in the'),
        (
            lambda: {name.replace('bone.', 'bone.body.'): value for name, value in Model().state_dict().items()},
            'its backbone is of another architecture; 7 weights do not fit: backbone.body.0.weight',
        ),
    ],
    ids=['other names', 'a counter alone', 'another width', 'another backbone'],
)
def test_another_architecture_is_refused(tmp_path, weights, problem):
    with pytest.raises(UserError, match=rf'start\.pth: load_from: {problem}') as caught:
        load_weights_that_fit(Model(), saved(tmp_path, weights()))
    assert 'das-mm convert-checkpoint' in caught.value.remedy


def test_a_deeper_backbone_takes_what_it_has(tmp_path):
    result = load_weights_that_fit(Model(deep=True), saved(tmp_path, Model().state_dict()))
    assert result.missing == ('backbone.2.weight', 'backbone.2.bias') and not result.left_over


@pytest.mark.parametrize('load', [load_weights_that_fit, load_checkpoint_strict])
@pytest.mark.parametrize(
    'value, which', [(float('nan'), None), (float('inf'), 'head.out.bias')], ids=['all nan', 'one inf']
)
def test_numbers_that_are_none_are_refused(tmp_path, load, value, which):
    weights = Model().state_dict()
    bad = [name for name in weights if which in (None, name) and weights[name].is_floating_point()]
    for name in bad:
        weights[name] = torch.full_like(weights[name], value)
    with pytest.raises(UserError, match=f'state_dict: {len(bad)} of its 11 weights are not finite: {bad[0]}') as caught:
        load(Model(), saved(tmp_path, weights))
    assert 'earlier checkpoint' in caught.value.remedy


def test_a_truncated_file_and_an_address_that_is_none(tmp_path):
    path = saved(tmp_path, Model().state_dict())
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(UserError, match='the file is cut short'):
        load_weights_that_fit(Model(), path)
    with pytest.raises(UserError, match='torchvision://no_such_net: load_from: the weights cannot be fetched') as error:
        load_weights_that_fit(Model(), 'torchvision://no_such_net')
    assert 'download the file yourself' in error.value.remedy
