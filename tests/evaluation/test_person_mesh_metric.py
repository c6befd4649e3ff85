"""Protocols of one person a crop: what is subtracted from what, and by which joints."""

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.evaluation import PersonMeshMetric
from das_mm.evaluation.functional import pa_mpjpe
from das_mm.models.body_models import SMPLBody
from das_mm.structures import convert_indices


@pytest.fixture(scope='module')
def body():
    return SMPLBody()


@pytest.fixture(scope='module')
def pose():
    return np.random.default_rng(0).normal(0, 0.3, (2, 24, 3))


def instances(pose, betas=None, **more):
    betas = np.zeros((1, 10)) if betas is None else betas
    return dict(
        smpl_global_orient=pose[None, 0], smpl_body_pose=pose[None, 1:], smpl_betas=betas,
        smpl_transl_mm=np.zeros((1, 3)), **more,
    )  # fmt: skip


def evaluate(samples, keypoint_set='gt24', **options):
    metric = PersonMeshMetric(**options)
    metric.dataset_meta = dict(keypoint_set=keypoint_set)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def h36m(body, pose, betas=None):
    """(17, 3) mm of Human3.6M's regressor, left leg first."""
    vertices = body.posed(pose[None], np.zeros((1, 10)) if betas is None else betas)[0][0]
    return 1000 * (body.superset_matrix('h36m17_left') @ np.concatenate([vertices, np.zeros((24, 3))]))


def test_labels_lose_the_labelled_pelvis_and_meshes_their_own_first_joint(body, pose):
    true, found = h36m(body, pose[0]), h36m(body, pose[1])
    labels = np.zeros((24, 3))
    table = convert_indices('h36m17_left', 'gt24')
    labels[table >= 0] = true[table[table >= 0]]
    labels[14] += [0, 30, 0]  # the labelled pelvis lies elsewhere than the regressed one
    valid = table >= 0
    valid[0] = False  # the right ankle is not known
    sample = dict(
        img_path='a.jpg',
        gt_instances=dict(keypoints_3d=labels[None] + [0, 0, 4000], keypoints_3d_valid=valid[None]),
        pred_instances=instances(pose[1]),
    )
    order = [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10]
    gt, pred = true[order] - (true[0] + [0, 30, 0]), found[order] - found[0]
    distance = np.linalg.norm(pred - gt, axis=1)[1:]
    result = evaluate([sample])
    assert result['MPJPE'] == pytest.approx(distance.mean(), abs=0.01)
    known = np.arange(14) > 0
    assert result['PA-MPJPE'] == pytest.approx(pa_mpjpe(pred[None], gt[None], known[None])[0], abs=0.01)
    assert result['PCK'] == pytest.approx(100 * (distance < 150).mean())
    assert result['AUC'] == pytest.approx(100 * np.mean([(distance < t).mean() for t in range(0, 151, 5)]))
    assert np.isnan(result['PVE'])  # there is no true mesh
    seventeen = evaluate([sample], joints='j17')
    rest = [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10, 0, 7, 9]
    distance = np.linalg.norm((found[rest] - found[0]) - (true[rest] - true[0] - [0, 30, 0]), axis=1)
    distance[14] = 0  # the labelled pelvis itself, and the predicted one
    assert seventeen['MPJPE'] == pytest.approx(distance[1:].mean(), abs=0.01)


def test_true_meshes_are_of_the_persons_gender(body, pose):
    male = SMPLBody(gender='male')
    sample = dict(
        img_path='a.jpg',
        gt_instances=instances(pose[0], has_smpl=np.ones(1, bool), smpl_gender=np.array(['m'])),
        pred_instances=instances(pose[1]),
    )
    order = [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10]
    for true, options in ((male, dict(true_bodies=dict(m=dict(type='SMPLBody', gender='male')))), (body, {})):
        gt, pred = h36m(true, pose[0]), h36m(body, pose[1])
        expected = np.linalg.norm((pred - pred[0])[order] - (gt - gt[0])[order], axis=1).mean()
        result = evaluate([sample], truth='mesh', **options)
        assert result['MPJPE'] == pytest.approx(expected, abs=0.01)
        vertices = [1000 * one.posed(p[None], np.zeros((1, 10)))[0][0] for one, p in ((body, pose[1]), (true, pose[0]))]
        assert result['PVE'] == pytest.approx(np.linalg.norm(vertices[0] - vertices[1], axis=1).mean(), abs=0.01)
        moved = np.linalg.norm((vertices[0] - pred[0]) - (vertices[1] - gt[0]), axis=1).mean()
        assert result['PVE-pelvis'] == pytest.approx(moved, abs=0.01)


def test_a_mesh_without_parameters_is_measured_too(body, pose):
    vertices = body.posed(pose[:1], np.zeros((1, 10)))[0]
    truth = instances(pose[0], has_smpl=np.ones(1, bool))
    sample = dict(img_path='a', gt_instances=truth, pred_instances=dict(mesh_vertices_m=vertices + [0, 0, 0.01]))
    result = evaluate([sample], truth='mesh')
    assert result['MPJPE'] == pytest.approx(0, abs=1e-3) and result['PVE'] == pytest.approx(10, abs=1e-3)
    assert result['PCK'] == 100 and result['AUC'] == pytest.approx(100 * 30 / 31)  # nothing is below 0
    with pytest.raises(UserError, match='(?s)mesh_vertices_m.*1723'):
        evaluate([dict(sample, pred_instances=dict(mesh_vertices_m=vertices[:, :1723]))], truth='mesh')


def test_what_is_not_finite_is_wrong_and_told(body, pose):
    truth = instances(pose[0], has_smpl=np.ones(1, bool))
    good = dict(img_path='a', gt_instances=truth, pred_instances=instances(pose[0]))
    bad = dict(img_path='b', gt_instances=truth, pred_instances=instances(pose[0] * np.nan))
    result = evaluate([good, bad], truth='mesh')
    assert result['num_not_finite'] == 1 and result['PCK'] == 50 and result['MPJPE'] == pytest.approx(0, abs=1e-3)
    nobody = dict(bad, pred_instances={name: value[:0] for name, value in instances(pose[0]).items()})
    result = evaluate([good, nobody], truth='mesh')
    assert result['num_not_finite'] == 1 and result['PCK'] == 50
    unlabelled = dict(img_path='c', gt_instances={}, pred_instances=instances(pose[0]))
    result = evaluate([good, unlabelled], truth='mesh')
    assert result['PCK'] == 100 and result['num_people'] == 2
    with pytest.raises(UserError, match='(?s)c has no keypoints_3d'):
        evaluate([unlabelled])
    with pytest.raises(UserError, match='truth'):
        PersonMeshMetric(truth='fits')
