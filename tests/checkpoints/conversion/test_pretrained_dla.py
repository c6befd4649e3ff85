"""DLA-34 of CenterNet and CenterTrack reaches ours whole; what has no place is named."""

from __future__ import annotations

import pytest
import torch

from das_mm.checkpoints.conversion import Fate, convert_checkpoint
from das_mm.checkpoints.initial_weights import load_weights_that_fit
from das_mm.errors import UserError
from das_mm.models.backbones import DLA34

# what beside the backbone is in such files; the projections of trees of two levels are never read
BESIDE = {
    'base.level3.project.0.weight': torch.ones(128, 64, 1, 1),
    'base.level4.project.1.running_mean': torch.ones(256),
    'dla_up.ida_0.proj_1.conv.weight': torch.ones(256, 512, 3, 3),
    'hm.2.bias': torch.ones(80),
}


@pytest.fixture(scope='module')
def trained():
    torch.manual_seed(0)
    return DLA34(temporal=True).state_dict()


def centertrack_names(weights: dict, stems: bool) -> dict:
    """Names of CenterTrack's files, or of CenterNet's, which have no stems."""
    renamed = {}
    for name, value in weights.items():
        if name.startswith('temporal_stems.'):
            _, which, module, rest = name.split('.', 3)
            stem = dict(previous_image='pre_img_layer', previous_centers='pre_hm_layer')[which]
            name = f'{stem}.{dict(conv=0, bn=1)[module]}.{rest}'
            if not stems:
                continue
        renamed[f'module.base.{name}'] = value
    return renamed | {f'module.{name}': value for name, value in BESIDE.items()}


@pytest.mark.parametrize('stems', [False, True], ids=['CenterNet', 'CenterTrack'])
def test_every_weight_arrives(tmp_path, trained, stems):
    torch.save(dict(epoch=230, state_dict=centertrack_names(trained, stems)), tmp_path / 'dla.pth')
    conversion = convert_checkpoint(tmp_path / 'dla.pth', tmp_path / 'out.pth')
    assert 'DLA-34' in conversion.kind and ('stems' in conversion.kind) is stems
    dropped = {entry.source for entry in conversion.ledger.entries if entry.fate is Fate.DROPPED}
    assert dropped == set(BESIDE)
    assert any('bgr_to_rgb=False' in remark for remark in conversion.remarks)

    model = torch.nn.ModuleDict(dict(backbone=DLA34(temporal=True)))
    result = load_weights_that_fit(model, tmp_path / 'out.pth')
    assert not result.left_over and not result.other_shape
    assert all(name.startswith('backbone.temporal_stems.') for name in result.missing)
    assert bool(result.missing) is not stems
    for name in result.loaded:
        assert torch.equal(model.state_dict()[name], trained[name.removeprefix('backbone.')]), name


def test_a_deeper_one_and_a_part_are_refused(tmp_path, trained):
    weights = centertrack_names(trained, False)
    torch.save(weights | {'module.base.level2.tree1.conv3.weight': torch.ones(2)}, tmp_path / 'dla60.pth')
    with pytest.raises(UserError, match='not those of a DLA-34; 1 that it does not have: base.level2.tree1.conv3'):
        convert_checkpoint(tmp_path / 'dla60.pth', tmp_path / 'out.pth')
    weights.pop('module.base.level5.root.conv.weight')
    torch.save(weights, tmp_path / 'part.pth')
    with pytest.raises(UserError, match='not those of a DLA-34; 1 missing: backbone.level5.root.conv.weight'):
        convert_checkpoint(tmp_path / 'part.pth', tmp_path / 'out.pth')
    assert not (tmp_path / 'out.pth').exists()
