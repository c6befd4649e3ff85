"""Focal loss on torchvision; the losses of mmdet that the head reuses work without a compiled operation."""

from __future__ import annotations

import pytest
import torch

from das_mm.registry import MODELS


def test_focal_loss_written_out():
    loss = MODELS.build(dict(type='das_mm.SigmoidFocalLoss'))
    logits, targets = torch.randn(50), (torch.rand(50) < 0.3).long()
    weight = torch.rand(50)
    p = logits.sigmoid()
    expected = torch.where(targets == 1, -0.25 * (1 - p) ** 2 * p.log(), -0.75 * p**2 * (1 - p).log()) * weight
    torch.testing.assert_close(loss(logits, targets, weight, avg_factor=torch.tensor(7.0)), expected.sum() / 7)
    torch.testing.assert_close(loss(logits, targets, weight), expected.mean())


def test_focal_loss_edges():
    loss = MODELS.build(dict(type='das_mm.SigmoidFocalLoss', loss_weight=2.0))
    empty = torch.zeros(0, requires_grad=True)
    value = loss(empty, torch.zeros(0))
    value.backward()
    assert value == 0 and empty.grad is not None
    extreme = torch.tensor([-1e4, 1e4, -1e4, 1e4], dtype=torch.float16, requires_grad=True)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = loss(extreme, torch.tensor([0.0, 0, 1, 1]), avg_factor=0)
    value.backward()
    assert value.dtype == torch.float32 and value.isfinite() and not extreme.grad.isnan().any()
    with pytest.raises(ValueError, match='one shape'):
        loss(torch.zeros(3), torch.zeros(3, 1))


def test_losses_reused_from_mmdet():
    """Centerness and root: plain torch inside, connected to the graph when nothing is positive."""
    bce = MODELS.build(dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True))
    logits, targets = torch.randn(6, requires_grad=True), torch.rand(6)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction='sum') / 3
    torch.testing.assert_close(bce(logits, targets, avg_factor=3), expected)
    l1 = MODELS.build(dict(type='mmdet.L1Loss'))
    pred, target, weight = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3), torch.rand(4, 3)
    torch.testing.assert_close(l1(pred, target, weight, avg_factor=2), ((pred - target).abs() * weight).sum() / 2)
    empty, empty_rows = torch.zeros(0, requires_grad=True), torch.zeros(0, 3, requires_grad=True)
    nothing = empty_rows.detach()
    total = bce(empty, empty.detach(), avg_factor=1.0) + l1(empty_rows, nothing, nothing, avg_factor=1.0)
    total.backward()
    assert total == 0 and empty.grad is not None and empty_rows.grad is not None
