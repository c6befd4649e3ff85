"""What is particular to each data set, and the optional fields on their way to the metrics and the losses."""

import json

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset

from das_mm.datasets import datasets
from das_mm.datasets.datasets import (
    DASCocoDataset,
    DASCrowdPoseDataset,
    DASDataset,
    DASLSPDataset,
    DASMPIIDataset,
    DASMuPoTSDataset,
    DASPanopticDataset,
)
from das_mm.datasets.transforms import DASRandomAffine, PackDASInputs
from das_mm.errors import UserError
from das_mm.registry import DATASETS
from das_mm.structures import KEYPOINT_SETS, warp_points
from tests.toy import toy_pipeline, write_toy_coco, write_toy_dataset

NATIVE = dict(
    DASPanopticDataset='panoptic15',
    DASMuCoDataset='muco21',
    DASMuPoTSDataset='mupots17',
    DASMPIINF3DHPDataset='mupots17',
    DASH36MDataset='h36m17',
    DASCocoDataset='coco17',
    DASCrowdPoseDataset='crowdpose14',
    DASMPIIDataset='mpii16',
    DASLSPDataset='lsp14',
    DASLSPETDataset='lsp14',
    DASUP3DDataset='lsp14',
)


def write(root, edit=lambda content: None, **options):
    """A toy set with its json edited."""
    ann_file = write_toy_dataset(root, **options)
    content = json.loads(open(ann_file).read())
    edit(content)
    with open(ann_file, 'w') as stream:
        json.dump(content, stream)
    return dict(ann_file=ann_file, data_prefix=dict(img=str(root / 'images')), pipeline=toy_pipeline())


@pytest.mark.parametrize('name', NATIVE)
def test_native_set(tmp_path, name):
    """A file that does not say what its keypoints are is read, and by default learnt, as the data set's own."""
    kset = KEYPOINT_SETS[NATIVE[name]]
    files = write(
        tmp_path, lambda content: content['info'].pop('joints'), num_images=2, people=(1, 2), keypoint_set=kset.name
    )
    dataset = DATASETS.build(dict(type=f'das_mm.{name}', **files))
    assert dataset.keypoint_set is kset and dataset.test_mode == (name == 'DASMuPoTSDataset')
    record = dataset.get_data_info(0)
    assert (record['keypoints_flags'][:, kset.index('left_knee')] > 0).all()
    assert (record['root_flags'] > 0).all() and record['is_valid'].all()
    carried = DATASETS.build(dict(type=f'das_mm.{name}', keypoint_set='coco17', **files)).get_data_info(0)
    assert np.allclose(carried['keypoints'][:, 13], record['keypoints'][:, kset.index('left_knee')])
    with pytest.raises(UserError, match='order the keypoints'):
        DASDataset(**files)


def test_all_can_be_mixed(tmp_path):
    sources = [
        DATASETS.build(
            dict(
                type=f'das_mm.{name}',
                keypoint_set='panoptic15',
                test_mode=False,
                **write(tmp_path / name, num_images=2, people=(1, 1), keypoint_set=kset),
            )
        )
        for name, kset in NATIVE.items()
    ]
    mixed = ConcatDataset(sources)
    assert len(mixed) == 2 * len(NATIVE) and mixed.metainfo['num_keypoints'] == 15
    assert all(mixed[i]['data_samples'].gt_instance_labels.keypoints.shape[1] == 15 for i in range(20))


def test_every_class_is_listed():
    listed = {name for name in datasets.__all__ if name.startswith('DAS')}
    # toys have not all joints of SMPL; test_real_layouts.py has 3DPW
    videos = {'DASPoseTrack18Dataset', 'DASVideoDataset'}  # test_frame_pairs.py has these
    assert listed == {'DASDataset', 'DAS3DPWDataset', *videos, *NATIVE}


def test_panoptic_nose(tmp_path):
    files = write(tmp_path, num_images=2, people=(1, 2))
    masked, whole = DASPanopticDataset(**files), DASPanopticDataset(mask_nose=False, **files)
    plain = DASDataset(**files)
    for i in range(2):
        truth = masked[i]['data_samples'].gt_instances
        assert (truth.keypoints_visible[:, 1] == 0).all() and not truth.keypoints_3d_valid[:, 1].any()
        assert (np.delete(truth.keypoints_visible, 1, axis=1) == 1).all()
        labels = masked[i]['data_samples'].gt_instance_labels
        assert (labels.keypoints_weights[:, 1] == 0).all() and (labels.relative_depths_weights[:, 1] == 0).all()
        assert masked.get_data_info(i)['raw_ann_info'][0]['num_keypoints'] == 14
        for key in ('keypoints', 'keypoints_3d', 'keypoints_3d_valid', 'keypoints_flags'):
            assert (whole.get_data_info(i)[key] == plain.get_data_info(i)[key]).all()
    mpi = DASPanopticDataset(keypoint_set='panoptic15_mpi', **files)  # index 1 is the head top: nothing to mask
    assert mpi.get_data_info(0)['keypoints_3d_valid'][:, 2:].all()


def test_mupots_frames_that_are_not_valid(tmp_path):
    def edit(content):
        content['annotations'][1]['is_valid'] = False

    dataset = DASMuPoTSDataset(**write(tmp_path, edit, num_images=1, people=(3, 3), keypoint_set='mupots17'))
    sample = dataset[0]['data_samples']
    assert sample.gt_instances.is_valid.tolist() == [True, False, True]
    assert not sample.gt_instance_labels.center_valid[1]


def test_small_people_of_coco(tmp_path):
    ann_file = write_toy_coco(tmp_path, people=(3, 3), num_images=2)
    content = json.loads(open(ann_file).read())
    people = [a for a in content['annotations'] if a['image_id'] == 785][:3]
    people[0]['area'] = 63.9
    people[1]['bbox'] = [*people[1]['bbox'][:3], 1.9]
    with open(ann_file, 'w') as stream:
        json.dump(content, stream)
    files = dict(ann_file=ann_file, data_prefix=dict(img=str(tmp_path / 'toy2017')), pipeline=toy_pipeline())
    train, test = DASCocoDataset(**files), DASCocoDataset(test_mode=True, **files)
    assert train.get_data_info(0)['is_valid'].tolist() == [False, False, True, True, True]
    assert test.get_data_info(0)['is_valid'].all()  # the evaluation decides for itself
    assert not train[0]['data_samples'].gt_instance_labels.center_valid[:2].any()  # ignored, not background
    assert DASCocoDataset(min_area_px=0, min_box_side_px=0, **files).get_data_info(0)['is_valid'].all()


def test_filters(tmp_path):
    def edit(content):
        for n, annotation in enumerate(content['annotations']):
            flags = np.array(annotation['keypoints']).reshape(15, 3)
            flags[n:, 2] = 0  # the n-th person has n labelled keypoints; the first two have no root (the third)
            annotation['keypoints'] = flags.ravel().tolist()
        content['annotations'][4]['iscrowd'] = 1
        content['annotations'][5]['is_valid'] = False
        for image, seq in zip(content['images'], ('TS1', 'TS10', 'TS2', 'S9_a', 'S11_b', 'S9_c', 'TS1', '')):
            image['seq'], image['view'] = seq, '60457274' if seq.startswith('S9') else '54138969'
        content['images'][7]['is_labeled'] = False

    files = write(tmp_path, edit, num_images=8, people=(1, 1))
    kept = lambda **filters: [
        DASDataset(filter_cfg=filters, **files).get_data_info(i)['img_id'] - 1
        for i in range(len(DASDataset(filter_cfg=filters, **files)))
    ]
    assert kept() == [0, 1, 2, 3, 4, 5, 6]  # never a frame that nobody labelled …
    assert len(DASDataset(test_mode=True, **files)) == 8  # … but tests see it
    assert kept(filter_empty_gt=True) == [3, 6]
    assert kept(min_labelled_keypoints_per_image=3) == [3, 5, 6]  # crowds are not counted
    assert kept(sequences=['TS1']) == [0, 6] and kept(sequences=['S9*', 'TS2']) == [2, 3, 5]
    assert kept(sequences=['TS1'], filter_empty_gt=True) == [6]
    assert kept(views=['60457274']) == [3, 5] and kept(views=['5*'], sequences=['S*']) == [4]
    with pytest.raises(UserError, match='there is no filter min_size'):
        kept(min_size=32)
    with pytest.raises(UserError, match='no image is left'):
        kept(sequences=['TS3'])


def test_area_of_crowdpose(tmp_path):
    def edit(content):
        for annotation in content['annotations']:
            del annotation['area']

    dataset = DASCrowdPoseDataset(**write(tmp_path, edit, num_images=1, people=(2, 2), keypoint_set='crowdpose14'))
    record = dataset.get_data_info(0)
    sides = record['bbox'][:, 2:] - record['bbox'][:, :2]
    assert np.allclose(record['area'], 0.53 * sides[:, 0] * sides[:, 1])
    assert np.allclose([a['area'] for a in record['raw_ann_info']], record['area'])


def test_unlabelled_people_are_not_background(tmp_path):
    files = write(tmp_path, num_images=1, people=(1, 1), keypoint_set='mpii16')
    labels = DASMPIIDataset(**files)[0]['data_samples'].gt_instance_labels
    assert labels.center_valid.tolist() == [True, False]
    assert labels.bboxes[1].tolist() == [-0.5, -0.5, 159.5, 127.5] and labels.keypoints_weights[1].sum() == 0
    assert len(DASMPIIDataset(ignore_background=False, **files)[0]['data_samples'].gt_instance_labels) == 1
    assert DASMPIIDataset(test_mode=True, **files)[0]['data_samples'].ignore_regions == []
    lsp = DASLSPDataset(keypoint_set='panoptic15', **write(tmp_path / 'lsp', num_images=1, keypoint_set='lsp14'))
    assert len(lsp.get_data_info(0)['ignore_regions']) == 1


# optional fields


@pytest.fixture
def rich(tmp_path):
    """Files with every optional field; also the json."""
    rng = np.random.default_rng(1)
    kept = {}

    def edit(content):
        for annotation in content['annotations']:
            annotation |= dict(
                occluded=rng.integers(0, 2, 17).tolist(),
                head_bbox=rng.uniform(5, 20, 4).tolist(),
                keypoints_3d_univ=(0.9 * np.array(annotation['keypoints_3d'])).tolist(),
            )
        content['images'][0] |= dict(
            view='cam3',
            crowd_index=0.7,
            ignore_regions=[[[10, 20], [30, 20], [30, 45.5], [10, 40]], [[500, 500], [510, 500], [510, 510]]],
        )
        kept.update(content)

    return write(tmp_path, edit, num_images=2, people=(2, 2), keypoint_set='mupots17'), kept


def test_optional_fields_reach_the_metrics(rich):
    files, content = rich
    native, carried = DASMuPoTSDataset(**files), DASMuPoTSDataset(keypoint_set='panoptic15', **files)
    people = [a for a in content['annotations'] if a['image_id'] == 1]
    sample = native[0]['data_samples']
    truth = sample.gt_instances
    assert (truth.occluded == [a['occluded'] for a in people]).all()
    assert np.allclose(truth.keypoints_3d_univ, 0.9 * truth.keypoints_3d, atol=1e-2)
    x, y, w, h = np.transpose([a['head_bbox'] for a in people])
    assert np.allclose(truth.head_bboxes, np.stack([x, y, x + w, y + h], axis=1))
    assert np.allclose(native.get_data_info(0)['head_bbox'], np.stack([x, y, w, h], axis=1))
    assert sample.view == 'cam3' and sample.is_labeled and sample.crowd_index == pytest.approx(0.7)
    assert len(sample.ignore_regions) == 2 and sample.ignore_regions[0].shape == (4, 2)
    other = native[1]['data_samples']
    assert other.view == '' and other.crowd_index is None and other.ignore_regions == []
    # by name into another set: its mid-hip is their pelvis
    truth, source, target = carried[0]['data_samples'].gt_instances, *map(KEYPOINT_SETS.get, ('mupots17', 'panoptic15'))
    for name, theirs in (('left_wrist', 'left_wrist'), ('mid_hip', 'pelvis'), ('neck', 'neck')):
        assert truth.occluded[:, target.index(name)].tolist() == [a['occluded'][source.index(theirs)] for a in people]
        univ = [a['keypoints_3d_univ'][source.index(theirs)] for a in people]
        assert np.allclose(truth.keypoints_3d_univ[:, target.index(name)], univ, atol=1e-2)
    assert (truth.occluded[:, 1] == 0).all()  # MuPoTS has no nose


def test_a_derived_keypoint_is_occluded_with_any_of_its_sources(tmp_path):
    def edit(content):
        for annotation, hips in zip(content['annotations'], ((0, 0), (1, 0), (0, 1))):
            annotation['occluded'] = [0] * 11 + list(hips) + [0] * 4

    files = write(tmp_path, edit, num_images=1, people=(3, 3), keypoint_set='coco17')
    assert DASDataset(**files).get_data_info(0)['occluded'][:, 2].tolist() == [0, 1, 1]


def test_files_without_optional_fields(tmp_path):
    truth = DASDataset(**write(tmp_path, num_images=1, people=(2, 2)))[0]['data_samples'].gt_instances
    assert (truth.occluded == 0).all() and truth.occluded.shape == (2, 15)
    assert 'keypoints_3d_univ' not in truth and 'head_bboxes' not in truth


def test_ignore_regions_move_with_the_image(rich):
    dataset = DASMuPoTSDataset(**{**rich[0], 'pipeline': [dict(type='LoadImage')]})
    turn = DASRandomAffine(input_size=(160, 128), scale_range=(1, 1), translate_sigma=0.0)
    turn._draw = lambda: (1.0, np.zeros(2), 0.5)
    results = turn(dataset[0])
    people = len(results['bbox'])
    labels = PackDASInputs()(results)['data_samples'].gt_instance_labels
    assert len(labels) == people + 1  # the second region is not on the image
    corners = warp_points(np.array([[10, 20], [30, 20], [30, 45.5], [10, 40]]), results['warp_mat'])
    box = np.array([*corners.min(axis=0), *corners.max(axis=0)])
    assert box[1] < -0.5 < box[0] and np.allclose(labels.bboxes[-1], box.clip(-0.5), atol=1e-4)  # cut to the input
    assert not labels.center_valid[-1] and labels.center_valid[:-1].any()
    for name in ('keypoints_weights', 'relative_depths_weights', 'root_depths_weights'):
        assert labels[name][-1].sum() == 0
