"""Measuring a model and telling about it: `das-mm speed`."""

from __future__ import annotations

import json

import pytest
import torch
from mmengine.config import Config

from das_mm.benchmarks.speed import STAGES, Setting, Variant, make_subject, make_variants, measure_model, network_size
from das_mm.cli import main
from das_mm.errors import UserError
from tests.toy_das import INPUT_SIZE
from tests.toy_model import DISPLACEMENT, MESH, write_toy_checkpoint

SPREAD = {'median', 'quartile_1', 'quartile_3', 'mean', 'least', 'largest', 'count'}


def check_case(case, runs):
    assert set(case['latency_s']) == set(case['work_s']) == set(case['times_the_first']) == SPREAD
    assert case['latency_s']['count'] == runs and case['latency_s']['median'] > 0
    assert case['images_per_s'] == pytest.approx(case['batch'] / case['latency_s']['median'])
    assert set(case['stages_s']) <= set(STAGES) and {'backbone', 'cls tower', 'recursion'} <= set(case['stages_s'])
    assert case['stages_sum_over_total'] > 0 and case['peak_memory_bytes'] > 10_000


def test_variants_are_all_combinations():
    variants = make_variants([1, 8], [5], ['float32', 'bf16'], channels_last=True)
    assert len(variants) == 8 and variants[0] == Variant(1, 5, 'float32')
    assert variants[-1].label == 'batch 8, 5 people, bf16, channels-last'
    assert len(make_variants([1, 1], [2], ['float32'])) == 1


def test_inference_of_two_variants(model):
    variants = [Variant(1, 2), Variant(3, 1, 'bf16', channels_last=True)]
    cases = measure_model(model, variants, Setting(INPUT_SIZE, runs=2, warmup=1))
    for case, variant in zip(cases, variants):
        check_case(case, 2)
        assert case['label'] == variant.label and case['people_found'] == variant.batch * variant.people
    assert cases[0]['times_the_first']['median'] == 1 and cases[1]['peak_memory_bytes'] > cases[0]['peak_memory_bytes']
    assert not model.training and all(parameter.grad is None for parameter in model.parameters())


def test_a_training_step_leaves_the_weights(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    (case,) = measure_model(model, [Variant(2, 2)], Setting(INPUT_SIZE, runs=1, warmup=1), train=True)
    check_case(case, 1)
    assert {'assign', 'losses', 'backward', 'optimizer', 'sigma'} <= set(case['stages_s'])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize('kind', ['mesh', 'tracking'])
def test_models_with_branches(kind, tmp_path):
    changes = dict(branches=MESH) if kind == 'mesh' else dict(branches=DISPLACEMENT, temporal=True)
    write_toy_checkpoint(tmp_path, **changes)
    config = Config.fromfile(tmp_path / 'toy.py')
    config.model.head.branches = changes['branches']
    if kind == 'tracking':
        config.model.update(type='TrackingDAS', tracker=dict(type='GreedyTracker'))
        config.model.backbone.type = 'TemporalResNet'
        config.model.data_preprocessor.type = 'TemporalDataPreprocessor'
    model = make_subject(config, tmp_path / 'toy.pth', torch.device('cpu'))
    for train in (False, True):
        (case,) = measure_model(model, [Variant(1, 2)], Setting(INPUT_SIZE, runs=1, warmup=0), train=train)
        assert case['stages_s']['branches'] > 0
        assert ('tracker' in case['stages_s']) == (kind == 'tracking' and not train)


def test_the_size_is_the_configs_and_padded(toy_config):
    config = Config.fromfile(toy_config)
    assert network_size(config) == INPUT_SIZE
    assert network_size(config, (100, 65)) == (128, 96)
    with pytest.raises(UserError, match='too small'):
        network_size(config, (8, 100))


def test_the_command(toy_config, tmp_path, capsys):
    out = tmp_path / 'speed'
    assert (
        main(
            [
                'speed',
                toy_config,
                '--out',
                str(out),
                '--device',
                'cpu',
                '--runs',
                '2',
                '--warmup',
                '0',
                '--train',
                '--batch',
                '1',
                '2',
                '--people',
                '2',
                '--seed',
                '3',
            ]
        )
        == 0
    )
    told = json.loads((out / 'speed.json').read_text())
    assert told['kind'] == 'speed' and told['weights'] == 'random weights (seed 3)' and not told['papers_setting']
    assert told['setting'] == dict(size=list(INPUT_SIZE), strides=None, seed=3, runs=2, warmup=0)
    assert {'cpu', 'cores', 'threads', 'memory_gb', 'load_1_min', 'device'} <= set(told['machine'])
    assert {'das_mm', 'torch', 'mmcv', 'python', 'commit', 'date'} <= set(told['software'])
    for name in ('inference', 'training'):
        assert [case['batch'] for case in told[name]] == [1, 2]
        for case in told[name]:
            check_case(case, 2)
    assert (out / 'speed.png').read_bytes().startswith(b'\x89PNG')
    assert 'stages, training step' in capsys.readouterr().out


def test_dense_against_sparse_by_the_command(toy_config, tmp_path):
    out = tmp_path / 'dense'
    assert (
        main(
            [
                'speed',
                toy_config,
                '--out',
                str(out),
                '--device',
                'cpu',
                '--dense',
                '--people',
                '1',
                '3',
                '--crowd',
                '6',
                '--runs',
                '1',
                '--warmup',
                '0',
                '--train-runs',
                '1',
            ]
        )
        == 0
    )
    told = json.loads((out / 'dense.json').read_text())
    kinds = [row['what'] for row in told['rows']]
    assert len(kinds) == 2 * (1 + 2 + 2) + 2 + 2 and all(row['ratio']['median'] > 0 for row in told['rows'])
    assert all(row['met'] or row['bound'] for row in told['rows'])
    assert {check['what'] for check in told['checks']} == {'predictions', 'losses', 'gradients', 'decode + NMS'}
    assert [one['way'] for one in told['stages']] == ['sparse', 'dense'] * 2
    assert (out / 'dense.png').read_bytes().startswith(b'\x89PNG')
    page = (out / 'dense.md').read_text()
    assert page.count('\n| ') == 1 + len(kinds) and 'commit' in page


def test_beside_a_peer_by_the_command(toy_config, tmp_path, capsys):
    words = ['--peer', 'rtmo-s', '--size', '160x128', '--people', '1', '3', '--runs', '1', '--warmup', '0']
    assert main(['speed', toy_config, '--out', str(tmp_path), '--device', 'cpu', *words]) == 0
    told = json.loads((tmp_path / 'peer.json').read_text())
    assert told['kind'] == 'peer' and [row['people'] for row in told['rows']] == [1, 3]
    for row in told['rows']:
        assert row['people_found'] == dict(ours=row['people'], peer=row['people'])
        assert row['ratio']['median'] == pytest.approx(row['ours_s'] / row['peer_s'])
        assert row['parameters']['peer'] == 9_868_899
        assert row['ratio_as_run']['median'] > 0
    assert 'beside rtmo-s' in capsys.readouterr().out


@pytest.mark.parametrize(
    'words, complaint',
    [
        (['--size', '640'], 'is no size'),
        (['--runs', '0'], '--runs: 0 is out of range'),
        (['--batch', '0'], '--batch: [0] is out of range'),
        (['--dtype', 'int8'], "unknown type 'int8'"),
        (['--levels', '7'], 'no level of stride 7'),
        (['--paper', '--batch', '8'], "the papers' setting is batch 1"),
        (['--paper', '--dense'], 'two measurements'),
        (['--dense', '--train'], '--train-runs'),
        (['--dense', '--people', '0'], 'nobody cannot be compared'),
        (['--peer', 'rtmo-s', '--train'], 'is of inference, batch 1'),
        (['--peer', 'rtmo-s', '--people', '0'], 'nobody cannot be compared'),
        (['--peer', 'yolo'], "'yolo' is no peer"),
    ],
)
def test_bad_arguments_are_told(toy_config, tmp_path, capsys, words, complaint):
    assert main(['speed', toy_config, '--out', str(tmp_path), '--device', 'cpu', *words]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_on_a_gpu(toy_config):
    model = make_subject(Config.fromfile(toy_config), None, torch.device('cuda'))
    for train in (False, True):
        variants = [Variant(1, 2), Variant(2, 2, 'fp16')]
        for case in measure_model(model, variants, Setting(INPUT_SIZE, runs=3), train=train):
            check_case(case, 3)


@pytest.mark.timing
def test_stages_sum_up_to_the_total(model):
    (case,) = measure_model(model, [Variant(1, 2)], Setting(INPUT_SIZE, runs=6, warmup=1))
    assert case['stages_sum_over_total'] == pytest.approx(1, abs=0.5)
