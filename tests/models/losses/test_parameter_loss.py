"""Losses on parameters: values by hand, one interface with the likelihoods, masks, precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from das_mm.models.losses.parameter_loss import L2ParameterLoss, RotationDistanceLoss, RotationL2Loss
from das_mm.registry import MODELS

from .likelihood_cases import build, random_batch

ROTATION_LOSSES = [RotationL2Loss, RotationDistanceLoss]


def six_numbers(rotation: Rotation) -> torch.Tensor:
    return torch.tensor(rotation.as_matrix()[..., :2].swapaxes(-1, -2).reshape(-1, 6))


def test_mean_of_squares_over_the_numbers_of_a_row():
    pred = torch.zeros(3, 10, requires_grad=True)
    target = torch.zeros(3, 10)
    target[0, :2] = torch.tensor([3.0, 1.0])
    target[1] = float('nan')
    weight = torch.tensor([1.0, 0.0, 1.0])
    loss = L2ParameterLoss(loss_weight=2.0)(pred, None, target, weight)
    assert loss.item() == pytest.approx(2 * (9 + 1) / 10 / 2)  # two rows count
    loss.backward()
    assert pred.grad.isfinite().all() and not pred.grad[1:].any()
    assert L2ParameterLoss()(pred, None, target, weight, avg_factor=torch.tensor(4.0)).item() == pytest.approx(0.25)


@pytest.mark.parametrize('degrees', [0.0, 1.0, 90.0, 180.0])
def test_rotations_an_angle_apart(degrees):
    one = Rotation.random(5, random_state=0)
    other = one * Rotation.from_rotvec(np.radians(degrees) * np.array([0.6, 0.0, 0.8]))
    scaled = six_numbers(other) * torch.tensor([2.0, 2, 2, 0.5, 0.5, 0.5])  # the same rotation
    scaled[:, 3:] += 0.3 * scaled[:, :3]
    expected = 8 * math.sin(math.radians(degrees) / 2) ** 2
    assert RotationL2Loss()(scaled, None, six_numbers(one)).item() == pytest.approx(expected, abs=1e-9)
    assert RotationDistanceLoss()(scaled, None, six_numbers(one)).item() == pytest.approx(expected**0.5, abs=1e-6)


@pytest.mark.parametrize('cls', ROTATION_LOSSES)
def test_gradients_of_rotations(cls):
    loss = cls()
    pred, target = six_numbers(Rotation.random(3, random_state=1)), six_numbers(Rotation.random(3, random_state=2))
    assert torch.autograd.gradcheck(lambda x: loss(x, None, target), pred.requires_grad_())
    # the same rotation, no direction at all, parallel columns, and the opposite rotation
    hard = torch.tensor(
        [[1.0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0], [1, 2, 3, 2, 4, 6], [-1, 0, 0, 0, -1, 0]], requires_grad=True
    )
    value = loss(hard, None, torch.tensor([[1.0, 0, 0, 0, 1, 0]]).expand(4, 6))
    value.backward()
    assert value.isfinite() and hard.grad.isfinite().all()


@pytest.mark.parametrize('cls', ROTATION_LOSSES)
def test_descent_reaches_the_rotation(cls):
    target = six_numbers(Rotation.random(4, random_state=3)).float()
    pred = six_numbers(Rotation.random(4, random_state=4)).float().requires_grad_()
    optimizer = torch.optim.Adam([pred], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        loss = cls()(pred, None, target)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_rotations_are_taken_whole():
    with pytest.raises(ValueError, match='6 numbers a row'):
        RotationL2Loss()(torch.zeros(1, 9), None, torch.zeros(1, 9))
    with pytest.raises(ValueError, match='weight zero'):
        RotationL2Loss()(torch.ones(1, 6), None, torch.ones(1, 6), torch.tensor([[1.0, 1, 1, 0, 0, 0]]))


@pytest.mark.parametrize(
    'config, dims',
    [
        (dict(type='L2ParameterLoss'), 10),
        (dict(type='RotationL2Loss'), 6),
        (dict(type='RotationDistanceLoss'), 6),
        (dict(type='RLELoss', flow=dict(type='RealNVP', dims=6)), 6),
        (dict(type='RLELoss', flow=dict(type='RealNVP', dims=10)), 10),
    ],
)
def test_a_config_chooses_among_one_interface(config, dims):
    """Every group of parameters takes any of them: rows without a label, no label at all, half precision."""
    loss = MODELS.build({'_scope_': 'das_mm', **config})
    pred, sigma, target = random_batch(12, dims)
    sigma = sigma if loss.uses_sigma else None
    target[4] = float('nan')
    weight = torch.ones(12)
    weight[4] = 0
    for rows in (weight, torch.zeros(12)):
        given = pred.to(torch.bfloat16).requires_grad_()
        with torch.autocast('cpu', dtype=torch.bfloat16):
            value = loss(given, sigma, target, rows)
        loss.zero_grad()
        value.backward()
        assert value.dtype == torch.float32 and value.isfinite()
        assert given.grad.isfinite().all()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in loss.parameters())
        assert bool(given.grad.any()) == bool(rows.any())
    assert loss(pred[:0], None if sigma is None else sigma[:0], target[:0]).item() == 0


@pytest.mark.parametrize('dims', [6, 10])
def test_the_density_of_many_dimensions_is_learnt(dims):
    """RLE on skewed residuals: the loss of a fitted flow falls below that of the fixed density alone, and Q·G can be
    sampled (which tells that it has a finite integral)."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    target = torch.empty(1024, dims).exponential_(1.0, generator=generator) - 1
    target[:, 1] = 0.3 * target[:, 1] + target[:, 0]
    loss = build('RLELoss', dims)
    zero, one = torch.zeros_like(target), torch.ones_like(target)
    optimizer = torch.optim.Adam(loss.parameters(), lr=3e-3)
    values = []
    for _ in range(60):
        optimizer.zero_grad()
        value = loss(zero, one, target)
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < values[0] - 1.0
    samples = loss.sample_residuals(1000, generator)
    assert samples.shape == (1000, dims) and samples.isfinite().all()
    assert (samples[:, 0] > -1.5).float().mean() > 0.9  # the label's hard edge at -1
