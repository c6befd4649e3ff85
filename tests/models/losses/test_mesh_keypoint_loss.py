"""Keypoint losses of meshes: values by hand, masks, nothing to judge."""

from __future__ import annotations

import pytest
import torch

from das_mm.models.losses.mesh_keypoint_loss import MeshKeypoint2DLoss, MeshKeypoint3DLoss


def test_mean_over_the_labelled_keypoints_then_over_people():
    target = torch.zeros(3, 4, 2)
    pred = torch.zeros(3, 4, 2)
    pred[0, 0] = torch.tensor([30.0, 40.0])  # 50 px off, one of two labelled
    pred[1, :] = torch.tensor([0.0, 100.0])  # 100 px off, all four labelled
    pred[2, :] = 1e6  # nothing labelled
    weight = torch.tensor([[1.0, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
    loss = MeshKeypoint2DLoss(unit_px=100.0, loss_weight=40.0)
    assert loss(pred, target, weight).item() == pytest.approx(40 * (0.25 + 1.0) / 2)
    assert loss(pred, target, weight, avg_factor=10).item() == pytest.approx(40 * 1.25 / 10)
    assert loss(pred[:2], target[:2]).item() == pytest.approx(40 * (0.125 + 1.0) / 2)
    assert loss(pred[:2], target[:2], torch.tensor([[0.0], [1.0]])).item() == pytest.approx(40.0)


def test_3d_is_relative_to_the_mean_of_the_roots():
    target = torch.tensor([[[-100.0, 0, 0], [100, 0, 0], [0, 500, 0]]]).repeat(2, 1, 1)
    pred = target + torch.tensor([700.0, -300, 5000])
    pred[0, 2, 1] += 300
    loss = MeshKeypoint3DLoss(root=[0, 1])
    assert loss(pred, target).item() == pytest.approx((0.3 / 3 + 0) / 2, abs=1e-6)
    # without one of its roots a person cannot be judged, and its label may be anything
    target[0, 1] = float('nan')
    assert loss(pred, target).item() == pytest.approx(0, abs=1e-6)
    assert loss(pred, target, torch.tensor([[1.0, 0, 1], [0, 1, 1]])).item() == 0


@pytest.mark.parametrize('loss, dims', [(MeshKeypoint2DLoss(), 2), (MeshKeypoint3DLoss([0]), 3)])
def test_what_is_not_labelled_gives_no_gradient_and_no_nan(loss, dims):
    pred = torch.randn(4, 5, dims).to(torch.bfloat16).requires_grad_()
    target = torch.randn(4, 5, dims)
    weight = torch.ones(4, 5)
    weight[0, 2:] = 0
    weight[1] = 0
    target[0, 3] = float('nan')
    target[2, 1] = float('inf')  # labelled, but wrong: left out
    given = torch.where(weight[..., None] > 0, pred, torch.tensor(float('nan')))  # a prediction nobody asked for
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = loss(given, target, weight)
    value.backward()
    assert value.dtype == torch.float32 and value.isfinite()
    assert pred.grad.isfinite().all() and not pred.grad[1].any() and not pred.grad[0, 2:].any()
    assert not pred.grad[2, 1].any() and pred.grad[3].any()
    exact = torch.zeros(1, 5, dims, requires_grad=True)  # at the minimum
    loss(exact, torch.zeros(1, 5, dims)).backward()
    assert exact.grad.isfinite().all()


@pytest.mark.parametrize('loss, dims', [(MeshKeypoint2DLoss(), 2), (MeshKeypoint3DLoss([0]), 3)])
def test_nothing_to_judge_is_a_zero_in_the_graph(loss, dims):
    for people, weight in ((0, None), (3, torch.zeros(3, 5))):
        pred = torch.randn(people, 5, dims, requires_grad=True)
        value = loss(pred, torch.full((people, 5, dims), float('nan')), weight)
        value.backward()
        assert value.item() == 0 and pred.grad is not None and not pred.grad.any()


def test_a_prediction_that_is_nan_is_not_hidden():
    pred = torch.zeros(1, 5, 2)
    pred[0, 1] = float('nan')
    assert MeshKeypoint2DLoss()(pred, torch.zeros(1, 5, 2)).isnan()


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r'\(N, K, 3\)'):
        MeshKeypoint3DLoss([0])(torch.zeros(2, 5, 2), torch.zeros(2, 5, 2))
