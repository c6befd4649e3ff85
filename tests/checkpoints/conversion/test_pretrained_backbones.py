"""Backbones of mmpose, mmdet and torchvision reach ours whole; what has no place is named."""

from __future__ import annotations

import pytest
import torch
from mmdet.models.necks import FPN
from mmengine.runner import load_checkpoint
from mmpose.models.backbones import MSPN
from torch import nn
from torchvision.models import resnet18, resnet50
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

from das_mm.checkpoints.conversion import Fate, convert_checkpoint
from das_mm.checkpoints.conversion.pretrained_backbones import ResNetBackbone
from das_mm.checkpoints.conversion.source_file import SourceFile
from das_mm.errors import UserError
from das_mm.registry import MODELS

MSPN_CONFIG = dict(type='MSPNPyramid', unit_channels=16, num_stages=2, num_blocks=[1, 2, 1, 1])
OUR_NECK = dict(
    in_channels=[256, 512, 1024, 2048],
    out_channels=256,
    start_level=1,
    num_outs=4,
    add_extra_convs='on_output',
    relu_before_extra_convs=True,
)


SMALLEST = resnet18().state_dict()


def convert(weights, tmp_path, **beside):
    torch.save(dict(state_dict=weights, **beside) if beside else weights, tmp_path / 'source.pth')
    return convert_checkpoint(tmp_path / 'source.pth', tmp_path / 'out.pth')


def prefixed(prefix, module: nn.Module):
    return {prefix + name: value for name, value in module.state_dict().items()}


@pytest.fixture(scope='module')
def resnet():
    torch.manual_seed(0)
    return resnet50().eval()


@pytest.mark.parametrize('head', ['head.', 'keypoint_head.'], ids=['mmpose 1', 'mmpose 0'])
def test_mspn_of_mmpose(tmp_path, head):
    torch.manual_seed(0)
    source = MSPN(**{key: value for key, value in MSPN_CONFIG.items() if key != 'type'})
    heat_maps = {f'{head}predict_layers.0.0.conv_layers.0.weight': torch.ones(17, 16, 1, 1)}
    conversion = convert(prefixed('backbone.', source) | heat_maps, tmp_path, meta=dict(epoch=210))
    assert '2 stages' in conversion.kind and 'num_stages=2, num_blocks=[1, 2, 1, 1], unit_channels=16' in conversion.use
    assert [entry.source for entry in conversion.ledger.entries if entry.fate is Fate.DROPPED] == list(heat_maps)

    # as the printed advice has it
    ours = MODELS.build(
        dict(MSPN_CONFIG, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'out.pth'), prefix='backbone.'))
    )
    ours.init_weights()
    source.eval(), ours.eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        for got, expected in zip(ours(image), reversed(source(image)[-1])):
            torch.testing.assert_close(got, expected)


def test_resnet_of_torchvision(tmp_path, resnet):
    weights = {name: value for name, value in resnet.state_dict().items() if 'num_batches_tracked' not in name}
    conversion = convert(weights, tmp_path)  # early files lack the counters
    fates = {entry.source or entry.target: entry.fate for entry in conversion.ledger.entries}
    assert fates['fc.weight'] is fates['fc.bias'] is Fate.DROPPED
    assert {name for name, fate in fates.items() if fate is Fate.ADDED} == {
        f'backbone.{name}' for name in resnet.state_dict() if 'num_batches_tracked' in name
    }

    ours = MODELS.build(
        dict(
            type='mmdet.ResNet',
            depth=50,
            init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'out.pth'), prefix='backbone.'),
        )
    )
    ours.init_weights()
    ours.eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        features = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(image))))
        for stage, got in zip((resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4), ours(image)):
            features = stage(features)
            torch.testing.assert_close(got, features)
    assert any("style='caffe'" in remark for remark in conversion.remarks)


@pytest.mark.parametrize(
    'layout, kept',
    [
        # Faster R-CNN: from stride 4, the coarsest level pooled
        (dict(num_outs=5), {'lateral_convs': {0: 1, 1: 2, 2: 3}, 'fpn_convs': {0: 1, 1: 2, 2: 3}}),
        # RetinaNet: the level of stride 64 is made of the backbone's map
        (
            dict(start_level=1, num_outs=5, add_extra_convs='on_input'),
            {'lateral_convs': {0: 0, 1: 1, 2: 2}, 'fpn_convs': {0: 0, 1: 1, 2: 2}},
        ),
        # FCOS: as ours, and one level more
        (
            dict(start_level=1, num_outs=5, add_extra_convs='on_output', relu_before_extra_convs=True),
            {'lateral_convs': {0: 0, 1: 1, 2: 2}, 'fpn_convs': {0: 0, 1: 1, 2: 2, 3: 3}},
        ),
    ],
    ids=['faster-rcnn', 'retinanet', 'fcos'],
)
def test_detector_of_mmdet(resnet, layout, kept):
    weights = {
        name: torch.zeros(()).expand(value.shape)
        for name, value in prefixed('backbone.', resnet).items()
        if '.fc.' not in name
    }
    weights |= {
        name: torch.full(value.shape, 1.0 + index)
        for index, (name, value) in enumerate(prefixed('neck.', FPN([256, 512, 1024, 2048], 256, **layout)).items())
    }
    weights |= {'bbox_head.cls_convs.0.conv.weight': torch.ones(1)}
    conversion = ResNetBackbone.convert(SourceFile('detector.pth', weights, {}, [], ''))
    result = conversion.ledger.result
    for part, levels in kept.items():
        for ours, theirs in levels.items():
            for end in ('weight', 'bias'):
                assert torch.equal(
                    result[f'neck.{part}.{ours}.conv.{end}'], weights[f'neck.{part}.{theirs}.conv.{end}']
                )
    assert len([name for name in result if name.startswith('neck.')]) == 2 * sum(map(len, kept.values()))
    assert len(conversion.ledger.entries) == len(weights)
    assert 'load_from only' in conversion.kind


def test_detector_of_torchvision(tmp_path):
    source = resnet_fpn_backbone(backbone_name='resnet50', weights=None, norm_layer=nn.BatchNorm2d)
    conversion = convert(prefixed('backbone.', source) | {'rpn.head.conv.0.0.weight': torch.ones(1)}, tmp_path)

    class Model(nn.Module):  # what load_from fills
        def __init__(self):
            super().__init__()
            self.backbone, self.neck = MODELS.build(dict(type='mmdet.ResNet', depth=50)), FPN(**OUR_NECK)

    ours = Model()
    load_checkpoint(ours, str(tmp_path / 'out.pth'), map_location='cpu')
    ours.eval(), source.eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected, got = source(image), ours.neck(ours.backbone(image))
    # ours begins at stride 8, and its nearest-neighbour pyramid is the same from there on
    for level, maps in enumerate(got[:3]):
        torch.testing.assert_close(maps, expected[str(level + 1)], rtol=1e-4, atol=1e-4)
    assert conversion.ledger.result.keys() >= {'neck.lateral_convs.2.conv.bias', 'neck.fpn_convs.0.conv.weight'}


def test_a_narrow_resnet(tmp_path):
    conversion = convert(SMALLEST, tmp_path)
    assert conversion.kind == 'a ResNet-18, for initialisation' and 'depth=18' in conversion.use


@pytest.mark.parametrize(
    'change, problem',
    [
        (lambda weights: weights.pop('layer3.0.conv2.weight'), '1 missing: backbone.layer3.0.conv2.weight'),
        (
            lambda weights: weights.update({'layer1.0.conv2.conv_offset.weight': torch.ones(1)}),
            '1 that it does not have: layer1.0.conv2.conv_offset.weight',
        ),
        (
            lambda weights: weights.update({'conv1.weight': torch.ones(64, 4, 7, 7)}),
            'conv1.weight .64×4×7×7, not 64×3×7×7',
        ),
        (lambda weights: [weights.pop(name) for name in list(weights) if name.startswith('layer4.1')], 'a ResNet of'),
        (
            lambda weights: [weights.pop(name) for name in list(weights) if name.startswith('layer1')],
            'weights of an unknown model: conv1.weight, bn1.weight',
        ),
    ],
)
def test_what_is_no_whole_backbone(tmp_path, change, problem):
    weights = {name: torch.zeros(value.shape) for name, value in SMALLEST.items()}
    change(weights)
    with pytest.raises(UserError, match=problem) as caught:
        convert(weights, tmp_path)
    assert caught.value.file == tmp_path / 'source.pth' and caught.value.remedy
    assert not (tmp_path / 'out.pth').exists()
