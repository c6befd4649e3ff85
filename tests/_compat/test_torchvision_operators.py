"""mmcv's operators, whatever answers for them here, against what compiled mmcv 2.1.0 gives."""

from __future__ import annotations

import json

import mmcv._ext
import pytest
import torch
from mmcv import ops
from mmcv.ops.focal_loss import sigmoid_focal_loss
from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction, multi_scale_deformable_attn_pytorch
from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss

from das_mm._compat import torchvision_operators
from das_mm.errors import UserError
from tests._compat.operator_cases import CASES, COMPILED, boxes, waves

ANSWERS = json.loads(COMPILED.read_text())


@pytest.mark.parametrize('name', CASES)
def test_equals_compiled_mmcv(name):
    got, kept = CASES[name](), ANSWERS[name]
    assert len(got) == len(kept)
    for tensor, numbers in zip(got, kept):
        torch.testing.assert_close(tensor.flatten().double(), torch.tensor(numbers).double(), rtol=1e-4, atol=1e-5)


def test_some_boxes_go_and_the_offset_matters():
    """The cases would otherwise say little."""
    kept, wider, by_class = (ANSWERS[name][0] for name in ('nms', 'nms, a box one pixel larger', 'batched_nms'))
    assert len(wider) < len(kept) < len(by_class) < 20


def test_nothing_in_nothing_out():
    image = waves(1, 2, 5, 6, phase=1).requires_grad_()
    regions = ops.roi_align(image, torch.zeros(0, 5), (2, 3), 1 / 8, 0, 'avg', True)
    (gradient,) = torch.autograd.grad(regions.sum(), image)
    assert regions.shape == (0, 2, 2, 3) and not gradient.any()
    assert ops.nms(torch.zeros(0, 4), torch.zeros(0), 0.5)[1].shape == (0,)


@pytest.fixture
def in_place_of_compiled(monkeypatch):
    """Operators that compiled mmcv has for CUDA only are ours, also where mmcv is compiled."""

    def use(*names: str):
        for name in names:
            monkeypatch.setattr(mmcv._ext, name, getattr(torchvision_operators, name))

    return use


def test_focal_loss(in_place_of_compiled):
    """mmdet states the formula in torch for CPUs; mmcv's compiled operator takes class indices, C for background."""
    in_place_of_compiled('sigmoid_focal_loss_forward', 'sigmoid_focal_loss_backward')
    logits, target = (6 * waves(7, 3, phase=0)).requires_grad_(), torch.tensor([0, 1, 2, 3, 3, 1, 0])
    one_hot = torch.nn.functional.one_hot(target, 4)[:, :3]
    wanted = py_sigmoid_focal_loss(logits, one_hot, gamma=1.5, alpha=0.3, reduction='none')
    got = sigmoid_focal_loss(logits, target, 1.5, 0.3, None, 'none')
    torch.testing.assert_close(got, wanted)
    weight = waves(7, 3, phase=2)
    torch.testing.assert_close(
        torch.autograd.grad((got * weight).sum(), logits), torch.autograd.grad((wanted * weight).sum(), logits)
    )


def test_attention(in_place_of_compiled):
    """The call that a network makes on CUDA gives what it gives on a CPU."""
    in_place_of_compiled('ms_deform_attn_forward', 'ms_deform_attn_backward')
    shapes = torch.tensor([(3, 4), (2, 2)])
    value = waves(2, 16, 2, 3, phase=0).requires_grad_()  # images, pixels of both levels, heads, channels
    places = (waves(2, 5, 2, 2, 4, 2, phase=1) / 2 + 0.5).requires_grad_()
    weights = waves(2, 5, 2, 2, 4, phase=2).requires_grad_()
    wanted = multi_scale_deformable_attn_pytorch(value, shapes, places, weights)
    got = MultiScaleDeformableAttnFunction.apply(value, shapes, torch.tensor([0, 12]), places, weights, 64)
    torch.testing.assert_close(got, wanted)
    inputs = (value, places, weights)
    torch.testing.assert_close(
        torch.autograd.grad(got.square().sum(), inputs), torch.autograd.grad(wanted.square().sum(), inputs)
    )


def test_variants_that_torchvision_lacks(in_place_of_compiled):
    in_place_of_compiled('roi_align_forward', 'sigmoid_focal_loss_forward')
    regions = torch.cat((torch.zeros(1, 1), boxes(1, 0)), dim=1)
    with pytest.raises(UserError, match='pool_mode="max"'):
        ops.roi_align(waves(1, 1, 4, 4, phase=0), regions, 2, 1.0, 0, 'max', True)
    with pytest.raises(UserError, match='class weights'):
        sigmoid_focal_loss(waves(1, 2, phase=0), torch.tensor([0]), 2.0, 0.25, torch.ones(2), 'none')
