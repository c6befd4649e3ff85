"""The update at points, as a graph holds it, against the update that the model runs."""

from __future__ import annotations

import pytest
import torch

from das_mm.models.layers import MultiSourceUpdate, NoUpdate, PlainUpdate, PointIndex

SHARED = dict(num_keypoints=3, in_channels=8)
UPDATES = [
    NoUpdate(**SHARED),
    PlainUpdate(**SHARED),
    PlainUpdate(**SHARED, dims=2, num_layers=3),
    MultiSourceUpdate(**SHARED, feat_channels=8, num_groups=4, num_heads=2),
    MultiSourceUpdate(**SHARED, dims=2, num_layers=2, feat_channels=8, num_groups=4, num_heads=3),
]


@pytest.mark.parametrize('update', UPDATES, ids=lambda update: f'{type(update).__name__}-{update.num_layers}')
@torch.no_grad()
def test_the_same_numbers_as_the_sparse_form(update):
    generator = torch.Generator().manual_seed(0)
    noise = lambda *shape: torch.randn(shape, generator=generator)
    for parameter in update.parameters():
        parameter.copy_(0.3 * noise(*parameter.shape))
    feat, offsets = noise(2, 8, 7, 9), 4 * noise(2, 3 * update.dims, 7, 9)  # many a target lies outside
    offsets[0, 0, 0, 0], offsets[1, 1, 4, 4] = float('inf'), -1e30
    points = PointIndex(*torch.nonzero(noise(2, 7, 9) > 0, as_tuple=True))
    expected = update.sparse(feat, offsets, points)
    if expected:
        expected = expected[-1]
    else:
        expected = offsets[points.batch, :, points.y, points.x].view(-1, 3, update.dims)
    given = update.recordable(feat, offsets, points)
    sound = torch.isfinite(expected) & (expected.abs() < 1e6)
    assert 0.8 < sound.float().mean() < 1
    torch.testing.assert_close(given[sound], expected[sound], atol=2e-5, rtol=1e-5)


class OwnUpdate(PlainUpdate):
    """Somebody's own: it is known by its dense form alone."""


def test_a_form_of_ones_own_is_evaluated_everywhere():
    update = OwnUpdate(**SHARED)
    offsets = torch.randn(1, 9, 5, 5, generator=torch.Generator().manual_seed(1))
    points = PointIndex(torch.zeros(4, dtype=torch.long), torch.tensor([0, 1, 4, 2]), torch.tensor([0, 3, 4, 2]))
    feat = torch.zeros(1, 8, 5, 5)
    (expected,) = update.sparse(feat, offsets, points)
    torch.testing.assert_close(update.recordable(feat, offsets, points), expected)
