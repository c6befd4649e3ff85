"""A row of the benchmark, small: its pieces, its evaluation, the report and the calibration of its checkpoint."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil

import cv2
import pytest
import torch
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope

from das_mm.benchmarks.ablation import TABLES, Deadline, Run, package_recipes, read_state
from das_mm.benchmarks.ablation import run_training as training
from das_mm.benchmarks.ablation.initial_weights import PACKAGE, SCRATCH, prepare_start, start_from_package, start_of
from das_mm.benchmarks.ablation.package_recipes import make_package_weights
from das_mm.benchmarks.ablation.package_stages import TASK_STAGES
from das_mm.benchmarks.ablation.run_training import run_config, train_run
from das_mm.checkpoints.packaged import TINY, tiny_checkpoint
from das_mm.cli import main
from das_mm.config_files import config_path
from das_mm.engine.checkpoint_files import read_checkpoint
from das_mm.errors import UserError
from das_mm.registry import MODELS

SIZE = (128, 128)
RUN = Run('cpu', 'pose', 0)


@pytest.fixture(scope='module', autouse=True)
def small(scenes_root):
    """Four images of 128x128 px, two epochs of two steps (of other tasks one); real networks and starting weights."""
    whole = training.run_config

    def run_config(run):
        cfg = whole(run)
        for loader, number in ((cfg.train_dataloader, 4), (cfg.val_dataloader, 2), (cfg.test_dataloader, 2)):
            loader.update(batch_size=2, num_workers=0)
            loader.dataset.update(num_images=number, image_size=SIZE, root=scenes_root, workers=0)
            for step in loader.dataset.pipeline:
                step.update({'input_size': SIZE} if 'input_size' in step else {})
        cfg.train_cfg.max_epochs = 2 if run.training == 'pose' else 1
        cfg.model.test_cfg.score_thr = 0.0  # so soon no confidence passes a threshold
        return cfg

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, 'run_config', run_config)
        yield


@pytest.fixture(scope='module')
def scenes_root(tmp_path_factory) -> str:
    return str(tmp_path_factory.mktemp('scenes'))


@pytest.fixture(scope='module')
def pieces(tmp_path_factory):
    """The command twice: a folder, and after each time what was said and the state of the run."""
    out = tmp_path_factory.mktemp('benchmark')
    command = ['ablation', '--tables', '6', '--rows', 'pose', '--seeds', '0', '--out', str(out)]
    told = []
    for more in (['--minutes', '0'], []):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            assert main([*command, *more]) == 0
        told.append((said.getvalue(), read_state(RUN.folder(out))))
    return out, told


@pytest.fixture(scope='module')
def out(pieces):
    return pieces[0]


def last_weights(folder) -> dict:
    return read_checkpoint(folder / 'training' / 'epoch_2.pth')['state_dict']


def test_pieces_make_the_run_that_one_go_makes(pieces, tmp_path):
    out, ((said, state), (said_at_last, state_at_last)) = pieces
    assert 'paused' in said and state.epochs_done == 1 and not state.finished
    folder, state = RUN.folder(out), state_at_last
    assert 'all rows are finished' in said_at_last and state.finished and state.epochs_done == 2
    assert state.start == PACKAGE and state.settings['steps'] == 4 and state.settings['image_size'] == list(SIZE)
    assert 0 < state.outcome.metrics['pose3d/recall'] <= 100 and state.outcome.metrics['pose3d/mpjpe_mm'] > 0
    calibration = state.outcome.calibration
    assert set(calibration) == {'x', 'y', 'z', 'norm'} and calibration['x']['num'] > 5
    assert state.outcome.machine['cpu'] and state.seconds > 0

    whole = tmp_path / 'whole'
    assert train_run(RUN, whole, Deadline())
    pieced, at_once = last_weights(folder), last_weights(whole)  # equal bits: one processor, one thread, the same sums
    assert pieced.keys() == at_once.keys() and all(torch.equal(pieced[name], at_once[name]) for name in pieced)
    assert read_state(whole).outcome.metrics == state.outcome.metrics
    assert train_run(RUN, whole, Deadline())  # once more: nothing is left to train


@pytest.mark.parametrize('name, table', [('mesh', 8), ('tracking', 9)])
def test_every_column_has_its_number(name, table, tmp_path):
    assert train_run(Run('cpu', name, 0), tmp_path, Deadline())
    state = read_state(tmp_path)
    assert {metric.key for metric in (*TABLES[table].metrics, *TABLES[table].others)} <= set(state.outcome.metrics)
    assert state.outcome.calibration is not None


def test_the_report_of_it(out):
    report = json.loads((out / 'cpu' / 'results.json').read_text())
    (table,) = report['tables']
    ours = table['rows'][4]['ours']['MPJPE']
    assert ours['num'] == 1 and ours['mean'] == read_state(RUN.folder(out)).outcome.metrics['pose3d/mpjpe_mm']
    assert set(report['calibration']) == {'pose'} and report['trainings']['pose']['seeds'] == [0]
    assert 'root, recursive update, MLE' in (out / 'cpu' / 'results.md').read_text()
    for name in ('results.png', 'calibration_pose.png'):
        assert cv2.imread(str(out / 'cpu' / name)).std() > 5


def test_calibration_of_a_checkpoint(out, tmp_path, capsys):
    config = tmp_path / 'small.py'
    training.run_config(RUN).dump(config)
    checkpoint = RUN.folder(out) / 'training' / 'epoch_2.pth'
    assert main(['ablation', '--calibration', str(config), str(checkpoint), '--out', str(tmp_path / 'c')]) == 0
    found = json.loads((tmp_path / 'c' / 'calibration.json').read_text())
    assert found['calibration'] == read_state(RUN.folder(out)).outcome.calibration
    assert cv2.imread(str(tmp_path / 'c' / 'calibration.png')).std() > 5


def test_other_settings_are_not_mixed_in(out, monkeypatch):
    small_config = training.run_config

    def other(run):
        cfg = small_config(run)
        cfg.optim_wrapper.optimizer.lr *= 2
        return cfg

    monkeypatch.setattr(training, 'run_config', other)
    with pytest.raises(UserError, match='other settings'):
        train_run(RUN, RUN.folder(out), Deadline())


def test_the_weights_of_the_package_are_made_in_stages(tmp_path, monkeypatch, capsys):
    """Each from the weights of the one before: at a learning rate of zero the second leaves what the first learned."""
    small_config = training.run_config

    def still(run):
        cfg = small_config(run)
        if run.training == 'mesh_2':
            cfg.optim_wrapper.optimizer.lr = 0.0
            cfg.param_scheduler = []
        return cfg

    monkeypatch.setattr(training, 'run_config', still)
    graphs = []

    def write_graph(path):
        graphs.append(path.name)
        path.with_suffix('.onnx').write_bytes(b'a graph')  # real ones are made and compared in tests/deploy

    monkeypatch.setattr(package_recipes, 'write_package_graph', write_graph)
    command = ['ablation', '--package', 'pose', 'mesh', '--out', str(tmp_path)]
    assert main([*command, '--minutes', '0']) == 0
    assert 'mesh_1, seed 0: paused' in capsys.readouterr().out and not list(tmp_path.glob('package/*.pth'))
    assert main(command) == 0
    first, second = (
        read_checkpoint(tmp_path / 'package' / name / 'seed_0' / 'training' / 'epoch_1.pth')['state_dict']
        for name in ('mesh_1', 'mesh_2')
    )
    learned = [name for name in first if name.startswith('head.') and 'running' not in name]
    assert len(learned) > 20 and all(torch.equal(first[name], second[name]) for name in learned)
    pose, mesh = (tmp_path / 'package' / f'{TINY[task]}.pth' for task in ('pose', 'mesh'))
    said = capsys.readouterr().out
    assert graphs == [pose.name, mesh.name] and str(mesh) in said and str(mesh.with_suffix('.onnx')) in said
    assert main(command) == 0 and len(graphs) == 2  # made once
    assert read_checkpoint(mesh)['state_dict'].keys() - read_checkpoint(pose)['state_dict'].keys()
    card = json.loads(mesh.with_suffix('.json').read_text())
    assert card['stages'] == ['mesh_1', 'mesh_2'] and card['metrics']['mesh/pve_root_mm'] > 0
    shutil.rmtree(tmp_path / 'package' / 'mesh_1' / 'seed_0' / 'training')
    assert main(command) == 2
    assert 'mesh_1' in (said := capsys.readouterr().err) and 'its checkpoint is gone' in said


def test_the_stages_of_tracking_follow_each_other():
    """What a stage lacks, such as the stems of the previous frame, begins anew; no weight has another shape."""
    shapes = [
        {
            name: value.shape
            for name, value in MODELS.build(run_config(Run('package', stage, 0)).model).state_dict().items()
        }
        for stage in TASK_STAGES['tracking']
    ]
    for before, after in zip(shapes, shapes[1:]):
        shared = before.keys() & after.keys()
        assert len(shared) > 100 and all(before[name] == after[name] for name in shared)


@pytest.mark.parametrize('task', TASK_STAGES)
def test_the_stages_are_the_commands_of_the_card(task):
    """The package's weights were trained by these; a stage ends where the next command takes its checkpoint."""
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    parser.add_argument('--work-dir')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    card = json.loads(tiny_checkpoint(task).with_suffix('.json').read_text())
    commands = [parser.parse_args(command.removeprefix('das-mm train ').split()) for command in card['command']]
    begins = [command.cfg_options.pop('load_from', None) for command in commands]
    assert begins[0] is None and len(commands) == len(TASK_STAGES[task])
    for stage, command, end in zip(TASK_STAGES[task], commands, [*begins[1:], None]):
        told = Config.fromfile(config_path(command.config))
        told.merge_from_dict(command.cfg_options)
        if end is not None:
            assert end.startswith(f'{command.work_dir}/epoch_')
            told.train_cfg.max_epochs = int(end.removesuffix('.pth').rpartition('_')[2])
        cfg = run_config(Run('package', stage, 0))
        for part in ('model', 'train_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg'):
            assert cfg[part] == told[part], (stage, part)


def test_there_are_no_weights_for_it(tmp_path):
    with pytest.raises(UserError, match='no weights for dance'):
        make_package_weights(['pose', 'dance'], tmp_path, Deadline())


def test_another_number_of_epochs(tmp_path):
    command = [
        'ablation',
        '--tables',
        '6',
        '--rows',
        'pose_root',
        '--seeds',
        '0',
        '--out',
        str(tmp_path),
        '--minutes',
        '0',
    ]
    assert main([*command, '--epochs', '3']) == 0
    state = read_state(Run('cpu', 'pose_root', 0).folder(tmp_path))
    assert state.settings['epochs'] == 3 and state.settings['steps'] == 6 and state.epochs_done == 1
    with pytest.raises(UserError, match='other settings'):
        train_run(Run('cpu', 'pose_root', 0), Run('cpu', 'pose_root', 0).folder(tmp_path), Deadline())
    assert main([*command, '--epochs', '0']) == 2


def test_no_gpu_for_the_papers_size(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(UserError, match='needs a GPU'):
        train_run(Run('paper', 'pose', 0), tmp_path, Deadline())


# ---------------------------------------------------------------- where they start


def built(training_name: str, start: str = PACKAGE):
    cfg = run_config(Run('cpu', training_name, 0))
    prepare_start(cfg, start)
    init_default_scope('das_mm')
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model.eval()


@torch.no_grad()
def test_a_deeper_backbone_starts_as_the_others():
    """The further blocks of the larger backbone are identities at first: the maps are those of the small one."""
    torch.manual_seed(0)
    small_one, deep = built('pose'), built('pose_larger-backbone')
    assert start_from_package(small_one) == []
    further = start_from_package(deep)
    assert further and all(name.startswith('backbone.layer') for name in further)
    image = torch.randn(1, 3, 64, 64)
    for one, other in zip(small_one.extract_feat(image), deep.extract_feat(image)):
        assert torch.allclose(one, other, atol=1e-5)


def test_tracking_starts_from_the_weights_of_tracking():
    """Row 1 of Table 9 sees one image at a time: it has the others' weights without the stems of the previous frame."""
    temporal, still = built('tracking'), built('tracking_nearest-pose')
    assert start_from_package(temporal, 'tracking') == start_from_package(still, 'tracking') == []
    found = temporal.backbone.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in still.backbone.state_dict().items())
    further = start_from_package(built('tracking'), 'pose')
    assert further and all(name.startswith('backbone.temporal_stems') for name in further)


def test_the_task_of_a_run():
    assert [Run('cpu', name, 0).task for name in ('pose', 'mesh_no-mle', 'tracking_center')] == [
        'pose',
        'mesh',
        'tracking',
    ]


def test_weights_that_do_not_fit():
    cfg = run_config(Run('cpu', 'pose', 0))
    cfg.model.neck.out_channels = cfg.model.head.in_channels = 32
    with pytest.raises(UserError, match='do not fit'):
        start_from_package(MODELS.build(cfg.model))


def test_from_scratch_thaws_the_backbone():
    assert start_of('paper', from_scratch=True) == SCRATCH and start_of('cpu') == PACKAGE
    cfg = run_config(Run('paper', 'pose', 0))
    prepare_start(cfg, start_of('paper'))
    assert cfg.model.backbone.init_cfg and cfg.model.backbone.frozen_stages == -1
    prepare_start(cfg, SCRATCH)
    assert 'init_cfg' not in cfg.model.backbone
    assert cfg.model.backbone.frozen_stages == -1 and cfg.model.backbone.norm_eval is False
