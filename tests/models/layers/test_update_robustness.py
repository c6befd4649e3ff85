"""The recursive update without people, with broken numbers, on tiny maps, and in half precision."""

import math

import pytest
import torch

from das_mm.models.layers import LazyRows, MultiSourceUpdate, NoUpdate, PlainUpdate, PointIndex
from das_mm.registry import MODELS

KINDS = ['plain', 'multi']


def build(kind, keypoints=2, dims=3, layers=2):
    torch.manual_seed(0)
    if kind == 'plain':
        return PlainUpdate(keypoints, 4, dims, layers)
    update = MultiSourceUpdate(keypoints, 4, dims, layers, feat_channels=8, num_groups=2)
    for parameter in update.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return update


def maps(batch=2, channels=6, height=5, width=7, scale=1.5):
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(batch, 4, height, width, generator=generator),
        torch.randn(batch, channels, height, width, generator=generator) * scale,
    )


def points_at(*triples):
    return PointIndex(*torch.tensor(triples).long().reshape(-1, 3).unbind(dim=1))


def gathered(values, points):
    return values[points.batch, :, points.y, points.x].view(len(points.x), -1, 3)


@pytest.mark.parametrize('share', [LazyRows.DENSE_SHARE, -1.0])
@pytest.mark.parametrize('kind', KINDS)
def test_no_points_stay_in_the_graph(monkeypatch, kind, share):
    monkeypatch.setattr(LazyRows, 'DENSE_SHARE', share)
    update, (feat, offsets) = build(kind), maps()
    feat.requires_grad_()
    offsets.requires_grad_()
    values = update.sparse(feat, offsets, points_at())
    assert [value.shape for value in values] == [(0, 2, 3)] * 2
    sum(value.sum() for value in values).backward()
    for parameter in [offsets, *update.parameters()] + [feat] * (kind == 'multi'):
        assert parameter.grad is not None and not parameter.grad.any()


def test_no_points_cost_nothing_at_inference():
    update, (feat, offsets) = build('multi'), maps()
    update.reduction.register_forward_hook(lambda *_: pytest.fail('the feature was computed for nobody'))
    with torch.no_grad():
        assert [value.shape for value in update.sparse(feat, offsets, points_at())] == [(0, 2, 3)] * 2


def test_every_parameter_gets_a_gradient_from_one_point():
    update, (feat, offsets) = build('multi'), maps(height=30, width=30)
    update.sparse(feat, offsets, points_at((1, 12, 12)))[-1].square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in update.parameters())


@pytest.mark.parametrize('share', [LazyRows.DENSE_SHARE, 2.0])
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('bad', [math.nan, math.inf, -math.inf, 1e6, -1e6, 3e38])
def test_broken_offsets_break_only_themselves(monkeypatch, kind, bad, share):
    """A broken value reads zeros; pixels that do not read it keep their numbers, and clean gradients."""
    monkeypatch.setattr(LazyRows, 'DENSE_SHARE', share)
    update, (feat, clean) = build(kind), maps(batch=1, height=16, width=16, scale=0.3)
    broken = clean.clone()
    broken[0, :, 0, 0] = bad
    broken[0, 3:5, 15, 15] = bad
    far, near = points_at((0, 8, 8), (0, 8, 9)), points_at((0, 0, 0), (0, 15, 15), (0, 0, 1))
    for form in (
        lambda offsets, points: update.sparse(feat, offsets, points),
        lambda offsets, points: [gathered(value, points) for value in update.dense(feat, offsets)],
    ):
        for expected, actual in zip(form(clean, far), form(broken, far)):
            torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)
        form(broken, near)  # must not touch memory out of range
    if share > 1:  # evaluating a whole map includes the broken pixels, whose gradient is then 0 · inf
        sum(value.sum() for value in update.sparse(feat, broken.requires_grad_(), far)).backward()
        assert broken.grad.isfinite().all() and broken.grad[0, :, 8, 8].any()


def test_huge_offset_reads_zero():
    offsets = torch.full((1, 2, 3, 3), 7.0)
    offsets[0, :, 1, 1] = torch.tensor([1e6, -1e30])
    update = PlainUpdate(1, 4, dims=2)
    assert update.sparse(torch.zeros(1, 4, 3, 3), offsets, points_at((0, 1, 1)))[0].flatten().tolist() == [
        1e6,
        torch.tensor(-1e30).item(),
    ]


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('size', [(1, 1), (1, 6), (5, 1), (2, 2)])
def test_tiny_maps(kind, size):
    update, (feat, offsets) = build(kind), maps(1, 6, *size)
    points = PointIndex(*torch.ones(1, *size).nonzero(as_tuple=True))
    for expected, actual in zip(update.dense(feat, offsets), update.sparse(feat, offsets, points)):
        torch.testing.assert_close(actual, gathered(expected, points), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('kind', KINDS)
def test_channels_last_memory(kind):
    update, (feat, offsets) = build(kind), maps()
    expected = update.dense(feat, offsets)
    last = update.dense(*(one.contiguous(memory_format=torch.channels_last) for one in (feat, offsets)))
    for one, other in zip(last, expected):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast_keeps_positions_exact(dtype):
    """Offsets of a hundred strides and more keep their fractions, in both forms; results are float32."""
    _, offsets = maps(1, 6, 4, 200)
    offsets[:, ::3] += 100.3 - torch.arange(200.0)  # all point at column 100.3 or so
    feat = torch.randn(1, 4, 4, 200)
    points = points_at((0, 2, 3), (0, 1, 150), (0, 3, 199))
    for kind in KINDS:
        update = build(kind)
        with torch.autocast('cpu', dtype=dtype):
            dense = update.dense(feat, offsets)
            sparse = update.sparse(feat, offsets, points)
        exact = update.sparse(feat, offsets, points)
        for whole, single, reference in zip(dense, sparse, exact):
            assert whole.dtype == single.dtype == torch.float32
            torch.testing.assert_close(single, gathered(whole, points), rtol=1e-4, atol=2e-3)
            if kind == 'plain':
                torch.testing.assert_close(single, reference, rtol=0, atol=0)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_gradients_under_autocast(dtype):
    update, (feat, offsets) = build('multi'), maps(height=9, width=8)
    feat, offsets = feat.to(dtype).requires_grad_(), offsets.to(dtype).requires_grad_()
    with torch.autocast('cpu', dtype=dtype):
        values = update.sparse(feat, offsets, points_at((0, 4, 4), (1, 2, 6)))
    sum(value.sum() for value in values).backward()
    for tensor in (feat, offsets, *update.parameters()):
        assert tensor.grad.isfinite().all() and tensor.grad.dtype == tensor.dtype


def test_a_module_in_half_precision():
    update, (feat, offsets) = build('multi').bfloat16(), maps(height=9, width=8)
    points = points_at((0, 4, 4), (1, 2, 6))
    dense = update.dense(feat.bfloat16(), offsets.bfloat16())
    for whole, single in zip(dense, update.sparse(feat.bfloat16(), offsets.bfloat16(), points)):
        assert single.dtype == torch.float32
        torch.testing.assert_close(single, gathered(whole, points), rtol=1e-4, atol=1e-4)


def test_no_update():
    update = MODELS.build(dict(type='NoUpdate', num_keypoints=2, in_channels=4))
    assert isinstance(update, NoUpdate) and not list(update.parameters())
    assert update.dense(*maps()) == [] and update.sparse(*maps(), points_at((0, 0, 0))) == []
