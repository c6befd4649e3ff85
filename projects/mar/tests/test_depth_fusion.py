"""Laplace losses and the fusion of two depths."""

import math

import pytest
import torch

from projects.mar.mar.depth_fusion import LOG_SIGMA_RANGE, fuse_depths, laplace_loss

ALL = torch.tensor([True])


def fuse(z1, s1, z2, s2, valid=ALL):
    logs = torch.tensor([math.log(s1)]), torch.tensor([math.log(s2)])
    return float(fuse_depths(torch.tensor([z1]), logs[0], torch.tensor([z2]), logs[1], valid))


def test_weights_are_the_reciprocals_of_sigma():
    """Not of σ², and not one half."""
    assert fuse(2.0, 1.0, 5.0, 2.0) == pytest.approx((2 / 1 + 5 / 2) / (1 + 1 / 2))
    assert fuse(2.0, 1.0, 5.0, 2.0) != pytest.approx((2 / 1 + 5 / 4) / (1 + 1 / 4))
    assert fuse(2.0, 1.0, 5.0, 2.0) != pytest.approx(3.5)
    assert fuse(2.0, 0.3, 5.0, 0.3) == pytest.approx(3.5)


def test_limits():
    least, most = (math.exp(one) for one in LOG_SIGMA_RANGE)
    assert fuse(2.0, least / 10, 5.0, most * 10) == pytest.approx(2, abs=1e-4)
    assert fuse(2.0, most * 10, 5.0, least / 10) == pytest.approx(5, abs=1e-4)
    assert fuse(2.0, most, math.nan, least, torch.tensor([False])) == 2.0


def test_fusion_does_not_care_for_the_unit_as_long_as_it_is_one():
    assert fuse(2.0, 0.1, 5.0, 0.4) * 5 == pytest.approx(fuse(10.0, 0.5, 25.0, 2.0))
    assert fuse(2.0, 0.1, 5.0, 0.4) != pytest.approx(fuse(2.0, 0.1, 5.0, 4.0))


def test_laplace_loss_is_least_where_sigma_is_the_error():
    depth, target = torch.tensor([2.0]), torch.tensor([2.5])
    log_sigma = torch.linspace(-5, 3, 801)
    losses = laplace_loss(depth.expand(801), log_sigma, target.expand(801))
    assert float(log_sigma[losses.argmin()]) == pytest.approx(math.log(0.5), abs=0.02)
    assert float(losses.min()) == pytest.approx(1 + math.log(0.5), abs=1e-3)
    # the gradient is sign / σ, that of an absolute error and not of a squared one
    depth.requires_grad_()
    laplace_loss(depth, torch.tensor([math.log(0.25)]), target).backward()
    assert float(depth.grad) == pytest.approx(-4)
    assert torch.isfinite(laplace_loss(torch.tensor([1e4]), torch.tensor([-1e4]), target)).all()
