"""Bilinear reading of maps, and the table that computes rows when they are read."""

import doctest
import math

import pytest
import torch

from das_mm.models.layers import LazyRows, PointIndex, deform_conv, lazy_rows, recursive_update
from das_mm.models.layers.map_sampling import MapFrame, find_corners, read_maps

OUTSIDE = [math.nan, math.inf, -math.inf, 1e6, -1e6, 3e38, -1.0, 5.0]


def read_by_corners(image, xy):
    """(H, W) at (Q, 2), out of the corners."""
    corners = find_corners(xy, *image.shape)
    values = torch.where(corners.inside, image.flatten()[corners.index.clamp(0, image.numel() - 1)], 0)
    return (values * corners.weight).sum(-1)


def read_whole(image, xy):
    """The same through grid_sample, which wants each position at every pixel."""
    everywhere = xy[None, :, None, None].expand(1, -1, *image.shape, 2)
    return read_maps(image[None, None], everywhere)[0, :, 0, 0, 0]


@pytest.mark.parametrize('read', [read_by_corners, read_whole])
def test_reading_by_hand(read):
    image = torch.tensor([[1.0, 2.0, 3.0], [5.0, 7.0, 11.0]])
    xy = torch.tensor([[0, 0], [2, 1], [0.5, 0], [1.25, 0.5], [-0.25, 0], [2.5, 1.5], [1, -0.75]])
    expected = [1, 11, 1.5, (0.75 * (2 + 7) + 0.25 * (3 + 11)) / 2, 0.75, 11 / 4, 0.5]
    torch.testing.assert_close(read(image, xy), torch.tensor(expected))


@pytest.mark.parametrize('read', [read_by_corners, read_whole])
@pytest.mark.parametrize('coordinate', OUTSIDE)
def test_outside_reads_zero_without_gradient(read, coordinate):
    image = torch.full((4, 5), 7.0)
    for xy in ([[coordinate, 1.0]], [[1.0, coordinate]]):
        xy = torch.tensor(xy, requires_grad=True)
        value = read(image, xy)
        assert value.item() == 0 or (coordinate == -1 or coordinate == 5)
        value.sum().backward()
        assert xy.grad.isfinite().all()
    corners = find_corners(torch.tensor([[coordinate, coordinate]]), 4, 5)
    assert not corners.inside.any() and corners.weight.isfinite().all()


@pytest.mark.parametrize('shape', [(1, 1), (1, 9), (8, 1), (6, 5)])
def test_corners_agree_with_grid_sample(shape):
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(shape, generator=generator, dtype=torch.float64)
    xy = (torch.rand(200, 2, generator=generator, dtype=torch.float64) * 1.6 - 0.3) * torch.tensor(shape[::-1])
    torch.testing.assert_close(read_by_corners(image, xy), read_whole(image, xy), rtol=0, atol=1e-12)


def test_numbering():
    frame = MapFrame(batch=2, keypoints=3, height=4, width=5)
    points = PointIndex(torch.tensor([1, 0]), torch.tensor([2, 3]), torch.tensor([4, 0]))
    place = frame.locate(frame.number(points))
    assert place.keypoint.tolist() == [0, 1, 2, 0, 1, 2]
    assert place.xy.tolist() == [[4, 2]] * 3 + [[0, 3]] * 3
    assert place.pixel.tolist() == [20 + 14] * 3 + [15] * 3
    assert place.first_pixel.tolist() == [20] * 3 + [0] * 3
    assert place.first_value.tolist() == [60, 80, 100, 0, 20, 40]
    maps = torch.arange(2 * 3 * 2 * 20.0).view(2, 6, 4, 5)
    values = frame.to_values(maps)
    torch.testing.assert_close(frame.to_maps(values), maps)
    assert values[frame.number(points)[1]].tolist() == maps[1, 2:4, 2, 4].tolist()


def test_rows_are_computed_once():
    asked = []

    def compute(rows):
        asked.append(rows.tolist())
        return torch.stack((rows, -rows), dim=1).double()

    rows = LazyRows(6, compute, torch.device('cpu'))
    assert rows(torch.tensor([[5, 2], [2, 6]])).tolist() == [[[5, -5], [2, -2]], [[2, -2], [0, 0]]]
    assert rows(torch.tensor([2, 3]), part=torch.tensor([1, 0]), num_parts=2).tolist() == [[-2], [3]]
    assert rows(torch.tensor([3, 5])).tolist() == [[3, -3], [5, -5]]
    assert asked == [[2, 5], [3]] and rows.num_computed == 3
    assert rows.all().tolist() == [[i, -i] for i in range(6)]
    assert asked[-1] == [0, 1, 4] and rows.num_computed == 6


def test_many_rows_are_computed_together():
    rows = LazyRows(
        10,
        lambda i: i[:, None].double(),
        torch.device('cpu'),
        compute_all=lambda: torch.arange(10.0)[:, None].double() + 100,
    )
    assert rows(torch.tensor([4, 9])).flatten().tolist() == [4, 9]  # a fifth: one by one
    assert rows(torch.tensor([1, 2, 3, 4])).flatten().tolist() == [101, 102, 103, 104]


def test_weighted_sum_gradients():
    weight = torch.rand(3, 4, dtype=torch.float64, requires_grad=True)
    table = torch.randn(8, 6, dtype=torch.float64, requires_grad=True)
    index = torch.tensor([[0, 7, 7, 8], [3, 3, 3, 3], [8, 8, 8, 8]])
    part = torch.tensor([0, 1, 1])[:, None]

    def read(table, weight, blended):
        rows = LazyRows(8, lambda i: table[i], torch.device('cpu'))
        if blended:
            return rows.blend(index, weight, part, 2)
        return (rows(index, part, 2) * weight[..., None]).sum(-2)

    torch.testing.assert_close(read(table, weight, True), read(table, weight, False))
    assert torch.autograd.gradcheck(lambda *args: read(*args, True), (table, weight))


@pytest.mark.parametrize('module', [deform_conv, lazy_rows, recursive_update])
def test_examples_in_docstrings(module):
    result = doctest.testmod(module)
    assert result.attempted and not result.failed
