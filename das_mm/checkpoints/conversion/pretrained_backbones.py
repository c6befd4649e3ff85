"""Backbones (and pyramids) of mmpose, mmdet and torchvision, to begin a training with.

The result has our names under ``backbone.`` and ``neck.``; a whole model it is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from mmdet.models.backbones import ResNet
from torch import Tensor, nn

from das_mm.errors import UserError
from das_mm.models.backbones import MSPNPyramid

from .checkpoint_kinds import Conversion, SourceKind, weights_of_config
from .ledger import Ledger
from .source_file import SourceFile

_RESNET_CONFIG = 'das/das_resnet50-fpn_4xb4-25e_panoptic-1333x640.py'
#: how a converted backbone is used; {options} for its class, {{dst}} for its path
HOW_TO_BEGIN = (
    'das-mm train CONFIG --cfg-options load_from={{dst}}; or in a config model = dict(backbone=dict({options}init_cfg='
    "dict(type='Pretrained', checkpoint={{dst!r}}, prefix='backbone.')))"
)
# blocks of the four stages and the convolutions of a block -> depth
_DEPTHS: dict[tuple[tuple[int, ...], int], int] = {
    ((2, 2, 2, 2), 2): 18,
    ((3, 4, 6, 3), 2): 34,
    ((3, 4, 6, 3), 3): 50,
    ((3, 4, 23, 3), 3): 101,
    ((3, 8, 36, 3), 3): 152,
}
# what weights cannot say
_STYLE_REMARK = (
    "the weights do not say where a stage's stride is and how images were normalised: torchvision's and most of "
    "mmdet's are style='pytorch' with RGB mean and std, as in the package's configs; those of detectron2 ('caffe' in "
    "their name) need style='caffe', bgr_to_rgb=False, mean=[103.53, 116.28, 123.675], std=[1, 1, 1]"
)


class MSPNBackbone(SourceKind):
    """mmpose's top-down MSPN (of 0.x or 1.x), COCO-pretrained: what the released models began with."""

    title = "mmpose's MSPN"
    is_whole_model = False

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        return any(name.removeprefix('backbone.').startswith('multi_stage_mspn.0.') for name in weights)

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        refuse_config(config, source)
        ledger = Ledger(source.weights, source.path)
        for part in ('top.', 'multi_stage_mspn.'):
            ledger.use_all(f'backbone.{part}', f'backbone.{part}')
            ledger.use_all(part, f'backbone.{part}')
        for head in ('head.', 'keypoint_head.'):
            ledger.drop(head, 'heat maps in 2D; DAS has its own head')
        stages = _counted(ledger.result, r'backbone\.multi_stage_mspn\.(\d+)\.')
        blocks = [
            _counted(ledger.result, rf'backbone\.multi_stage_mspn\.0\.downsample\.layer{i}\.(\d+)\.')
            for i in range(1, 5)
        ]
        first_up = ledger.result.get('backbone.multi_stage_mspn.0.upsample.up1.in_skip.conv.weight')
        if first_up is None or 0 in blocks:
            raise UserError(
                'an MSPN without some of its four units',
                file=source.path,
                field='state_dict',
                remedy='give a whole checkpoint',
            )
        options: dict[str, Any] = dict(num_stages=stages, num_blocks=blocks, unit_channels=len(first_up))
        wanted = weights_of_module(lambda: MSPNPyramid(**options))
        ledger.add_batch_counters(wanted)
        ledger.check_against(wanted, f'an MSPN of {stages} stages')
        shown = ', '.join(f'{key}={value}' for key, value in options.items())
        return Conversion(
            f"mmpose's MSPN of {stages} stages, for initialisation",
            ledger,
            {},
            HOW_TO_BEGIN.format(options=f"type='MSPNPyramid', {shown}, "),
        )


class ResNetBackbone(SourceKind):
    """ResNet 18 to 152 of torchvision, mmpose or mmdet, with the FPN of a detector where it has one."""

    title = 'a ResNet of torchvision, mmpose or mmdet'
    is_whole_model = False

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        return any(f'{prefix}layer1.0.conv1.weight' in weights for prefix in ('', 'backbone.', 'backbone.body.'))

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        refuse_config(config, source)
        ledger = Ledger(source.weights, source.path)
        for prefix in ('backbone.body.', 'backbone.', ''):
            for part in ('conv1.', 'bn1.', 'layer'):
                ledger.use_all(prefix + part, f'backbone.{part}')
        depth = _resnet_depth(source, ledger.result)
        wanted = weights_of_module(lambda: ResNet(depth))
        neck = _weights_of_neck(depth)
        if neck:
            _convert_fpn(ledger, neck)
        for name in ledger.names():
            if not name.startswith('backbone.') or name.startswith('backbone.fpn.'):
                ledger.drop(name, 'head or pyramid of another task')
        ledger.add_batch_counters(wanted)
        own_neck = {name: tensor for name, tensor in neck.items() if name in ledger.result}
        ledger.check_against({**wanted, **own_neck}, f'a ResNet-{depth}')
        with_neck = ' with FPN (the neck is read by load_from only)' if own_neck else ''
        return Conversion(
            f'a ResNet-{depth}{with_neck}, for initialisation',
            ledger,
            {},
            HOW_TO_BEGIN.format(options=f'depth={depth}, '),
            (_STYLE_REMARK,),
        )


def _convert_fpn(ledger: Ledger, wanted: dict[str, Tensor]) -> None:
    """The pyramid's convolutions by the stride of their map; ours begins at stride 8.

    mmdet: ``neck.lateral_convs.i.conv``, ``neck.fpn_convs.i.conv``; torchvision: ``backbone.fpn.inner_blocks.i[.0]``,
    ``backbone.fpn.layer_blocks.i[.0]``, ``backbone.fpn.extra_blocks.p6``. Index 0 is stride 4 or 8, which the lateral's
    input channels tell.
    """
    layouts = (
        ('neck.lateral_convs.{}.conv.', 'neck.fpn_convs.{}.conv.'),
        ('backbone.fpn.inner_blocks.{}.0.', 'backbone.fpn.layer_blocks.{}.0.'),
        ('backbone.fpn.inner_blocks.{}.', 'backbone.fpn.layer_blocks.{}.'),
    )
    our_input = wanted['neck.lateral_convs.0.conv.weight'].shape[1]
    for lateral, output in layouts:
        first = ledger.names(lateral.format(0) + 'weight')
        if not first:
            continue
        shift = 0 if ledger.peek(first[0]).shape[1] == our_input else 1
        for level in range(4):
            for theirs, ours in ((lateral, 'neck.lateral_convs.{}.conv.'), (output, 'neck.fpn_convs.{}.conv.')):
                _use_fitting(ledger, wanted, theirs.format(level + shift), ours.format(level))
        _use_fitting(ledger, wanted, 'backbone.fpn.extra_blocks.p6.', 'neck.fpn_convs.3.conv.')
        return


def _use_fitting(ledger: Ledger, wanted: dict[str, Tensor], theirs: str, ours: str) -> None:
    """A convolution whose shape is ours: the same on both sides; others stay for the reader to drop."""
    pairs = [(theirs + part, ours + part) for part in ('weight', 'bias')]
    there = set(ledger.names(theirs))
    if all(
        name in there and target in wanted and ledger.peek(name).shape == wanted[target].shape for name, target in pairs
    ):
        for name, target in pairs:
            ledger.use(name, target)


def _resnet_depth(source: SourceFile, weights: dict[str, Tensor]) -> int:
    blocks = tuple(_counted(weights, rf'backbone\.layer{i}\.(\d+)\.') for i in range(1, 5))
    convs = _counted(weights, r'backbone\.layer1\.0\.conv(\d)\.weight')
    if (blocks, convs) not in _DEPTHS:
        raise UserError(
            f'a ResNet of {blocks} blocks with {convs} convolutions each',
            file=source.path,
            field='state_dict',
            remedy='give a ResNet-18, 34, 50, 101 or 152',
        )
    return _DEPTHS[blocks, convs]


def weights_of_module(build: Callable[[], nn.Module]) -> dict[str, Tensor]:
    """Names and shapes of a backbone's weights."""
    with torch.device('meta'):
        return {f'backbone.{name}': tensor for name, tensor in build().state_dict().items()}


def _weights_of_neck(depth: int) -> dict[str, Tensor]:
    """Names and shapes of the pyramid behind a ResNet of 50 layers or more; {} for the narrower ones."""
    if depth < 50:
        return {}
    return {name: tensor for name, tensor in weights_of_config(_RESNET_CONFIG).items() if name.startswith('neck.')}


def _counted(weights: dict[str, Tensor], pattern: str) -> int:
    return len({match[1] for name in weights if (match := re.match(pattern, name))})


def refuse_config(config: str | None, source: SourceFile) -> None:
    if config is not None:
        raise UserError(
            'weights of a backbone alone belong to no config',
            file=source.path,
            field='--config',
            remedy='leave the option out',
        )
