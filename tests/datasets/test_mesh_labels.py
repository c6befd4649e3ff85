"""SMPL parameters from file to labels: rows, absent files, and mirrored and turned images."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
import torch

from das_mm.datasets import DASDataset
from das_mm.datasets.synthetic import SyntheticConfig, generate
from das_mm.datasets.transforms import AddMeshLabels, DASRandomAffine, DASRandomFlip, PackDASInputs
from das_mm.errors import UserError
from das_mm.models.body_models.smpl_body import SMPLBody
from das_mm.structures import KEYPOINT_SETS
from tests.toy import write_toy_dataset


@pytest.fixture(scope='module')
def people(tmp_path_factory):
    config = SyntheticConfig(num_images=3, image_size=(96, 64), people=(2, 3), seed=5)
    return generate(config, tmp_path_factory.mktemp('people'), workers=0, progress=False)


def open_set(paths, root=None, **options) -> DASDataset:
    root = root or paths.root
    return DASDataset(ann_file=f'annotations/{paths.annotations["panoptic15"].name}', data_root=str(root), **options)


def loaded(dataset, index):
    results = dataset.get_data_info(index)
    results['img'] = cv2.imread(results['img_path'])
    return results


@pytest.mark.parametrize('mirrored', [False, True])
def test_bodies_of_the_labels_have_the_keypoints_of_the_labels(people, mirrored):
    """Turned and mirrored images: the posed body must still agree with the 3D keypoints, to a hundredth of a mm."""
    np.random.seed(0)
    dataset = open_set(people)
    layer = SMPLBody().keypoint_layer(KEYPOINT_SETS['panoptic15'].keypoints)
    for index in range(3):
        results = DASRandomAffine(input_size=(96, 64), max_rotation_rad=0.6)(loaded(dataset, index))
        results = AddMeshLabels()(DASRandomFlip(prob=float(mirrored))(results))
        labels = PackDASInputs()(results)['data_samples'].gt_instance_labels
        assert labels.smpl_weights.all() and len(labels.smpl_betas) == len(labels.bboxes)
        points = 1000 * layer(labels.smpl_pose_matrices[:, 0], labels.smpl_pose_matrices[:, 1:], labels.smpl_betas)
        truth = labels.keypoints_3d_mm
        torch.testing.assert_close(points - points[:, 2:3], truth - truth[:, 2:3], atol=0.01, rtol=0)


def test_truth_of_the_samples_is_that_of_the_file(people):
    """Vertices from gt_instances are those in the file, metres to millimetres."""
    from das_mm.datasets.synthetic import load_smpl, vertices_from_row

    truth = PackDASInputs()(loaded(open_set(people), 1))['data_samples'].gt_instances
    smpl = load_smpl(people.smpl)
    assert truth.has_smpl.all() and set(truth.smpl_gender) == {'n'}
    for n, row in enumerate(truth.smpl_rows):
        one = {name: np.float64(truth[f'smpl_{name}'][n])[None] for name in ('global_orient', 'body_pose', 'betas')}
        vertices = vertices_from_row({**one, 'transl': np.float64(truth.smpl_transl_mm[n])[None] / 1000}, 0)
        np.testing.assert_allclose(vertices, vertices_from_row(smpl, row), atol=1e-5)


def test_people_without_parameters_mix_in(tmp_path):
    ann_file = write_toy_dataset(tmp_path, num_images=2, people=(2, 2), with_3d=False)
    dataset = DASDataset(ann_file=ann_file, data_root=str(tmp_path), data_prefix=dict(img='images'))
    sample = PackDASInputs()(AddMeshLabels()(loaded(dataset, 0)))['data_samples']
    labels = sample.gt_instance_labels
    assert labels.smpl_weights.tolist() == [0, 0] and labels.keypoints_3d_weights.sum() == 0
    assert labels.smpl_pose_matrices.shape == (2, 24, 3, 3) and labels.smpl_betas.shape == (2, 10)
    assert 'has_smpl' not in sample.gt_instances


@pytest.mark.parametrize(
    'harm, words',
    [
        (lambda root: (root / 'smpl_train.npz').unlink(), 'does not exist'),
        (lambda root: (root / 'smpl_train.npz').write_bytes(b'no npz at all'), 'is no SMPL file'),
        (lambda root: _save(root, betas=np.zeros((50, 7))), r'betas: is float64 \(50, 7\)'),
        (lambda root: _save(root, keep=1), 'refers to row'),
        (lambda root: _save(root, body_pose=np.full((50, 23, 3), np.nan)), 'row 0 is not finite'),
    ],
)
def test_damaged_files_are_told(people, tmp_path, harm, words):
    shutil.copytree(people.root, tmp_path / 'set')
    harm(tmp_path / 'set')
    with pytest.raises(UserError, match=words):
        open_set(people, tmp_path / 'set')


def _save(root, keep=50, **changes):
    """Writes the SMPL file again with the first ``keep`` rows (or 50 copies of the first) and some columns replaced."""
    path = root / 'smpl_train.npz'
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in ('global_orient', 'body_pose', 'betas', 'transl')}
    rows = np.zeros(keep, int)
    np.savez(path, **{**{name: value[rows] for name, value in arrays.items()}, **changes})


def test_a_new_smpl_file_is_noticed_through_the_cache(people, tmp_path, monkeypatch):
    """A cached table must not outlive the SMPL file that it was made from."""
    monkeypatch.setattr('das_mm.datasets.datasets.table_cache.SMALLEST_CACHED_BYTES', 0)
    monkeypatch.setenv('DAS_MM_CACHE', str(tmp_path / 'cache'))
    root = tmp_path / 'set'
    shutil.copytree(people.root, root)
    before = open_set(people, root).get_data_info(0)['smpl_betas'].copy()
    assert (open_set(people, root).get_data_info(0)['smpl_betas'] == before).all()
    _save(root, betas=np.full((50, 10), 3.0))
    assert (open_set(people, root).get_data_info(0)['smpl_betas'] == 3).all()


def test_a_person_may_lack_parameters(people, tmp_path):
    root = tmp_path / 'set'
    shutil.copytree(people.root, root)
    path = root / 'annotations' / people.annotations['panoptic15'].name
    content = json.loads(path.read_text())
    del content['annotations'][0]['smpl']
    path.write_text(json.dumps(content))
    record = open_set(people, root).get_data_info(0)
    assert record['has_smpl'].tolist()[0] is False and record['has_smpl'][1:].all()
