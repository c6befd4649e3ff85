"""MoveNet's TensorFlow.js files reach our backbone whole, and damaged ones are told."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from das_mm.checkpoints.conversion import Fate, convert_checkpoint
from das_mm.checkpoints.conversion.pretrained_movenet import MoveNetBackbone
from das_mm.errors import UserError
from das_mm.models.backbones import MobileNetV2Pyramid

EXTRACTOR = 'StatefulPartitionedCall/center_net_mobile_net_v2fpn_feature_extractor/model_1/'
HEAD = 'StatefulPartitionedCall/center_0/conv2d_4/BiasAdd/ReadVariableOp'


def tensorflow_name(name: str) -> str:
    """What TensorFlow calls a weight of ours, stated the other way round than in the converter."""
    module, _, kind = name.rpartition('.')
    part, *rest = module.split('.')
    if part in ('laterals', 'merges'):
        number = f'_{rest[0]}' if rest[0] != '0' else ''
        if part == 'laterals':
            return f'conv2d{number}/' + dict(weight='Conv2D', bias='BiasAdd')[kind] + '/ReadVariableOp'
        conv = f'separable_conv2d{number}/separable_conv2d'
        return (
            f'{conv}/ReadVariableOp' if rest[1] == '0' else f'{conv}_' + dict(weight='weights', bias='bn_offset')[kind]
        )
    ending = dict(weight='weights', bias='bn_offset')[kind]
    if part in ('stem', 'top'):
        return f'model/{dict(stem="Conv1", top="Conv_1")[part]}/Conv2D_{ending}'
    block = 'expanded_conv' if rest[0] == '0' else f'block_{rest[0]}'
    layer = 'depthwise' if rest[1] == 'depthwise' else 'Conv2D'
    return f'model/{block}_{rest[1]}/{layer}_{ending}'


@pytest.fixture(scope='module')
def trained():
    torch.manual_seed(0)
    model = MobileNetV2Pyramid()
    return {name: value.half().float() for name, value in model.state_dict().items()}


@pytest.fixture
def file(tmp_path, trained):
    entries, data = [], b''
    for name, value in {**trained, HEAD: torch.ones(2)}.items():
        array = value.numpy()
        if array.ndim == 4:  # torch's out, in, height, width; a convolution of single channels has in = 1
            by_channel = array.shape[1] == 1 and array.shape[-1] == 3
            array = array.transpose((2, 3, 0, 1) if by_channel else (2, 3, 1, 0))
        entries.append(
            dict(
                name=name if name == HEAD else EXTRACTOR + tensorflow_name(name),
                shape=list(array.shape),
                dtype='float32',
                quantization=dict(dtype='float16', original_dtype='float32'),
            )
        )
        data += np.ascontiguousarray(array, np.float16).tobytes()
    entries.append(dict(name='StatefulPartitionedCall/size', shape=[2], dtype='int32'))
    (tmp_path / 'movenet.bin').write_bytes(data + np.array([1, 2], np.int32).tobytes())
    model = dict(format='graph-model', weightsManifest=[dict(paths=['movenet.bin'], weights=entries)])
    (tmp_path / 'movenet.json').write_text(json.dumps(model))
    return tmp_path / 'movenet.json'


def test_every_weight_arrives(file, trained, tmp_path):
    conversion = convert_checkpoint(file, tmp_path / 'out.pth')
    assert 'MoveNet' in conversion.kind and any('127.5' in remark for remark in conversion.remarks)
    dropped = {entry.source for entry in conversion.ledger.entries if entry.fate is Fate.DROPPED}
    assert dropped == {HEAD, 'StatefulPartitionedCall/size'}
    written = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    assert written.keys() == {f'backbone.{name}' for name in trained}
    assert all(torch.equal(written[f'backbone.{name}'], value) for name, value in trained.items())
    assert MoveNetBackbone.recognises({EXTRACTOR + 'model/Conv1/Conv2D_weights': torch.ones(1)})


@pytest.mark.parametrize(
    ('damage', 'field'),
    [
        (lambda model: model.pop('weightsManifest'), 'weightsManifest'),
        (lambda model: model['weightsManifest'][0].pop('paths'), 'weightsManifest[0]'),
        (lambda model: model['weightsManifest'][0].update(paths=['../movenet.bin']), 'weightsManifest[0].paths'),
        (lambda model: model['weightsManifest'][0].update(paths=['absent.bin']), 'weightsManifest[0].paths'),
        (lambda model: model['weightsManifest'][0]['weights'].pop(), 'weightsManifest[0].paths'),
        (lambda model: model['weightsManifest'][0]['weights'][0].update(shape=[-1, 3]), 'weightsManifest[0]'),
        (lambda model: model['weightsManifest'][0]['weights'][0].update(shape=[1 << 40]), 'weightsManifest[0].paths'),
        (lambda model: model['weightsManifest'][0]['weights'][0].update(dtype='string'), 'weightsManifest[0]'),
    ],
)
def test_damaged_files_are_told(file, tmp_path, damage, field):
    model = json.loads(file.read_text())
    if damage(model) == {}:
        pytest.fail('nothing was damaged')
    file.write_text(json.dumps(model))
    with pytest.raises(UserError) as caught:
        convert_checkpoint(file, tmp_path / 'out.pth')
    assert caught.value.field == field and caught.value.remedy
    assert not (tmp_path / 'out.pth').exists()
