import pytest
import torch

from das_mm.errors import UserError
from das_mm.structures.tensor_rotations import axis_angle_to_matrix
from projects.graphcmr.graphcmr.mesh_losses import MeshLosses, MeshTargets


def make_targets(has_smpl, has_pose_3d, seed=0):
    """Labels of four people."""
    draw = lambda *shape: torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    confidence = (draw(4, 24, 1) > 0).float()
    return MeshTargets(
        keypoints_2d=torch.cat([draw(4, 24, 2), confidence], dim=2),
        keypoints_3d=torch.cat([draw(4, 24, 3), confidence.roll(1, 0)], dim=2),
        rotations=axis_angle_to_matrix(draw(4, 24, 3)),
        betas=draw(4, 10),
        vertices=draw(4, 50, 3),
        has_smpl=torch.tensor(has_smpl),
        has_pose_3d=torch.tensor(has_pose_3d),
    )


def predictions(seed=1):
    draw = lambda *shape: torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).requires_grad_(True)
    return draw(4, 50, 3), draw(4, 24, 3), draw(4, 3)


def test_terms_are_those_of_the_released_trainer():
    """Each term once more in loops, with the reductions of the released code."""
    targets = make_targets([True, False, True, False], [False, True, True, False])
    vertices, joints, camera = predictions()
    vertices, joints, camera = vertices.detach(), joints.detach(), camera.detach()
    losses = MeshLosses(keypoints_2d_norm='mse').of_mesh(vertices, joints, camera, targets)
    with_smpl = [0, 2]
    assert losses['loss_vertices'] == pytest.approx(
        sum(float((vertices[i] - targets.vertices[i]).abs().sum()) for i in with_smpl) / (2 * 50 * 3), rel=1e-5
    )
    total = 0.0
    for i in range(4):
        for k in range(24):
            for axis in range(2):
                seen = camera[i, 0] * (joints[i, k, axis] + camera[i, 1 + axis])
                x, confidence = targets.keypoints_2d[i, k, axis], targets.keypoints_2d[i, k, 2]
                total += float(confidence * (seen - x) ** 2)
    assert losses['loss_keypoints_2d'] == pytest.approx(total / (4 * 24 * 2), rel=1e-5)
    total = 0.0
    for i in (1, 2):
        label = targets.keypoints_3d[i]
        ours = joints[i] - (joints[i, 2] + joints[i, 3]) / 2
        theirs = label[:, :3] - (label[2, :3] + label[3, :3]) / 2
        total += float((label[:, 3:] * (ours - theirs) ** 2).sum())
    assert losses['loss_keypoints_3d'] == pytest.approx(total / (2 * 24 * 3), rel=1e-5)
    rotations, betas = axis_angle_to_matrix(torch.ones(4, 24, 3)), torch.ones(4, 10)
    parameters = MeshLosses().of_parameters(rotations, betas, targets)
    rotation_error = ((rotations - targets.rotations)[with_smpl] ** 2).sum() / (2 * 24 * 9)
    assert parameters['loss_pose'] == pytest.approx(float(rotation_error), rel=1e-5)
    assert parameters['loss_betas'] == pytest.approx(
        0.1 * float(((1 - targets.betas[with_smpl]) ** 2).mean()), rel=1e-5
    )


def test_switches_of_the_paper():
    targets = make_targets([True] * 4, [True] * 4)
    vertices, joints, camera = predictions()
    confidence = targets.keypoints_2d[..., 2:]
    seen = camera[:, None, :1] * joints[..., :2] + camera[:, None, 1:]
    found = MeshLosses(projection='paper').of_mesh(vertices, joints, camera, targets)['loss_keypoints_2d']
    assert torch.allclose(found, (confidence * (seen - targets.keypoints_2d[..., :2]).abs()).mean())
    for field in ('projection', 'keypoints_2d_norm'):
        with pytest.raises(UserError, match='wrong') as raised:
            MeshLosses(**{field: 'wrong'})
        assert raised.value.field == f'losses.{field}'


def test_people_with_2d_labels_alone_teach_by_these_alone():
    targets = make_targets([False] * 4, [False] * 4)
    for name in ('vertices', 'keypoints_3d', 'rotations', 'betas'):
        getattr(targets, name).fill_(torch.nan)  # what is not labelled may be anything
    vertices, joints, camera = predictions()
    losses = MeshLosses().of_mesh(vertices, joints, camera, targets)
    losses |= MeshLosses().of_parameters(axis_angle_to_matrix(joints), torch.zeros(4, 10), targets)
    zero = {name for name, value in losses.items() if value == 0}
    assert zero == {'loss_vertices', 'loss_keypoints_3d', 'loss_pose', 'loss_betas'}
    sum(losses.values()).backward()
    assert joints.grad.isfinite().all() and joints.grad.abs().sum() > 0 and vertices.grad.abs().sum() == 0


def test_without_hips_nothing_is_measured_from_them():
    targets = make_targets([True] * 4, [True] * 4)
    targets.keypoints_3d[0, 2] = 0
    vertices, joints, camera = predictions()
    MeshLosses().of_mesh(vertices, joints, camera, targets)['loss_keypoints_3d'].backward()
    moved = joints.grad.abs().sum((1, 2)) > 0
    assert moved.tolist() == [False, True, True, True]
