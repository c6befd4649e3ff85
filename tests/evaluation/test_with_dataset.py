"""Truth as the dataset and its pipeline deliver it: handed back as predictions it must score full marks everywhere."""

import numpy as np
import pytest
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from mmpose.evaluation import CocoMetric

from das_mm.datasets import DASDataset
from das_mm.evaluation import (
    H36MMetric,
    MPIINF3DHPMetric,
    MultiPerson3DMetric,
    MuPoTSMetric,
    PanopticMetric,
    mean_pose_baseline,
    record_to_sample,
)
from tests.toy import write_toy_dataset


@pytest.fixture(scope='module', params=['panoptic15', 'coco17'])
def dataset(request, tmp_path_factory):
    root = tmp_path_factory.mktemp(request.param)
    write_toy_dataset(root, num_images=6, keypoint_set=request.param)
    return DASDataset(
        'annotations.json',
        request.param,
        data_root=str(root),
        data_prefix=dict(img='images'),
        pipeline=[dict(type='LoadImage'), dict(type='PackDASInputs')],
        test_mode=True,
    )


def perfect_samples(dataset):
    for item in dataset:
        sample = item['data_samples']
        truth = sample.gt_instances
        num = len(truth.bboxes)
        sample.pred_instances = InstanceData(
            bboxes=truth.bboxes,
            keypoints=truth.keypoints,
            keypoint_scores=np.ones(truth.keypoints.shape[:2]),
            keypoints_3d=truth.keypoints_3d,
            scores=np.full(num, 0.9),
            bbox_scores=np.full(num, 0.9),
        )
        yield sample


def test_truth_as_prediction_is_perfect(dataset):
    evaluator = Evaluator([CocoMetric(), MultiPerson3DMetric()])
    evaluator.dataset_meta = dataset.metainfo
    evaluator.process(list(perfect_samples(dataset)))
    table = evaluator.evaluate(len(dataset))
    assert table['pose3d/num_gt_3d'] > 2
    assert table['coco/AP'] == pytest.approx(1)
    for name in ('recall', 'precision', 'pck_rel', 'pck_abs', 'pck_root'):
        assert table[f'pose3d/{name}'] == 100, name
    assert table['pose3d/mpjpe_abs_mm'] == pytest.approx(0, abs=1e-3)


def test_truth_as_prediction_is_perfect_by_every_protocol(dataset):
    single = dict(choice='nearest_in_image')  # the toy images have several people
    evaluator = Evaluator(
        [
            PanopticMetric(),
            MuPoTSMetric(truth='annot3'),
            MPIINF3DHPMetric(truth='annot3', **single),
            H36MMetric(protocols=['all', 'mesh_p2'], **single),
        ]
    )
    evaluator.dataset_meta = dataset.metainfo
    evaluator.process(list(perfect_samples(dataset)))
    table = evaluator.evaluate(len(dataset))
    for name in (
        'panoptic/one_to_one/mpjpe_abs_mm',
        'panoptic/literature/mpjpe_mm',
        'panoptic/released_code/mpjpe_mm',
        'mpi_inf_3dhp/nearest_in_image/annot3/mpjpe_mm',
        'h36m/nearest_in_image/all/mrpe_mm',
    ):
        assert table[name] == pytest.approx(0, abs=1e-3), name
    for name in (
        'mupots/annot3/pck_rel',
        'mupots/annot3/pck_abs',
        'mupots/annot3/pcod',
        'mpi_inf_3dhp/nearest_in_image/annot3/pck',
        'h36m/nearest_in_image/all/recall',
    ):
        assert table[name] == 100, name
    assert np.isnan(table['h36m/nearest_in_image/mesh_p2/mpjpe_mm'])  # no sequence of that protocol


def test_mean_pose_baseline_reads_records_without_loading_images(dataset):
    records = [record_to_sample(dataset.get_data_info(i)) for i in range(len(dataset))]
    metric = MultiPerson3DMetric()
    metric.dataset_meta = dataset.metainfo
    from_records = mean_pose_baseline(records, records, metric)
    assert (from_records['pose3d/recall'], from_records['pose3d/precision']) == (100, 100)
    assert 20 < from_records['pose3d/mpjpe_mm'] < 600 and from_records['pose3d/num_gt_3d'] > 2
    packed = [item['data_samples'] for item in dataset]
    assert mean_pose_baseline(packed, packed, metric) == pytest.approx(from_records, nan_ok=True)
