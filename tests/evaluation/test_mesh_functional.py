"""Procrustes against scipy, vertex errors, mean bodies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from das_mm.evaluation.functional.alignment import similarity_align
from das_mm.evaluation.functional.errors import pa_mpjpe
from das_mm.evaluation.functional.mesh import (
    LSP14,
    LSP14_ROOT,
    MESH_ERRORS,
    BodyParameters,
    PosedBodies,
    mean_body,
    mean_body_baseline,
    mesh_errors,
    pve,
)


def random_pairs(count: int, points: int = 14, seed: int = 0):
    """Poses and what a similarity and some noise make of them, (N, K, 3) each."""
    rng = np.random.default_rng(seed)
    gt = 300 * rng.normal(size=(count, points, 3))
    turned = np.einsum('nij,nkj->nki', Rotation.random(count, random_state=seed).as_matrix(), gt)
    return rng.uniform(0.3, 3, (count, 1, 1)) * turned + 1e3 * rng.normal(size=(count, 1, 3)) + 40 * rng.normal(
        size=gt.shape
    ), gt


def aligned_by_scipy(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """One pose moved by scipy's orthogonal matrix, a reflection turned into the best rotation (Umeyama 1991)."""
    p, g = pred - pred.mean(0), gt - gt.mean(0)
    matrix, trace = orthogonal_procrustes(p, g)
    if np.linalg.det(matrix) < 0:
        u, s, vt = np.linalg.svd(p.T @ g)
        matrix, trace = u @ np.diag([1, 1, -1]) @ vt, s[0] + s[1] - s[2]
    return trace / (p**2).sum() * p @ matrix + gt.mean(0)


def test_the_batch_is_what_scipy_gives_one_by_one():
    pred, gt = random_pairs(40)
    aligned = similarity_align(pred, gt, np.ones((40, 14)))
    np.testing.assert_allclose(aligned, [aligned_by_scipy(p, g) for p, g in zip(pred, gt)], atol=1e-6)
    # scipy scales both to unit size: its disparity is the squared error over the spread of the truth
    disparity = [procrustes(g, p)[2] for p, g in zip(pred, gt)]
    spread = ((gt - gt.mean(1, keepdims=True)) ** 2).sum((1, 2))
    np.testing.assert_allclose(((aligned - gt) ** 2).sum((1, 2)) / spread, disparity, rtol=1e-6)


def test_a_mirror_image_is_no_similarity():
    _, gt = random_pairs(20)
    mirrored = gt * [-1.0, 1.0, 1.0]
    aligned = similarity_align(mirrored, gt, np.ones((20, 14)))
    np.testing.assert_allclose(aligned, [aligned_by_scipy(p, g) for p, g in zip(mirrored, gt)], atol=1e-6)
    assert (pa_mpjpe(mirrored, gt, np.ones((20, 14))) > 50).all()
    assert all(procrustes(g, p)[2] < 1e-9 for p, g in zip(mirrored, gt))  # scipy itself would flip them
    # the moved pose is turned, not flipped: the sign of the volume of three of its bones stays
    volumes = [np.linalg.det(poses[:, 1:4] - poses[:, :1]) for poses in (aligned, mirrored)]
    assert (np.sign(volumes[0]) == np.sign(volumes[1])).all()


def test_flat_poses_have_no_handedness():
    """Keypoints in a plane: their mirror image is a rotation of them; the SVD leaves the third axis' sign open."""
    _, gt = random_pairs(20)
    gt[..., 2] = 0
    assert (pa_mpjpe(gt * [-1.0, 1.0, 1.0], gt, np.ones((20, 14))) < 1e-6).all()


def test_errors_of_a_known_mesh():
    rng = np.random.default_rng(0)
    gt = PosedBodies(
        300 * rng.normal(size=(3, 50, 3)), 300 * rng.normal(size=(3, 14, 3)), 1000 * rng.normal(size=(3, 3))
    )
    assert all((error < 1e-9).all() for error in mesh_errors(gt, gt).values())
    shift = np.array([30.0, 0, 40])
    moved = PosedBodies(gt.vertices_mm + shift, gt.joints_mm + shift, gt.transl_mm + 2 * shift)
    errors = mesh_errors(moved, gt)
    assert tuple(errors) == MESH_ERRORS
    for name, expected in dict(mpjpe_mm=0, pa_mpjpe_mm=0, pve_root_mm=0, pve_zero_transl_mm=50, pve_abs_mm=150).items():
        np.testing.assert_allclose(errors[name], expected, atol=1e-9)
    grown = PosedBodies(1.1 * gt.vertices_mm, 1.1 * gt.joints_mm, gt.transl_mm)
    root = gt.joints_mm[:, list(LSP14_ROOT)].mean(1, keepdims=True)
    errors = mesh_errors(grown, gt)
    np.testing.assert_allclose(errors['mpjpe_mm'], 0.1 * np.linalg.norm(gt.joints_mm - root, axis=-1).mean(1))
    np.testing.assert_allclose(errors['pve_root_mm'], 0.1 * np.linalg.norm(gt.vertices_mm - root, axis=-1).mean(1))
    np.testing.assert_allclose(errors['pa_mpjpe_mm'], 0, atol=1e-9)
    assert pve(gt.vertices_mm[:0], gt.vertices_mm[:0]).shape == (0,)
    assert {LSP14[index] for index in LSP14_ROOT} == {'right_hip', 'left_hip'}


def people(count: int, seed: int = 0) -> BodyParameters:
    rng = np.random.default_rng(seed)
    return BodyParameters(
        rng.normal(size=(count, 3)),
        0.3 * rng.normal(size=(count, 23, 3)),
        rng.normal(size=(count, 10)),
        1000 * rng.normal(size=(count, 3)),
    )


def test_the_mean_body_minimises_the_squared_distance():
    crowd = people(30)
    mean = mean_body(crowd)
    assert len(mean) == 1
    np.testing.assert_allclose(mean.betas[0], crowd.betas.mean(0))

    def squared_distance(joint_rotation: Rotation) -> float:
        return ((Rotation.from_rotvec(crowd.body_pose[:, 4]).as_matrix() - joint_rotation.as_matrix()) ** 2).sum()

    best = Rotation.from_rotvec(mean.body_pose[0, 4])
    nudges = [Rotation.from_rotvec(0.05 * axis) for axis in (*np.eye(3), *-np.eye(3))]
    assert all(squared_distance(nudge * best) > squared_distance(best) for nudge in nudges)
    with pytest.raises(ValueError, match='no person'):
        mean_body(people(0))


def test_the_baseline_stands_where_people_stand():
    crowd, mean = people(5), mean_body(people(30, seed=1))
    for orientation in ('mean', 'true'):
        placed = mean_body_baseline(mean, crowd, orientation)
        assert (placed.transl_mm == crowd.transl_mm).all() and (placed.betas == mean.betas).all()
        assert (placed.global_orient == (crowd if orientation == 'true' else mean).global_orient).all()
    with pytest.raises(ValueError, match="'mean' or 'true'"):
        mean_body_baseline(mean, crowd, 'none')


def test_who_is_not_finite():
    crowd = people(3)
    crowd.body_pose[1, 4, 2] = np.nan
    crowd.transl_mm[2, 0] = np.inf
    assert crowd.finite.tolist() == [True, False, False]
    assert len(BodyParameters.concatenate([crowd, crowd[:1]])) == 4 and len(BodyParameters.concatenate([])) == 0
