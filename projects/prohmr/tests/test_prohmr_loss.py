"""Weights, reductions and masks of the loss, against sums written down person by person."""

from __future__ import annotations

import pytest
import torch

from das_mm.structures.tensor_rotations import axis_angle_to_matrix, matrix_to_rotation_6d, rotation_6d_to_matrix
from projects.prohmr.prohmr.person_targets import PersonTargets
from projects.prohmr.prohmr.prohmr_loss import ProHMRLoss, ProjectedBodies, orthogonality
from projects.prohmr.prohmr.smpl_flow_head import BodySamples

PELVIS = 39


def _bodies(people=3, samples=2, seed=0) -> BodySamples:
    torch.manual_seed(seed)
    pose = torch.randn(people, samples, 144, requires_grad=True)
    rotations = rotation_6d_to_matrix(pose.unflatten(-1, (24, 6)))
    shape = (people, samples)
    return BodySamples(rotations, torch.randn(*shape, 10), torch.randn(*shape, 3), torch.randn(shape), pose, pose)


def _projected(people=3, samples=2) -> ProjectedBodies:
    return ProjectedBodies(torch.randn(people, samples, 44, 2), torch.randn(people, samples, 44, 3))


def _targets(people=3) -> PersonTargets:
    confidence = torch.rand(people, 44, 1)
    rotations = axis_angle_to_matrix(torch.randn(people, 24, 3))
    has_smpl = torch.tensor([True, False, True])[:people]
    rotations[~has_smpl] = torch.nan
    return PersonTargets(
        torch.cat([torch.randn(people, 44, 2), confidence], -1),
        torch.cat([torch.randn(people, 44, 3), confidence], -1),
        rotations,
        torch.randn(people, 10),
        has_smpl,
    )


def test_every_term_is_the_authors():
    bodies, projected, targets = _bodies(samples=3), _projected(samples=3), _targets()
    log_prob, scores = torch.randn(2), torch.randn(9, 25)
    every = dict(keypoints_2d=0.3, keypoints_3d=0.5, global_orient=0.7, body_pose=0.2, betas=0.9)
    losses = ProHMRLoss(samples=every)(bodies, projected, targets, log_prob, scores)
    sums = {name: torch.zeros(3, 3) for name in every}
    for b in range(3):
        for s in range(3):
            for k in range(44):
                label, confidence = targets.keypoints_2d[b, k, :2], targets.keypoints_2d[b, k, 2]
                sums['keypoints_2d'][b, s] += confidence * (projected.in_crop[b, s, k] - label).abs().sum()
                label = targets.keypoints_3d[b, k, :3] - targets.keypoints_3d[b, PELVIS, :3]
                found = projected.in_space[b, s, k] - projected.in_space[b, s, PELVIS]
                sums['keypoints_3d'][b, s] += targets.keypoints_3d[b, k, 3] * (found - label).abs().sum()
            if targets.has_smpl[b]:
                turned = (bodies.rotations[b, s] - targets.rotations[b]).detach().square()
                sums['global_orient'][b, s], sums['body_pose'][b, s] = turned[0].sum(), turned[1:].sum()
                sums['betas'][b, s] = (bodies.betas[b, s] - targets.betas[b]).square().sum()
    mode = dict(keypoints_2d=0.01, keypoints_3d=0.05, global_orient=0.001, body_pose=0.001, betas=0.0005)
    expected = {f'loss_mode_{name}': weight * sums[name][:, 0].sum() / 3 for name, weight in mode.items()}
    expected |= {f'loss_samples_{name}': weight * sums[name][:, 1:].sum() / (3 * 2) for name, weight in every.items()}
    expected['loss_nll'] = -0.001 * log_prob.mean()
    expected['loss_adversarial'] = 0.0005 * (scores - 1).square().sum() / 3  # people, not bodies
    gram = torch.zeros(3, 3, 24, 2, 2)
    columns = bodies.pose_6d.detach().reshape(3, 3, 24, 2, 3)
    for i in range(2):
        for j in range(2):
            gram[..., i, j] = (columns[..., i, :] * columns[..., j, :]).sum(-1) - float(i == j)
    expected['loss_orthogonal'] = 0.1 * (gram[:, 0].square().mean() + gram[:, 1:].square().mean())
    assert set(losses) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(losses[name].detach(), value, rtol=1e-5, atol=1e-6, msg=name)


def test_one_body_and_nobody_with_labels_give_zeros_and_not_nan():
    bodies, targets = _bodies(samples=1), _targets()
    empty = targets._replace(has_smpl=torch.zeros(3).bool(), rotations=torch.full((3, 24, 3, 3), torch.nan))
    losses = ProHMRLoss()(bodies, _projected(samples=1), empty, torch.zeros(0))
    assert losses['loss_nll'] == losses['loss_samples_keypoints_2d'] == losses['loss_mode_body_pose'] == 0
    assert all(value.isfinite() for value in losses.values())
    sum(losses.values()).backward()
    assert bodies.pose_6d.grad.isfinite().all()


def test_weights_of_nothing_leave_a_term_out():
    nothing = dict(keypoints_2d=0.0)
    losses = ProHMRLoss(mode=nothing, samples=nothing, orthogonal=0)(
        _bodies(), _projected(), _targets(), torch.zeros(2)
    )
    assert set(losses) == {'loss_nll'}


def test_six_numbers_are_orthonormal_or_punished():
    columns = matrix_to_rotation_6d(axis_angle_to_matrix(torch.randn(2, 2, 24, 3))).flatten(2)
    assert orthogonality(columns) < 1e-10
    longer = columns.clone()
    longer[0, 1, 3:6] *= 1.1
    # one of two samples, one entry of four in one of 24 rotations
    assert orthogonality(longer) == pytest.approx((1.21 - 1) ** 2 / (2 * 24 * 4), rel=1e-4)
    turned = rotation_6d_to_matrix(longer.unflatten(-1, (24, 6)))
    torch.testing.assert_close(turned, rotation_6d_to_matrix(columns.unflatten(-1, (24, 6))))  # Gram-Schmidt hides it


def test_people_whose_pelvis_has_no_place_are_left_out_in_space():
    targets = _targets()
    labels = targets.keypoints_3d.clone()
    labels[1, PELVIS] = 0
    some = targets._replace(keypoints_3d=labels)
    alone = targets._replace(keypoints_3d=labels * torch.tensor([1.0, 0.0, 1.0])[:, None, None])
    projected, bodies = _projected(), _bodies()
    loss = lambda of: ProHMRLoss()(bodies, projected, of, torch.zeros(1))['loss_mode_keypoints_3d']
    assert loss(some) == loss(alone) != 0


def test_noise_is_put_on_labels():
    torch.manual_seed(0)
    pose = torch.zeros(500, 144)
    assert ProHMRLoss().noisy(pose).std() == pytest.approx(0.005, rel=0.02)
    assert ProHMRLoss(noise=0).noisy(pose).equal(pose)
