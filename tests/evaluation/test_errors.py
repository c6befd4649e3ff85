"""Alignments, errors, PCK: hand-computed cases, scipy as a second opinion, batches against loops."""

import ast
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

import das_mm.evaluation.functional as functional
from das_mm.evaluation.functional import (
    align_root,
    auc,
    joint_errors,
    mean_root_relative_pose,
    mpjpe,
    mrpe,
    pa_mpjpe,
    pck,
    pck_curve,
    pck_per_joint,
    root_position,
    similarity_align,
)

from .scenes import AB

ALL = np.ones((2, 3), bool)
MIRROR = np.array([-1.0, 1, 1])


def random_poses(num=12, k=7, seed=0):
    rng = np.random.default_rng(seed)
    gt = rng.normal(scale=300, size=(num, k, 3)) + [0, 0, 3000]
    pred = gt + rng.normal(scale=60, size=gt.shape)
    valid = rng.random((num, k)) < 0.7
    valid[:, :4] = True  # a root, and enough points to fix a rotation
    return pred, gt, valid


def test_functional_imports_no_mm_package():
    for path in Path(functional.__file__).parent.glob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or '']
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not any(module.split('.')[0].startswith('mm') for module in modules), (path, modules)


def test_a_shift_is_an_absolute_error_and_no_relative_one():
    pred = AB + [30.0, 0, -40]  # |t| = 50
    np.testing.assert_allclose(mpjpe(pred, AB, ALL, alignment='none'), [50, 50])
    np.testing.assert_allclose(mpjpe(pred, AB, ALL, alignment='root'), [0, 0], atol=1e-9)
    np.testing.assert_allclose(mrpe(pred, AB), [50, 30, 0, 40])


def test_a_bigger_body_by_hand():
    # 1.1 times the root-relative pose: head 400 -> 440 (40 off), hand 200 -> 220 (20 off) and 300 -> 330 (30 off)
    root = AB[:, :1]
    pred = root + 1.1 * (AB - root)
    np.testing.assert_allclose(joint_errors(pred, AB, ALL), [[0, 40, 20], [0, 40, 30]], atol=1e-9)
    np.testing.assert_allclose(mpjpe(pred, AB, ALL), [20, 70 / 3])
    np.testing.assert_allclose(pa_mpjpe(pred, AB, ALL), [0, 0], atol=1e-9)


def test_invalid_keypoints_do_not_count_whatever_they_hold():
    valid = np.array([[True, True, False], [True, False, False]])
    pred, gt = AB + [0.0, 30, 0] * np.array([[[0], [1], [1]]]), AB.copy()
    pred[0, 2], gt[1, 1] = np.nan, np.nan
    # A: (0 + 30) / 2, B: its root alone
    np.testing.assert_allclose(mpjpe(pred, gt, valid), [15, 0])
    np.testing.assert_array_equal(np.isnan(joint_errors(pred, gt, valid)), ~valid)
    # nothing valid: no error at all
    assert np.isnan(mpjpe(pred, gt, np.zeros((2, 3), bool))).all()


def test_derived_root_is_the_mean_of_its_sources():
    moved, _ = align_root(AB, AB, ALL, (1, 2))
    np.testing.assert_allclose(root_position(moved, (1, 2)), 0, atol=1e-9)
    np.testing.assert_allclose(moved[0, 0], [-100, 200, 0])  # A: root minus ((0,-400) + (200,0)) / 2


def test_procrustes_agrees_with_scipy():
    pred, gt, _ = random_poses()
    aligned = similarity_align(pred, gt, np.ones(pred.shape[:2], bool))
    for moved, target, source in zip(aligned, gt, pred):
        # scipy scales both to unit norm; its disparity is then the squared residual over the squared spread of gt
        spread = ((target - target.mean(0)) ** 2).sum()
        assert ((moved - target) ** 2).sum() / spread == pytest.approx(procrustes(target, source)[2], rel=1e-9)


@pytest.mark.parametrize('mirror', [False, True])
def test_best_rotation_is_a_rotation_also_for_mirrored_poses(mirror):
    pred, gt, _ = random_poses(seed=1)
    pred = pred * MIRROR if mirror else pred
    aligned = similarity_align(pred, gt, np.ones(pred.shape[:2], bool))
    for moved, target, source in zip(aligned, gt, pred):
        source, target_mean = source - source.mean(0), target.mean(0)
        turn, _ = Rotation.align_vectors(target - target_mean, source)  # proper rotations only
        turned = turn.apply(source)
        scale = (turned * (target - target_mean)).sum() / (source**2).sum()
        np.testing.assert_allclose(moved, scale * turned + target_mean, atol=1e-5)
    error = np.linalg.norm(aligned - gt, axis=-1).mean()
    assert error > 150 if mirror else error < 90  # left and right exchanged must stay an error


def test_procrustes_forgives_similarities_and_nothing_else():
    pred, gt, valid = random_poses(seed=2)
    turns = Rotation.random(len(gt), random_state=0).as_matrix()
    other = 1.7 * pred @ turns.transpose(0, 2, 1) + [500.0, -20, 900]
    np.testing.assert_allclose(pa_mpjpe(other, gt, valid), pa_mpjpe(pred, gt, valid), rtol=1e-9)
    assert (pa_mpjpe(pred, gt, valid) > 5).all()
    rigid = similarity_align(1.7 * gt, gt, valid, scale=False)
    assert (np.linalg.norm(rigid - gt, axis=-1)[valid] > 1).mean() > 0.9


def test_procrustes_of_degenerate_poses():
    gt = AB[:1]
    # all points in one place: translation only, onto the centre (66.7, -133.3, 2000)
    point = similarity_align(np.full((1, 3, 3), 7.0), gt, ALL[:1])
    np.testing.assert_allclose(point, np.broadcast_to(gt.mean(1), (1, 3, 3)))
    # on a line: finite, and never worse than before
    line = np.array([[[0.0, 0, 0], [0, 1, 0], [0, 2, 0]]])
    assert np.isfinite(similarity_align(line, gt, ALL[:1])).all()
    assert np.isnan(similarity_align(np.full((1, 3, 3), np.nan), gt, ALL[:1])).all()
    assert similarity_align(np.zeros((0, 3, 3)), np.zeros((0, 3, 3)), np.zeros((0, 3))).shape == (0, 3, 3)


@pytest.mark.parametrize('alignment', ['none', 'root', 'procrustes'])
def test_a_batch_is_its_poses_one_by_one(alignment):
    pred, gt, valid = random_poses(seed=3)
    batch = joint_errors(pred, gt, valid, alignment=alignment)
    for i in range(len(pred)):
        one = joint_errors(pred[i : i + 1], gt[i : i + 1], valid[i : i + 1], alignment=alignment)[0]
        np.testing.assert_allclose(batch[i], one, rtol=1e-9, atol=1e-9)
        # and without the masked keypoints altogether
        keep = valid[i]
        alone = joint_errors(pred[i : i + 1, keep], gt[i : i + 1, keep], valid[i : i + 1, keep], alignment=alignment)[0]
        np.testing.assert_allclose(batch[i, keep], alone, rtol=1e-9, atol=1e-9)


def test_pck_threshold_is_strict_unless_asked():
    errors = np.array([[149.999, 150.0, 150.001, np.inf]])
    valid = np.ones((1, 4), bool)
    assert pck(errors, valid) == 25.0  # 1 of 4
    assert pck(errors, valid, inclusive=True) == 50.0  # 2 of 4
    np.testing.assert_array_equal(pck_per_joint(errors, valid), [100, 0, 0, 0])
    assert np.isnan(pck(errors, np.zeros((1, 4), bool)))


def test_auc_by_hand():
    # 12 mm is below 15, 20, …, 150: 28 of the 31 thresholds; 148 mm is below 150 only: 1 of 31
    errors, valid = np.array([[12.0, 148.0, np.inf, 1.0]]), np.array([[True, True, False, False]])
    assert auc(errors, valid) == pytest.approx(100 * (28 + 1) / (2 * 31))
    # perfect: above 0 only, 30 of 31; a missed person: 0
    assert auc(np.zeros((2, 3)), ALL) == pytest.approx(100 * 30 / 31)
    assert auc(np.full((2, 3), np.inf), ALL) == 0
    assert np.isnan(auc(np.zeros((0, 3)), np.zeros((0, 3))))


def test_pck_curve_is_pck_at_each_threshold():
    rng = np.random.default_rng(4)
    errors, valid = (
        rng.choice(np.arange(0, 200, 5.0), (20, 6)),
        rng.random((20, 6)) < 0.8,
    )  # many exactly on a threshold
    thresholds = np.arange(0, 151, 5.0)
    np.testing.assert_allclose(pck_curve(errors, valid, thresholds), [pck(errors, valid, t) for t in thresholds])


def test_mean_pose_leaves_out_what_was_not_seen():
    poses = np.array([[[0.0, 0, 0], [0, 10, 0], [1, 0, 0]], [[5.0, 5, 5], [5, 35, 5], [5, 5, 5]], AB[0]])
    valid = np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1]])  # the third has no root: not used at all
    # keypoint 1: (10 + 30) / 2; keypoint 2: never seen beside a root, so 0
    np.testing.assert_allclose(mean_root_relative_pose(poses, valid, 0), [[0, 0, 0], [0, 20, 0], [0, 0, 0]])
