"""The terms of the loss against sums written out, and whom each term is for."""

from __future__ import annotations

import pytest
import torch

from das_mm.structures.tensor_rotations import axis_angle_to_matrix
from projects.spin.spin.ief_head import RegressedBody
from projects.spin.spin.spin_loss import BodyTargets, Keypoints, SPINLoss

_B = 4


@pytest.fixture
def batch():
    torch.manual_seed(0)
    body = RegressedBody(
        axis_angle_to_matrix(torch.randn(_B, 24, 3)).requires_grad_(),
        torch.randn(_B, 10, requires_grad=True),
        torch.rand(_B, 3, requires_grad=True),
    )
    predicted = Keypoints(torch.randn(_B, 49, 2, requires_grad=True), torch.randn(_B, 24, 3, requires_grad=True))
    confidence = (torch.rand(_B, 49, 1) > 0.3) * torch.rand(_B, 49, 1)
    labels = Keypoints(
        torch.cat([torch.randn(_B, 49, 2), confidence], -1),
        torch.cat([torch.randn(_B, 24, 3), (torch.rand(_B, 24, 1) > 0.3).float()], -1),
    )
    targets = BodyTargets(torch.randn(_B, 72), torch.randn(_B, 10), torch.tensor([True, False, True, False]))
    return dict(
        body=body, predicted=predicted, labels=labels, has_pose_3d=torch.tensor([1, 0, 0, 1]).bool(), targets=targets
    )


def _written_out(batch):
    """The released reductions, with loops."""
    body, predicted, labels, targets = (batch[name] for name in ('body', 'predicted', 'labels', 'targets'))
    in_crop = 0.0
    for person in range(_B):
        for joint in range(25, 49):  # OpenPose's part weighs nothing and counts
            x, y, confidence = labels.in_crop[person, joint]
            px, py = predicted.in_crop[person, joint]
            in_crop += confidence * ((px - x) ** 2 + (py - y) ** 2)
    in_space, people = 0.0, [person for person in range(_B) if batch['has_pose_3d'][person]]
    for person in people:
        truth, guess = labels.in_space[person], predicted.in_space[person]
        truth_hips, guess_hips = (truth[2, :3] + truth[3, :3]) / 2, (guess[2] + guess[3]) / 2
        for joint in range(24):
            error = (guess[joint] - guess_hips) - (truth[joint, :3] - truth_hips)
            in_space += truth[joint, 3] * (error**2).sum()
    rotations = axis_angle_to_matrix(targets.pose.reshape(_B, 24, 3))
    valid = [person for person in range(_B) if targets.valid[person]]
    pose = sum(((body.rotations[i] - rotations[i]) ** 2).sum() for i in valid) / (len(valid) * 24 * 9)
    betas = sum(((body.betas[i] - targets.betas[i]) ** 2).sum() for i in valid) / (len(valid) * 10)
    camera = sum(torch.exp(-10 * body.camera[i, 0]) ** 2 for i in range(_B)) / _B
    return dict(
        loss_keypoints_2d=60 * 5 * in_crop / (_B * 49 * 2),
        loss_keypoints_3d=60 * 5 * in_space / (len(people) * 24 * 3),
        loss_pose=60 * pose,
        loss_betas=60 * 0.001 * betas,
        loss_camera=60 * camera,
    )


def test_every_term_is_the_released_one(batch):
    found, expected = SPINLoss()(**batch), _written_out(batch)
    assert found.keys() == expected.keys()  # no loss on vertices at its released weight of 0
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-5, atol=1e-6, msg=name)


def test_rejected_fits_and_missing_labels_teach_nothing(batch):
    nobody = torch.zeros(_B).bool()
    batch['targets'] = batch['targets']._replace(valid=nobody)
    batch['has_pose_3d'] = nobody
    found = SPINLoss()(**batch)
    assert [found[f'loss_{name}'].item() for name in ('pose', 'betas', 'keypoints_3d')] == [0, 0, 0]
    assert found['loss_keypoints_2d'] > 0  # what everybody is taught
    sum(found.values()).backward()
    assert not batch['body'].betas.grad.any() and not batch['predicted'].in_space.grad.any()
    assert not batch['predicted'].in_crop.grad[:, :25].any() and batch['predicted'].in_crop.grad[:, 25:].any()


def test_labels_without_confidence_may_be_anything(batch):
    before = SPINLoss()(**batch)
    unknown = batch['labels'].in_crop[..., 2] == 0
    batch['labels'].in_crop[..., :2][unknown] = torch.nan
    after = SPINLoss()(**batch)
    assert float(after['loss_keypoints_2d']) == float(before['loss_keypoints_2d'])
    sum(after.values()).backward()
    assert batch['predicted'].in_crop.grad.isfinite().all()


def test_people_without_hips_are_left_out_of_the_3d_term(batch):
    batch['labels'].in_space[0, 2] = 0  # place and confidence
    found = SPINLoss()(**batch)['loss_keypoints_3d']
    batch['has_pose_3d'] = torch.tensor([False, False, False, True])
    torch.testing.assert_close(found, SPINLoss()(**batch)['loss_keypoints_3d'])


def test_vertices_are_compared_where_they_have_a_weight(batch):
    truth, guess = torch.randn(_B, 7, 3), torch.randn(_B, 7, 3)
    batch['targets'] = batch['targets']._replace(vertices=truth)
    found = SPINLoss(vertices_weight=0.5)(**batch, vertices=guess)['loss_vertices']
    torch.testing.assert_close(found, 60 * 0.5 * (guess - truth)[[0, 2]].abs().mean())
