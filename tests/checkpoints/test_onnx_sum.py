"""Damage of an exported file is seen; metadata are what an export writes, or an error with their place."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from das_mm.checkpoints.onnx_file import PREFIX, read_description
from das_mm.checkpoints.onnx_session import open_session
from das_mm.checkpoints.onnx_sum import SUM, check_sum, with_sum
from das_mm.checkpoints.packaged import packaged_graph
from das_mm.errors import UserError


@pytest.fixture(scope='module')
def whole():
    return packaged_graph('tracking').read_bytes()


@pytest.fixture(scope='module')
def metadata():
    session = open_session(packaged_graph('tracking'), 'cpu', 1)
    return dict(session.get_modelmeta().custom_metadata_map)


@pytest.mark.parametrize('task', ['pose', 'tracking'])
def test_the_graphs_of_the_package_have_sums(task, caplog):
    content = packaged_graph(task).read_bytes()
    with caplog.at_level(logging.WARNING, 'das_mm'):
        check_sum(content, 'x.onnx')
    assert not caplog.records and with_sum(content) == content


def test_any_flipped_bit_is_seen(whole):
    """Anywhere but in the name of the sum: without it the file is one of before there were sums."""
    random = np.random.default_rng(0)
    places = random.integers(0, len(whole), 300)
    for place in (*places, len(whole) - 1, len(whole) - 40):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(random.integers(8))
        with pytest.raises(UserError) as caught:
            check_sum(bytes(flipped), 'x.onnx')
        assert caught.value.file == 'x.onnx' and caught.value.remedy


@pytest.mark.parametrize('cut', [0.1, 0.5, 0.999])
def test_a_file_cut_short(whole, cut):
    with pytest.raises(UserError, match='damaged') as caught:
        check_sum(whole[: int(len(whole) * cut)], 'x.onnx')
    assert caught.value.remedy


def test_a_damaged_file_is_not_opened(whole, tmp_path):
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 16  # a weight
    (tmp_path / 'x.onnx').write_bytes(flipped)
    with pytest.raises(UserError, match='its sum is wrong') as caught:
        open_session(tmp_path / 'x.onnx', 'cpu')
    assert caught.value.field == SUM and 'export it again' in caught.value.remedy


def test_a_file_of_before_there_were_sums(whole, tmp_path, caplog):
    import onnx

    proto = onnx.load_from_string(whole)
    kept = {entry.key: entry.value for entry in proto.metadata_props if entry.key != SUM}
    del proto.metadata_props[:]
    onnx.helper.set_model_props(proto, kept)
    (tmp_path / 'x.onnx').write_bytes(proto.SerializeToString())
    with caplog.at_level(logging.WARNING, 'das_mm'):
        session = open_session(tmp_path / 'x.onnx', 'cpu', 1)
    assert 'it has no sum' in caplog.text and session.get_outputs()
    again = onnx.load_from_string(with_sum((tmp_path / 'x.onnx').read_bytes()))
    assert {entry.key: entry.value for entry in again.metadata_props}.keys() == kept.keys() | {SUM}
    assert again.graph == proto.graph


@pytest.mark.parametrize(
    'name, value, said',
    [
        ('test_cfg', [], r'test_cfg: a list is no object'),
        ('test_cfg', dict(score_thr='0.3'), 'test_cfg.score_thr'),
        ('test_cfg', dict(score_thr=float('nan')), 'test_cfg.score_thr'),
        ('test_cfg', dict(score_thr=10**400), 'test_cfg.score_thr'),
        ('test_cfg', dict(nms_pre=True), 'test_cfg.nms_pre'),
        ('test_cfg', dict(default_fov_deg=-5), 'test_cfg.default_fov_deg'),
        ('dataset_meta', dict(keypoint_set=['coco17']), 'dataset_meta.keypoint_set'),
        ('dataset_meta', dict(keypoint_set='of nobody'), 'of nobody'),
        ('keypoints', ['nose'], 'keypoints: they are not those of'),
        ('keypoints', 5, 'keypoints: 5 is no list'),
        ('input', dict(kind='pixels', divisor=0), 'input.divisor'),
        ('input', dict(kind='sound', divisor=32), 'input.kind'),
        ('pipeline', [dict(type='DASResize', input_size=[10**6, 10**6])], r'pipeline\[0\].input_size\[0\]'),
        ('pipeline', [dict(type=['DASResize'])], r'pipeline\[0\].type'),
        ('pipeline', [dict(type='DASResize', shrink_interpolation='magic')], 'shrink_interpolation'),
        ('pipeline', 'DASResize', 'pipeline'),
        ('preprocessor', dict(mean=[1, 2], std=None, swaps_channels=True, pad_value=0), 'preprocessor.mean'),
        ('preprocessor', dict(mean=None), 'preprocessor.std: it is missing'),
        ('tracking', dict(tracker='GreedyTracker', root=None, max_frame_gap=1), 'tracking.tracker'),
        ('tracking', dict(tracker={}, root=None, max_frame_gap='many'), 'tracking.max_frame_gap'),
        ('tasks', [dict(name='pose', fields=5, body=None, declared=True)], r'tasks\[0\].fields'),
        (
            'tasks',
            [dict(name='pose', fields=[dict(name='x', shape=[3], frame='up')], body=None, declared=True)],
            'frame',
        ),
        ('tasks', [dict(name='x', fields=[], body=dict(model_path=3), declared=True)], r'tasks\[0\].body.model_path'),
        ('coder', None, 'coder'),
    ],
)
def test_metadata_of_foreign_types(metadata, name, value, said):
    with pytest.raises(UserError, match=said) as caught:
        read_description({**metadata, PREFIX + name: json.dumps(value)}, 'x.onnx')
    assert (caught.value.file, caught.value.field) == ('x.onnx', 'metadata_props') and caught.value.remedy


def test_metadata_that_are_missing_or_no_json(metadata):
    for name in ('config', 'test_cfg', 'precision', 'weights_sha256'):
        with pytest.raises(UserError, match=f'{name} is missing'):
            read_description({key: value for key, value in metadata.items() if key != PREFIX + name}, 'x.onnx')
    for text in ('{', '[' * 100_000, '1' * 5000, ''):
        with pytest.raises(UserError, match='damaged'):
            read_description({**metadata, PREFIX + 'test_cfg': text}, 'x.onnx')
    assert read_description(metadata, 'x.onnx')['tracking']['max_frame_gap'] == 10
