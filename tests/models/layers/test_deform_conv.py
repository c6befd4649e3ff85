"""ModulatedDeformConv2d against mmcv's operator, and in the places where configs put it."""

import pytest
import torch
from mmcv.cnn import ConvModule, build_conv_layer
from mmengine.registry import DefaultScope

from das_mm.models.layers import ModulatedDeformConv2d


def randomised(layer, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for parameter in layer.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return layer


@pytest.mark.parametrize(
    'kwargs',
    [
        dict(kernel_size=3, padding=1),
        dict(kernel_size=3, padding=2, dilation=2, stride=2, bias=False),
        dict(kernel_size=3, padding=1, groups=2, deform_groups=4),
        dict(kernel_size=1),
    ],
)
def test_equals_mmcv(kwargs):
    ops = pytest.importorskip('mmcv.ops')
    reference = randomised(ops.ModulatedDeformConv2dPack(8, 12, **kwargs))
    layer = ModulatedDeformConv2d(8, 12, **kwargs)
    layer.load_state_dict(reference.state_dict(), strict=True)
    results = []
    for module in (reference, layer):
        x = torch.randn(2, 8, 9, 7, generator=torch.Generator().manual_seed(1)).requires_grad_()
        out = module(x)
        out.square().sum().backward()
        results.append(
            [out, x.grad, *(dict(module.named_parameters())[name].grad for name, _ in layer.named_parameters())]
        )
    for expected, actual in zip(*results):
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


def test_starts_like_mmcv():
    ops = pytest.importorskip('mmcv.ops')
    torch.manual_seed(0)
    reference = ops.ModulatedDeformConv2dPack(16, 8, 3, padding=1)
    layer = ModulatedDeformConv2d(16, 8, 3, padding=1)
    for name, value in reference.state_dict().items():
        mine = layer.state_dict()[name]
        assert mine.shape == value.shape
        assert (mine.abs().max() == 0) == (value.abs().max() == 0), name
    bound = 1 / (16 * 9) ** 0.5
    assert 0.9 * bound < layer.weight.abs().max() <= bound
    x = torch.randn(1, 16, 5, 5)
    plain = torch.nn.functional.conv2d(x, layer.weight, padding=1)
    torch.testing.assert_close(layer(x), plain / 2)  # no offsets, every tap at sigmoid(0)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_computes_in_float32(dtype):
    layer = randomised(ModulatedDeformConv2d(4, 6, 3, padding=1))
    x = torch.randn(1, 4, 6, 200, generator=torch.Generator().manual_seed(2))
    expected = layer(x)
    with torch.autocast('cpu', dtype=dtype):
        torch.testing.assert_close(layer(x), expected)
        half = layer(x.to(dtype).requires_grad_())
    assert half.dtype == dtype
    half.float().sum().backward()
    assert layer.weight.grad.isfinite().all() and layer.weight.dtype == torch.float32
    assert layer.to(dtype)(x.to(dtype)).dtype == dtype


@pytest.mark.parametrize(
    'scope, kind',
    [
        ('das_mm', 'ModulatedDeformConv2d'),
        ('das_mm', 'das_mm.ModulatedDeformConv2d'),
        ('mmpose', 'das_mm.ModulatedDeformConv2d'),
        ('mmdet', 'das_mm.models.layers.ModulatedDeformConv2d'),
        ('mmengine', 'das_mm.models.layers.ModulatedDeformConv2d'),
        ('mmengine', ModulatedDeformConv2d),
    ],
)
def test_is_found_from_every_scope(scope, kind):
    with DefaultScope.overwrite_default_scope(scope):
        block = ConvModule(4, 8, 3, padding=1, conv_cfg=dict(type=kind), norm_cfg=dict(type='GN', num_groups=2))
    assert type(block.conv) is ModulatedDeformConv2d and block.conv.bias is None
    assert block.conv.conv_offset.weight.abs().max() == 0  # ConvModule's own initialisation left it alone
    assert block(torch.zeros(1, 4, 3, 3)).shape == (1, 8, 3, 3)


def test_leaves_mmcvs_name_alone():
    ops = pytest.importorskip('mmcv.ops')
    with DefaultScope.overwrite_default_scope('das_mm'):
        assert type(build_conv_layer(dict(type='DCNv2'), 4, 4, 3)) is ops.ModulatedDeformConv2dPack
