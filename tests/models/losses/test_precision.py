"""Half precision, outliers and broken labels: the losses and their gradients stay finite."""

from __future__ import annotations

import warnings

import pytest
import torch

from das_mm.models.losses.likelihood_loss import RESIDUAL_BOUND, SIGMA_FLOOR, bounded, floored_scale
from das_mm.models.losses.scale import keypoint_confidence, positive_scale

from .likelihood_cases import ALL_LOSSES, build, random_batch

LIKELIHOOD_LOSSES = [name for name in ALL_LOSSES if name != 'L1PoseLoss']


def gradients(loss, *tensors):
    return [t.grad for t in tensors] + [p.grad for p in loss.parameters()]


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('name', ALL_LOSSES)
def test_half_precision_inputs_under_autocast(name, dtype):
    loss = build(name, 3)
    pred, sigma, target = random_batch(60, 3)
    pred, sigma = pred.to(dtype).requires_grad_(), sigma.to(dtype).requires_grad_()
    with torch.autocast('cpu', dtype=dtype):
        value = loss(pred, sigma, target)
    value.backward()
    assert value.dtype == torch.float32
    assert torch.equal(value, loss(pred.float(), sigma.float(), target))  # nothing was computed in half precision
    assert pred.grad.dtype == dtype
    assert all(g.isfinite().all() for g in gradients(loss, pred, sigma))


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize('name', LIKELIHOOD_LOSSES)
def test_outliers(name, dtype):
    """Labels that are wrong by up to the largest number there is, beside sound ones."""
    loss = build(name, 3)
    pred, sigma, target = random_batch(60, 3)
    target[3] = 1e6
    target[7, 1] = -1e8
    target[9] = torch.finfo(torch.float32).max
    raw = torch.randn(60, 3).to(dtype).requires_grad_()
    pred = pred.to(dtype).requires_grad_()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = loss(pred, positive_scale(raw), target)
    value.backward()
    assert value.isfinite()
    assert all(g.isfinite().all() for g in gradients(loss, pred, raw))
    assert pred.grad[0].any()


@pytest.mark.parametrize('name', LIKELIHOOD_LOSSES)
def test_collapsed_scale(name):
    """σ from the smallest to the largest value the activation can give, at and away from the target."""
    loss = build(name, 2)
    raw = torch.tensor([[-1e4, -200.0], [-50, -20], [-9, 0], [50, 1e4]]).requires_grad_()
    pred = torch.zeros(4, 2, requires_grad=True)
    value = loss(pred, positive_scale(raw), torch.tensor([[0, 1e8], [1.0, 30], [0, 1], [1e4, 1]]))
    value.backward()
    assert value.isfinite() and all(g.isfinite().all() for g in gradients(loss, pred, raw))


@pytest.mark.parametrize('bad', [float('nan'), float('inf'), -float('inf')])
@pytest.mark.parametrize('name', ALL_LOSSES)
def test_labels_that_are_not_finite_are_left_out_with_a_warning(name, bad):
    loss = build(name, 3)
    pred, sigma, target = random_batch(10, 3)
    sound = loss(pred[1:], sigma[1:], target[1:])
    target[0, 1] = bad
    pred.requires_grad_()
    with pytest.warns(UserWarning, match='not finite'):
        value = loss(pred, sigma, target)
    value.backward()
    torch.testing.assert_close(value, sound)
    assert pred.grad.isfinite().all() and not pred.grad[0].any()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        loss(pred, sigma, target, weight=torch.arange(10) > 0)  # not labelled: nothing to warn of


def test_bounded_is_exact_below_the_bound_and_smooth_at_it():
    z = torch.linspace(-RESIDUAL_BOUND, RESIDUAL_BOUND, 1001, dtype=torch.float64)
    assert torch.equal(bounded(z), z)
    z = torch.tensor([0, 1.0, RESIDUAL_BOUND - 1e-3, RESIDUAL_BOUND + 1e-3, 2e3, 1e30], dtype=torch.float64)
    z.requires_grad_()
    out = bounded(z)
    out.sum().backward()
    torch.testing.assert_close(z.grad[:4], torch.ones(4, dtype=torch.float64), rtol=2e-3, atol=0)
    assert (z.grad > 0).all() and (out.diff() > 0).all() and out[-1] < 1100
    assert torch.equal(bounded(-z), -out)


def test_floored_scale():
    sigma = torch.tensor([1e-9, SIGMA_FLOOR, 0.3, 1.0], requires_grad=True)
    out = floored_scale(sigma)
    torch.testing.assert_close(out.detach(), torch.tensor([SIGMA_FLOOR, SIGMA_FLOOR, 0.3, 1.0]))
    out.sum().backward()
    assert (sigma.grad == 1).all()  # a collapsed σ can grow again


def test_a_prediction_that_is_nan_is_not_hidden():
    pred, sigma, target = random_batch(5, 3)
    pred[2, 0] = float('nan')
    assert build('RLELoss', 3)(pred, sigma, target).isnan()


def test_positive_scale_and_confidence():
    sigma = positive_scale(torch.tensor([-1e4, 0, 1e4], dtype=torch.float16))
    assert sigma.dtype == torch.float32 and (sigma > 0).all()
    torch.testing.assert_close(sigma, torch.tensor([1e-9, 0.5, 1.0]))
    assert positive_scale(torch.zeros(2, dtype=torch.float64)).dtype == torch.float64
    person = torch.tensor([[0.1, 0.3], [0.5, 0.7]])  # two keypoints
    torch.testing.assert_close(keypoint_confidence(person), torch.tensor([0.8, 0.4]))
    assert keypoint_confidence(person).mean().item() == pytest.approx(0.6)  # Eq. 9
    assert keypoint_confidence(torch.full((1, 3), 1 + 1e-6)).item() == 0
