"""The whole chain for every real data set: archives written from synthetic scenes, converted, loaded by the data set's
class, trained on for a step, and judged by its protocol with the truth handed back as prediction."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import Evaluator
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from das_mm.datasets.converters import CONVERTERS
from das_mm.datasets.converters.conversion_runner import run_conversion
from das_mm.datasets.synthetic.layouts import LAYOUTS
from das_mm.registry import DATASETS, METRICS, MODELS
from das_mm.structures import get_keypoint_set
from tests.toy_das import TOY_MODEL

DETECTION = dict(type='MultiPerson3DMetric')
_ALL_FOUND = {'pose3d/recall': 100, 'pose3d/precision': 100}
_POSES_3D = {**_ALL_FOUND, 'pose3d/mpjpe_mm': 0, 'pose3d/mpjpe_abs_mm': 0, 'pose3d/pck_rel': 100, 'pose3d/pck_abs': 100}


@dataclass
class Chain:
    """What there is to say of one data set.

    ``expected`` are numbers of ``metric`` for perfect predictions; AUC over 0, 5, …, 150 mm (strictly below) is then
    30 of 31. ``converter`` and ``options`` are arguments of the converter and of the dataset class.
    """

    dataset: str
    split: str
    metric: dict
    expected: dict
    converter: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)


CHAINS = {
    'panoptic': Chain(
        'DASPanopticDataset',
        'train',
        dict(type='PanopticMetric'),
        {f'panoptic/{name}': 0 for name in ('one_to_one/mpjpe_mm', 'literature/mpjpe_mm', 'released_code/mpjpe_mm')},
    ),
    'muco': Chain('DASMuCoDataset', 'train', DETECTION, _POSES_3D),
    'mupots': Chain(
        'DASMuPoTSDataset',
        'test',
        dict(type='MuPoTSMetric'),
        {
            'mupots/pck_rel': 100,
            'mupots/pck_abs': 100,
            'mupots/pck_root': 100,
            'mupots/auc_rel': 100 * 30 / 31,
            'mupots/pck_rel_matched': 100,
        },
    ),
    'mpi-inf-3dhp': Chain(
        'DASMPIINF3DHPDataset',
        'test',
        dict(type='MPIINF3DHPMetric'),
        {'mpi_inf_3dhp/pck': 100, 'mpi_inf_3dhp/mpjpe_mm': 0, 'mpi_inf_3dhp/auc': 100 * 30 / 31},
    ),
    'h36m': Chain(
        'DASH36MDataset',
        'test',
        dict(type='H36MMetric', protocols=('pose_p2',)),
        {'h36m/pose_p2/mpjpe_mm': 0, 'h36m/pose_p2/mrpe_mm': 0},
        dict(every=1),
    ),
    'coco': Chain('DASCocoDataset', 'val', dict(type='mmpose.CocoMetric'), {'coco/AP': 1, 'coco/AR': 1}),
    'crowdpose': Chain('DASCrowdPoseDataset', 'val', dict(type='mmpose.CocoMetric'), {'coco/AP': 1}),
    'mpii': Chain('DASMPIIDataset', 'trainval', DETECTION, _ALL_FOUND),
    'lsp': Chain('DASLSPDataset', 'train', DETECTION, _ALL_FOUND),
    'lspet': Chain('DASLSPETDataset', 'train', DETECTION, _ALL_FOUND),
    'up-3d': Chain('DASUP3DDataset', 'train', DETECTION, _ALL_FOUND),
    # parameters handed back are those of bodies of a gender, so one body must stand for all
    '3dpw': Chain(
        'DAS3DPWDataset',
        'validation',
        dict(type='MeshMetric', body_model=dict(type='SMPLBody')),
        {'mesh/recall': 100, 'mesh/pve_root_mm': 0, 'mesh/pa_mpjpe_mm': 0},
    ),
    'posetrack18': Chain(
        'DASPoseTrack18Dataset',
        'val',
        dict(type='PoseTrackMetric'),
        {'posetrack/ap/total': 100, 'posetrack/mota/total': 100},
    ),
}


@pytest.fixture(scope='module', params=list(CHAINS))
def chain(request, scenes, clip, tmp_path_factory):
    """Name, what there is to say, and the options of the dataset class over the converted files."""
    name, said = request.param, CHAINS[request.param]
    root = tmp_path_factory.mktemp(name)
    layout = LAYOUTS.get(name)()
    layout.write(clip if layout.kind == 'clips' else scenes, root / 'archives', said.split)
    converter = CONVERTERS.get(name)(root / 'archives', said.split, **said.converter)
    report = run_conversion(converter, root / f'{name}.json')
    assert report.counts['images'] > 1 and report.counts['people'] > 1
    options = dict(
        type=said.dataset, ann_file=str(report.out), data_prefix=dict(img=str(converter.image_root)), **said.options
    )
    return said, options


def test_every_data_set_has_a_person_view(chain):
    """Crops of the people with what the data set knows of them, in HMR's keypoints."""
    _, options = chain
    steps = [dict(type='LoadImage'), dict(type='PersonCrop', crop_px=32), dict(type='PackPersonInputs')]
    with DefaultScope.overwrite_default_scope('das_mm'):
        view = DATASETS.build(dict(type='PersonView', dataset=options, keypoint_set='spin49', pipeline=steps))
    batch = pseudo_collate([view[0], view[len(view) - 1]])
    assert batch['inputs'][0].shape == (3, 32, 32)
    record, labels = view.get_data_info(0), batch['data_samples'][0].gt_instance_labels
    assert (record['keypoints_2d'][:25] == 0).all() and (record['keypoints_2d'][25:, 2] > 0).sum() >= 3
    assert labels.keypoints_2d.isfinite().all() and labels.keypoints_2d.abs().max() < 5
    source, points = get_keypoint_set(view.dataset.keypoint_set.name), record['keypoints_3d']
    if record['has_pose_3d']:
        assert 0.4 < np.ptp(points[points[:, 3] > 0, :3], axis=0).max() < 2.5  # metres
    assert (record['keypoints_2d'][25:, 2] > 0).sum() <= source.num_keypoints


def build(options: dict, *steps: dict, **more):
    with DefaultScope.overwrite_default_scope('das_mm'):
        return DATASETS.build(
            dict(options, pipeline=[dict(type='LoadImage'), *steps, dict(type='PackDASInputs')], **more)
        )


def perfect(sample) -> InstanceData:
    """The truth as a model would give it."""
    truth = sample.gt_instances
    labelled = (truth.keypoints_visible > 0).any(1) & truth.is_valid & ~truth.iscrowd
    # the official protocols of MuPoTS and 3DHP compare with people of normalised height
    points = truth.get('keypoints_3d_univ', truth.keypoints_3d)
    told = InstanceData(
        bboxes=truth.bboxes[labelled],
        keypoints=truth.keypoints[labelled],
        keypoints_3d=points[labelled],
        keypoint_scores=np.ones(truth.keypoints.shape[:2])[labelled],
        scores=np.full(labelled.sum(), 0.9),
        bbox_scores=np.full(labelled.sum(), 0.9),
        track_ids=truth.track_ids[labelled],
    )
    if 'has_smpl' in truth:
        for name in ('global_orient', 'body_pose', 'betas', 'transl_mm'):
            told.set_field(truth[f'smpl_{name}'][labelled], f'smpl_{name}')
    return told


def test_truth_as_prediction_is_perfect(chain):
    said, options = chain
    dataset = build(options, test_mode=True)
    samples = [dataset[index]['data_samples'] for index in range(len(dataset))]
    for sample in samples:
        sample.pred_instances = perfect(sample)
    with DefaultScope.overwrite_default_scope('das_mm'):
        evaluator = Evaluator([METRICS.build(said.metric)])
    evaluator.dataset_meta = dataset.metainfo
    evaluator.process(samples)
    numbers = evaluator.evaluate(len(dataset))
    assert {name: numbers[name] for name in said.expected} == pytest.approx(said.expected, abs=0.02)


def test_a_step_of_training(chain):
    said, options = chain
    dataset = build(
        options, dict(type='DASRandomAffine', input_size=(160, 128)), dict(type='DASRandomFlip'), test_mode=False
    )
    kset = get_keypoint_set(dataset.metainfo['keypoint_set'])
    cfg = Config.fromstring("_base_ = ['das_mm::_base_/models/das_tiny.py']\n" + TOY_MODEL, '.py')
    cfg.model.head.num_keypoints = kset.num_keypoints
    cfg.model.head.coder.root_index = kset.root_index
    torch.manual_seed(0), np.random.seed(0)
    with DefaultScope.overwrite_default_scope('das_mm'):
        model = MODELS.build(cfg.model).train()
        optimizer = build_optim_wrapper(model, dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3)))
    batch = pseudo_collate([dataset[index] for index in range(min(4, len(dataset)))])
    learnt = sum(sample.gt_instance_labels.center_valid.sum() for sample in batch['data_samples'])
    log = model.train_step(batch, optimizer)
    assert learnt > 0 and log['loss'].isfinite() and log['loss_pose'] > 0


def test_every_data_set_has_its_chain():
    assert set(CONVERTERS.names()) == set(LAYOUTS.names()) == set(CHAINS)
