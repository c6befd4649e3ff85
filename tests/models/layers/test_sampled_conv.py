"""Deformable convolution by rows of channels: torchvision's results and gradients."""

import pytest
import torch
from torchvision.ops import deform_conv2d

from das_mm.models.layers import sampled_conv
from das_mm.models.layers.sampled_conv import sampled_conv2d

GEOMETRIES = [((1, 1), (1, 1), (1, 1)), ((2, 1), (0, 2), (1, 1)), ((1, 2), (2, 1), (2, 1))]  # stride, padding, dilation


def make_inputs(geometry, kernel=(3, 3), channels=6, size=(9, 12), spread=2.0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    randn = lambda *shape: torch.randn(*shape, generator=generator, dtype=dtype)
    h, w = (
        (length + 2 * pad - dil * (k - 1) - 1) // step + 1 for length, step, pad, dil, k in zip(size, *geometry, kernel)
    )
    taps = kernel[0] * kernel[1]
    inputs = dict(
        x=randn(2, channels, *size),
        offset=spread * randn(2, 2 * taps, h, w),
        weight=randn(5, channels, *kernel),
        bias=randn(5),
        mask=torch.rand(2, taps, h, w, generator=generator, dtype=dtype),
    )
    return {name: value.requires_grad_() for name, value in inputs.items()}


def run(function, inputs, geometry):
    out = function(inputs['x'], inputs['offset'], inputs['weight'], inputs['bias'], *geometry, inputs['mask'])
    loss = (out * torch.arange(out.numel(), dtype=out.dtype).view_as(out).cos()).sum()
    return [out.detach(), *torch.autograd.grad(loss, list(inputs.values()))]


@pytest.mark.parametrize('geometry', GEOMETRIES)
@pytest.mark.parametrize('block', [7, 512])
def test_it_equals_torchvision(geometry, block, monkeypatch):
    monkeypatch.setattr(sampled_conv, '_BLOCK', block)  # the last block is a part of one
    inputs = make_inputs(geometry, kernel=(3, 2))
    for ours, theirs in zip(run(sampled_conv2d, inputs, geometry), run(deform_conv2d, inputs, geometry)):
        torch.testing.assert_close(ours, theirs)


def test_far_and_unfinite_offsets_read_zero():
    inputs = make_inputs(GEOMETRIES[0], spread=20.0)
    with torch.no_grad():
        inputs['offset'][0, :2, 0, 0] = torch.tensor([float('nan'), float('inf')])
    results = run(sampled_conv2d, inputs, GEOMETRIES[0])
    assert all(torch.isfinite(one).all() for one in results)
    with torch.no_grad():
        inputs['offset'][0, :2, 0, 0] = 1e6
    torch.testing.assert_close(results[0], run(deform_conv2d, inputs, GEOMETRIES[0])[0])


def test_without_bias_and_in_float32():
    inputs = make_inputs(GEOMETRIES[0], spread=1.0, dtype=torch.float32)
    values = [inputs['x'], inputs['offset'], inputs['weight'], None, *GEOMETRIES[0], inputs['mask']]
    torch.testing.assert_close(sampled_conv2d(*values), deform_conv2d(*values), rtol=1e-4, atol=1e-4)
