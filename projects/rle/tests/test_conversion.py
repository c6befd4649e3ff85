"""Released checkpoints through convert-checkpoint, against a plain re-implementation; mmpose's both ways."""

from __future__ import annotations

from pathlib import Path

import mmpose
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpose.models.heads import RLEHead

from das_mm.checkpoints.conversion import convert_checkpoint, recognise
from das_mm.checkpoints.conversion.source_file import SourceFile
from das_mm.checkpoints.model_loader import build_model
from das_mm.config_files import config_path
from das_mm.engine.config_reader import read_config
from das_mm.errors import UserError
from projects.rle.rle.checkpoints import MMPoseRLE, OwnRLE, ReleasedRLE
from projects.rle.rle.checkpoints.mmpose_rle import merge_layers, split_layer
from projects.rle.rle.checkpoints.released_rle import CONFIGS, config_for
from projects.rle.tests.plain_rle import features, outputs, released_loss, released_state

MMPOSE_PATH = str(
    Path(mmpose.__file__).parent
    / '.mim/configs/body_2d_keypoint/topdown_regression/coco/td-reg_res50_rle-8xb64-210e_coco-256x192.py'
)


def model_of(path) -> torch.nn.Module:
    """The model of a converted file, from the config that the file names; nothing is downloaded."""
    checkpoint = torch.load(path, weights_only=True)
    with torch.device('meta'):
        model = build_model(read_config(config_path(checkpoint['meta']['config'])))
    model.load_state_dict(checkpoint['state_dict'], strict=True, assign=True)
    model.data_preprocessor = None
    return model.eval()


@pytest.mark.parametrize('keypoints, dims', [(17, 2), (18, 3)])
def test_the_authors_network_is_ours(tmp_path, keypoints, dims):
    state = released_state(keypoints, dims)
    torch.save(state, tmp_path / 'released.pth')
    conversion = convert_checkpoint(tmp_path / 'released.pth', tmp_path / 'ours.pth')
    assert f'{keypoints} keypoints in {dims}D, ResNet-50' in conversion.kind
    assert len([entry for entry in conversion.ledger.entries if entry.source]) == len(state)

    model, images = model_of(tmp_path / 'ours.pth'), torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        output = model(images, None, mode='tensor')
    coords, sigma = outputs(state, features(state, images), dims)
    torch.testing.assert_close(output.coords, coords, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(output.raw_sigma.sigmoid(), sigma, rtol=1e-5, atol=1e-5)
    assert 0.01 < sigma.min() and sigma.max() < 0.99

    target, weight = coords + torch.randn_like(coords) * 0.1, torch.ones_like(coords)
    weight[0, :3] = 0
    if dims == 3:
        weight[1, :, 2] = 0  # a photograph
    ours = model.head.loss_by_feat(output, target, weight)['loss_kpt']
    torch.testing.assert_close(ours, released_loss(state, coords, sigma, target, weight), rtol=1e-5, atol=1e-4)
    assert recognise(torch.load(tmp_path / 'ours.pth', weights_only=True)['state_dict']) is OwnRLE


def test_mmposes_network_there_and_back(tmp_path):
    torch.manual_seed(0)
    cfg = Config.fromfile(MMPOSE_PATH)
    cfg.model.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope('mmpose'):
        from mmpose.registry import MODELS as MMPOSE_MODELS

        theirs = MMPOSE_MODELS.build(cfg.model).eval()
    assert isinstance(theirs.head, RLEHead)
    with torch.no_grad():
        for parameter in theirs.head.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    torch.save(dict(state_dict=theirs.state_dict()), tmp_path / 'mmpose.pth')
    assert recognise(theirs.state_dict()) is MMPoseRLE
    convert_checkpoint(tmp_path / 'mmpose.pth', tmp_path / 'ours.pth')
    ours, images = model_of(tmp_path / 'ours.pth'), torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected, output = theirs(images, None, mode='tensor'), ours(images, None, mode='tensor')
    torch.testing.assert_close(output.coords, expected[..., :2] - 0.5, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(output.raw_sigma, expected[..., 2:], rtol=1e-5, atol=1e-5)
    target = torch.rand(2, 17, 2)
    loss = theirs.head.loss_module(expected[..., :2], expected[..., 2:], target, torch.ones(2, 17, 1))
    mine = ours.head.loss_by_feat(output, target - 0.5, torch.ones(2, 17))['loss_kpt']
    torch.testing.assert_close(mine, loss, rtol=1e-5, atol=1e-4)

    convert_checkpoint(tmp_path / 'ours.pth', tmp_path / 'back.pth', config=MMPOSE_PATH)
    back = torch.load(tmp_path / 'back.pth', weights_only=True)['state_dict']
    assert back.keys() == theirs.state_dict().keys()
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(back[name], value, rtol=0, atol=1e-7, msg=name)


def test_rows_of_the_two_layouts():
    coord, sigma = torch.arange(6.0), 10 + torch.arange(6.0)
    assert merge_layers(coord, sigma).tolist() == [0, 1, 10, 11, 2, 3, 12, 13, 4, 5, 14, 15]
    assert all(torch.equal(a, b) for a, b in zip(split_layer(merge_layers(coord, sigma)), (coord, sigma)))


def test_what_cannot_be_converted_is_said(tmp_path):
    state = released_state(17, 2)
    whole = SourceFile(tmp_path / 'whole.pth', dict(state), {}, [], '')
    with pytest.raises(UserError, match='not those of'):  # another head
        ReleasedRLE.convert(whole, 'rle_resnet50_8xb32-140e_h36m-mpii-256x256.py')
    del state['fc_sigma.linear.bias']
    with pytest.raises(UserError, match='fc_sigma'):
        ReleasedRLE.convert(SourceFile(tmp_path / 'part.pth', state, {}, [], ''))
    with pytest.raises(UserError, match='5 keypoints in 2D on a ResNet-50'):
        config_for(5, 2, 50, tmp_path / 'odd.pth')
    ours = SourceFile(tmp_path / 'ours.pth', {}, dict(config=CONFIGS[17, 2, 50]), [], '')
    with pytest.raises(UserError, match='normalised feature'):
        OwnRLE.convert(ours, MMPOSE_PATH)
    assert ReleasedRLE.recognises(state) and not ReleasedRLE.recognises({})
