"""Targets and back, without a network."""

import torch

from das_mm.models.task_modules import DASPoseCoder

from .labels import make_labels


def encode(labels, coder, points_px, strides, person):
    return coder.encode(labels, torch.tensor(person), torch.tensor(points_px), torch.tensor(strides))


def test_hand_worked_target():
    """Root (100, 60), first keypoint 40 px right of it, point (104, 52), stride 8.

    Root offset ((100-104)/8, (60-52)/8) = (-0.5, 1); norm depth 4 * scale 0.5 = 2. First keypoint at (140, 60):
    ((140-104)/8, 1) = (4.5, 1).
    """
    labels = make_labels([[100, 60]], [40])
    labels.fields['relative_depths_mm'][0, 0] = -250
    code = encode(labels, DASPoseCoder(root_depth_scale=0.5), [[104.0, 52.0]], [8.0], [0])
    assert code.root.tolist() == [[-0.5, 1.0, 2.0]]
    assert code.pose[0, 0].tolist() == [4.5, 1.0, -0.5]
    assert code.pose_weights[0, 0].tolist() == [1, 1, 1]
    assert code.pose_weights[0, 2].tolist() == [1, 1, 0]  # the root's own depth is known


def test_round_trip():
    torch.manual_seed(0)
    labels = make_labels([[100, 60], [30, 200]], [40, 90])
    coder = DASPoseCoder(root_depth_scale=2.0, relative_depth_scale_mm=300.0)
    points, strides = torch.rand(5, 2) * 200, torch.tensor([8.0, 16.0, 8.0, 32.0, 64.0])
    person = torch.tensor([0, 1, 1, 0, 0])
    code = coder.encode(labels, person, points, strides)
    poses = coder.decode(code.root, code.pose, points, strides)
    torch.testing.assert_close(poses.roots_px, labels.root_px[person])
    torch.testing.assert_close(poses.root_depths_norm, labels.root_depths_norm[person])
    torch.testing.assert_close(poses.keypoints_px, labels.keypoints[person])
    torch.testing.assert_close(poses.relative_depths_mm, labels.relative_depths_mm[person])


def test_two_dimensional_person_has_no_depth_weights():
    labels = make_labels([[100, 60]], [40])
    labels.fields['relative_depths_weights'].zero_()
    labels.fields['root_depths_weights'].zero_()
    labels.fields['keypoints_weights'][0, 1] = 0
    code = encode(labels, DASPoseCoder(), [[104.0, 52.0]], [8.0], [0])
    assert code.root_weights.tolist() == [[1, 1, 0]]
    assert code.pose_weights[0].tolist() == [[1, 1, 0], [0, 0, 0], [1, 1, 0]]


def test_depth_needs_a_supervised_place():
    labels = make_labels([[100, 60]], [40])
    labels.fields['keypoints_weights'][0, 0] = 0
    code = encode(labels, DASPoseCoder(), [[104.0, 52.0]], [8.0], [0])
    assert code.pose_weights[0, 0].tolist() == [0, 0, 0]


def test_predicted_root_depth_is_forced_to_zero():
    poses = DASPoseCoder(root_index=1).decode(
        torch.zeros(2, 3), torch.ones(2, 3, 3), torch.zeros(2, 2), torch.tensor([8.0, 8.0])
    )
    assert poses.relative_depths_mm.tolist() == [[500, 0, 500]] * 2


def test_set_without_a_root_keypoint():
    poses = DASPoseCoder(root_index=None).decode(
        torch.zeros(1, 3), torch.ones(1, 3, 3), torch.zeros(1, 2), torch.tensor([8.0])
    )
    assert poses.relative_depths_mm.tolist() == [[500] * 3]


def test_two_dimensional_model():
    poses = DASPoseCoder().decode(torch.zeros(1, 3), torch.ones(1, 3, 2), torch.zeros(1, 2), torch.tensor([8.0]))
    assert poses.keypoints_px.tolist() == [[[8, 8]] * 3] and poses.relative_depths_mm.tolist() == [[0, 0, 0]]


def test_sigma_units():
    sigma = DASPoseCoder(relative_depth_scale_mm=400.0).decode_sigma(torch.full((1, 1, 3), 0.5), torch.tensor([16.0]))
    assert sigma.tolist() == [[[8, 8, 200]]]
    assert DASPoseCoder().decode_sigma(torch.ones(0, 4, 2), torch.zeros(0)).shape == (0, 4, 2)
