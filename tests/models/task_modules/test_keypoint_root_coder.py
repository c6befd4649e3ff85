"""The root as the released code has it: a keypoint's place, the root branch's depth."""

import torch

from das_mm.models.task_modules import DASPoseCoder, KeypointRootCoder

from .labels import make_labels


def test_the_root_offset_is_neither_taught_nor_read():
    labels = make_labels([[100, 60], [30, 200]], [40, 90])
    points, strides = torch.tensor([[104.0, 52.0], [28.0, 196.0]]), torch.tensor([8.0, 16.0])
    coder, usual = KeypointRootCoder(root_index=1, root_depth_scale=2.0), DASPoseCoder(1, 2.0)
    code, other = (one.encode(labels, torch.arange(2), points, strides) for one in (coder, usual))
    assert code.root_weights.tolist() == [[0, 0, 1]] * 2 and other.root_weights.tolist() == [[1, 1, 1]] * 2
    assert torch.equal(code.root[:, 2], other.root[:, 2]) and torch.equal(code.pose, other.pose)

    noise = torch.cat([torch.full((2, 2), 77.0), code.root[:, 2:]], 1)
    poses = coder.decode(noise, code.pose, points, strides)
    expected = usual.decode(code.root, code.pose, points, strides)
    torch.testing.assert_close(poses.roots_px, labels.keypoints[:, 1])
    for field in ('root_depths_norm', 'keypoints_px', 'relative_depths_mm'):
        assert torch.equal(getattr(poses, field), getattr(expected, field))
