"""Displacements: what is learnt, what is left out, and their frame."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from das_mm.models.task_modules import PersonLabels
from das_mm.registry import MODELS

K = 15


def make_branch(**changes):
    return MODELS.build(
        dict(
            type='das_mm.DisplacementBranch',
            in_channels=16,
            feat_channels=16,
            stacked_convs=1,
            norm_cfg=dict(type='GN', num_groups=4),
            **changes,
        )
    )


def make_labels():
    """Two people; the first moved by (-8, 4), the second was not there."""
    now = 100 * torch.rand(2, K, 2, generator=torch.Generator().manual_seed(0))
    before = now + torch.tensor([-8.0, 4.0])
    before[1] = np.nan
    was_there = torch.tensor([1.0, 0.0])
    return PersonLabels(
        torch.zeros(2, dtype=torch.long),
        dict(
            root_px=now[:, 2],
            keypoints=now,
            keypoints_weights=torch.ones(2, K),
            previous_root_px=before[:, 2],
            previous_root_weights=was_there,
            previous_keypoints=before,
            previous_keypoints_weights=was_there[:, None].expand(2, K),
        ),
    )


@pytest.mark.parametrize('per_keypoint', [False, True])
def test_only_those_who_were_there_teach(per_keypoint):
    branch, labels = make_branch(per_keypoint=per_keypoint), make_labels()
    person, strides = torch.tensor([0, 0, 1]), torch.tensor([8.0, 16.0, 8.0])
    raw = torch.zeros(3, branch.out_channels, requires_grad=True)
    loss = branch.loss(raw, labels, person, torch.zeros(3, 2), strides, torch.tensor(3.0))['loss_displacement']
    # by hand: |(-8, 4)| / 8 = 1 + 0.5 and half of it at stride 16, over 3 points; K such terms are divided by K
    assert loss.item() == pytest.approx((1.5 + 0.75) / 3)
    loss.backward()
    assert raw.grad[2].abs().sum() == 0 and raw.grad[:2].abs().min() > 0


def test_nobody_at_all():
    branch, labels = make_branch(), make_labels()
    empty = PersonLabels(labels.image[:0], {name: value[:0] for name, value in labels.fields.items()})
    loss = branch.loss(
        torch.zeros(0, 2), empty, torch.zeros(0, dtype=torch.long), torch.zeros(0, 2), torch.zeros(0), torch.tensor(1.0)
    )['loss_displacement']
    assert loss == 0


@pytest.mark.parametrize('per_keypoint', [False, True])
def test_nobody_found(per_keypoint):
    fields = make_branch(per_keypoint=per_keypoint).decode(
        torch.zeros(0, 2 * K if per_keypoint else 2), torch.zeros(0, 2), torch.zeros(0)
    )
    assert fields['displacements_px'].shape == (0, 2)
    assert not per_keypoint or fields['keypoint_displacements_px'].shape == (0, K, 2)


def test_displacements_are_given_in_the_original_image():
    branch = make_branch(per_keypoint=True)
    raw = torch.zeros(1, 2 * K)
    raw[0, :] = torch.tensor([1.0, -0.5]).repeat(K)
    fields = {
        name: value.numpy() for name, value in branch.decode(raw, torch.zeros(1, 2), torch.tensor([16.0])).items()
    }
    np.testing.assert_allclose(fields['displacements_px'], [[16, -8]])
    half = np.array([[0.5, 0, 3], [0, 0.5, 7]])
    moved = branch.to_camera(fields, None, {}, half)
    np.testing.assert_allclose(moved['displacements_px'], [[32, -16]])
    np.testing.assert_allclose(moved['keypoint_displacements_px'], np.tile([32, -16], (1, K, 1)))
