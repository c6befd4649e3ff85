"""The rows of the tables: each has its config at both sizes, which differs from its task's base by its switch alone."""

from __future__ import annotations

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from das_mm.benchmarks.ablation import SIZES, TABLES, Run, plan_runs, trainings_of
from das_mm.benchmarks.ablation.row_configs import BASES as BASE_CONFIGS
from das_mm.benchmarks.ablation.row_configs import OVERRIDES, OVERRIDES_BY_SIZE
from das_mm.benchmarks.ablation.run_training import settings_of
from das_mm.config_files import config_path, config_root
from das_mm.errors import UserError
from das_mm.registry import MODELS

LOSSES = {'head.loss_pose', 'head.loss_pose_2d'}
# training -> what of the model differs from the base of its task
SWITCHES = {
    'pose_bbox': {'head.assigner.center_type', 'head.update', *LOSSES},
    'pose_root': {'head.update', *LOSSES},
    'pose_recursive': LOSSES,
    'pose_mle': {'head.update'},
    'pose_plain-1': {'head.update', *LOSSES},
    'pose_multi-1': {'head.update.num_layers', *LOSSES},
    'pose_multi-2': {'head.update.num_layers', *LOSSES},
    'mesh_no-mle': {*LOSSES, 'head.branches.mesh.loss_pose', 'head.branches.mesh.loss_shape'},
    'mesh_no-branch': {*LOSSES, 'head.branches.mesh'},
    'tracking_center-mle': {'head.branches.displacement.per_keypoint'},
}
NEAREST = {'tracker', 'data_preprocessor', 'head.branches.displacement', *LOSSES}
BY_SIZE = {
    ('cpu', 'pose_larger-backbone'): {'backbone.depth'},
    ('paper', 'pose_larger-backbone'): {'backbone', 'neck.in_channels'},
    # the weight of the displacement, so that it is as loud beside this loss of the poses as beside the other
    ('cpu', 'tracking_center'): {
        *LOSSES,
        'head.branches.displacement.per_keypoint',
        'head.branches.displacement.loss.loss_weight',
    },
    ('paper', 'tracking_center'): {*LOSSES, 'head.branches.displacement.per_keypoint'},
    ('cpu', 'tracking_nearest-pose'): {'backbone', *NEAREST},
    ('paper', 'tracking_nearest-pose'): {'backbone.temporal', *NEAREST},
}
BASES = ('pose', 'mesh', 'tracking')
TRAINING_FIELDS = ('train_cfg', 'optim_wrapper', 'param_scheduler', 'val_dataloader', 'test_dataloader', 'randomness')
ALL = [(size, training) for size in SIZES for training in trainings_of(TABLES)]


def config(size: str, training: str) -> Config:
    return Run(size, training, 0).config.load()


def differences(one, other, path: str = '') -> set[str]:
    """Dotted names of what differs; an object of another type differs as a whole."""
    if not (isinstance(one, dict) and isinstance(other, dict) and one.get('type') == other.get('type')):
        return set() if one == other else {path.lstrip('.')}
    return {
        name for key in one.keys() | other.keys() for name in differences(one.get(key), other.get(key), f'{path}.{key}')
    }


@pytest.fixture(scope='module')
def bases() -> dict[tuple[str, str], Config]:
    return {(size, base): config(size, base) for size in SIZES for base in BASES}


def test_every_row_has_its_overrides_and_every_config_its_rows():
    assert set(OVERRIDES) == set(trainings_of(TABLES)) and set(BASE_CONFIGS) == set(SIZES)
    assert {size for size, _ in OVERRIDES_BY_SIZE} <= set(SIZES)
    assert {training for _, training in OVERRIDES_BY_SIZE} <= set(OVERRIDES)
    named = {variant.base for variants in BASE_CONFIGS.values() for variant in variants.values()}
    there = {f'benchmark/{path.name}' for path in (config_root() / 'benchmark').glob('*.py')}
    assert there == {name for name in named if name.startswith('benchmark/')}


def test_rows_in_full():
    """Some rows, written out."""
    l1 = dict(type='das_mm.L1PoseLoss')
    head = config('cpu', 'pose_plain-1').model.head
    assert head['update'] == dict(type='PlainUpdate', num_layers=1)
    assert head.loss_pose == head.loss_pose_2d == l1
    assert head.assigner == dict(
        type='DASTargetAssigner',
        strides=(16, 32),
        regress_ranges=((0, 160), (160, 1e8)),
        radius=1.5,
        center_type='root',
    )

    cfg = config('paper', 'mesh_no-branch')
    assert cfg.model.head.branches == {} and cfg.model.head.loss_pose == l1
    assert cfg.val_evaluator == cfg.test_evaluator == [dict(type='MultiPerson3DMetric')]

    cfg = config('cpu', 'tracking_nearest-pose')
    assert cfg.model.tracker == dict(type='NearestPoseTracker') and cfg.model.backbone.type == 'ResNet'
    assert [step['type'] for step in cfg.train_dataloader.dataset.pipeline] == [
        'LoadImage',
        'DASRandomAffine',
        'mmdet.PhotoMetricDistortion',
        'PackDASInputs',
    ]
    assert cfg.test_dataloader.dataset.num_images == 960 and cfg.test_dataloader.dataset.people == (3, 6)
    assert cfg.train_dataloader.dataset.num_images == 640 and cfg.train_dataloader.dataset.people == (2, 4)

    cfg = config('paper', 'pose_larger-backbone')
    assert cfg.model.backbone == dict(
        type='MSPNPyramid',
        unit_channels=256,
        num_stages=2,
        num_units=4,
        num_blocks=[3, 4, 6, 3],
        norm_cfg=dict(type='BN'),
    )
    assert cfg.model.neck.in_channels == [256] * 4 and cfg.train_dataloader.batch_size == 16


@pytest.mark.parametrize(
    'training, name',
    [
        ('tracking_center-mle', 'tiny-3_center-mle'),
        ('tracking_center', 'tiny-2_center'),
        ('tracking_nearest-pose', 'tiny-1_nearest-pose'),
    ],
)
def test_tracking_on_a_cpu_is_trained_as_by_its_config(training, name):
    """The rows of Table 9 also stand as configs of their own, for `das-mm train`."""
    row, listed = config('cpu', training), Config.fromfile(config_path(f'tracking/ablation/{name}.py'))
    for part in ('model', 'train_dataloader', 'optim_wrapper', 'param_scheduler', 'train_cfg'):
        assert row[part] == listed[part], part


def test_a_config_is_a_new_one_every_time():
    first = config('cpu', 'pose_bbox')
    first.model.head['update'].type = 'changed'
    assert config('cpu', 'pose_bbox').model.head['update'] == dict(type='NoUpdate')


@pytest.mark.parametrize('size, training', [one for one in ALL if one[1] not in BASES])
def test_a_row_differs_by_its_switch_alone(size, training, bases):
    base, row = bases[size, training.split('_')[0]], config(size, training)
    assert differences(base.model, row.model) == (SWITCHES.get(training) or BY_SIZE[size, training])
    for field in TRAINING_FIELDS:
        assert row.get(field) == base.get(field), field
    if training == 'tracking_nearest-pose':  # one image at a time
        steps = [step for step in base.train_dataloader.dataset.pipeline if step['type'] != 'AddPreviousFrame']
        assert row.train_dataloader.dataset.pipeline == steps
        row.train_dataloader.dataset.pipeline = base.train_dataloader.dataset.pipeline
    assert row.train_dataloader == base.train_dataloader
    if training != 'mesh_no-branch':
        assert row.test_evaluator == base.test_evaluator


@pytest.mark.parametrize('size, training', ALL)
def test_heads_are_what_the_tables_say(size, training):
    """The parts that the switches name, as built."""
    init_default_scope('das_mm')
    cfg = config(size, training)
    head = MODELS.build(cfg.model.head)
    labels = {row.label for table in TABLES.values() for row in table.rows if row.training == training}
    assert head.uses_sigma == any('MLE' in label for label in labels)
    assert head.assigner.center_type == ('bbox' if 'bbox centre' in labels else 'root')
    assert head.dims == 3 and len(head.strides) == cfg.model.neck.get('num_outs', 3)
    layers = {'pose_multi-1': 1, 'pose_multi-2': 2, 'pose_plain-1': 1}.get(training)
    if training.startswith('pose'):
        recursive = any('recursive' in label for label in labels)
        assert head.update.num_layers == (layers or (3 if recursive else 0))
    if training.startswith('mesh'):
        assert ('mesh' in head.branches) == any(label.startswith('SMPL branch') for label in labels)
    if training.startswith('tracking'):
        per_joint = any('per-joint' in label for label in labels)
        outputs = head.branches['displacement'].out_channels if 'displacement' in head.branches else 0
        assert outputs == (2 * head.num_keypoints if per_joint else 2 if 'nearest pose' not in labels else 0)
    assert settings_of(cfg)['steps'] > 0


def test_backbones_are_built(bases):
    """The tasks' networks as a whole at the size of a CPU."""
    init_default_scope('das_mm')
    for base in (*BASES, 'pose_larger-backbone', 'tracking_nearest-pose'):
        model = MODELS.build((bases.get(('cpu', base)) or config('cpu', base)).model)
        assert model.with_neck


def test_no_flip_of_people_in_suits(bases):
    """The colours of a suit tell left from right: a mirrored one contradicts its labels."""
    for cfg in bases.values():
        steps = {step['type'] for step in cfg.train_dataloader.dataset.pipeline}
        assert cfg.train_dataloader.dataset.get('clothes') != 'suits' or 'DASRandomFlip' not in steps


# ---------------------------------------------------------------- the papers' numbers and what they are compared with


def test_the_papers_numbers():
    """As printed (journal §4.4); a training has the same number in every table."""
    mm = {number: [row.paper['MPJPE'] for row in TABLES[number].rows] for number in (6, 7, 8)}
    assert mm == {6: [65.3, 62.5, 57.6, 58.8, 56.3, 54.4], 7: [62.5, 58.6, 58.2, 57.9, 57.6], 8: [79.1, 85.5, 76.4]}
    assert [(row.paper['AP'], row.paper['MOTA']) for row in TABLES[9].rows] == [
        (71.4, 53.2),
        (68.7, 60.1),
        (75.9, 63.3),
        (75.1, 63.8),
    ]
    numbers = {}
    for table in TABLES.values():
        assert [row.number for row in table.rows] == list(range(1, len(table.rows) + 1))
        assert {name for row in table.rows for name in row.paper} == {metric.name for metric in table.metrics}
        for row in table.rows:
            assert numbers.setdefault(row.training, row.paper) == row.paper
            assert all(1 <= other < row.number for other in row.against)


# ---------------------------------------------------------------- the plan


def test_the_first_seed_of_all_comes_first():
    runs = plan_runs('cpu', (0, 1), (6, 7))
    assert [run.seed for run in runs] == [0] * 9 + [1] * 9  # 11 rows, two of which are in both tables
    assert len(set(runs)) == 18 and runs[0].training == 'pose_bbox'
    chosen = plan_runs('cpu', (0,), (6, 7), ['pose', 'pose_plain-1'])
    assert [run.training for run in chosen] == ['pose', 'pose_plain-1']


@pytest.mark.parametrize(
    'arguments, words',
    [
        (dict(size='huge'), 'no size'),
        (dict(size='cpu', tables=[5]), 'no table 5'),
        (dict(size='cpu', tables=[6], trainings=['mesh']), 'no row mesh'),
        (dict(size='cpu', seeds=[-1]), 'negative'),
    ],
)
def test_a_plan_that_cannot_be(arguments, words):
    with pytest.raises(UserError, match=words):
        plan_runs(**arguments)
