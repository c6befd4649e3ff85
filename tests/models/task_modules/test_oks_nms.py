"""OKS-NMS on hand-made poses."""

import math

import pytest
import torch

from das_mm.models.task_modules import OKSNMS


def square(x, y, size=100.0):
    """Four corners: the box has an area of size^2."""
    return torch.tensor([[x, y], [x + size, y], [x, y + size], [x + size, y + size]])


def oks_of_shift(shift, size=100.0, kappa=0.08):
    """Every keypoint moved by ``shift``: exp(-shift^2 / (2 size^2 (2 kappa)^2))."""
    return math.exp(-(shift**2) / (2 * size**2 * (2 * kappa) ** 2))


def test_duplicates_go_and_the_best_stays():
    poses = torch.stack([square(0, 0), square(1, 0), square(300, 0)])
    assert OKSNMS()(poses, torch.tensor([0.5, 0.9, 0.3])).tolist() == [1, 2]


@pytest.mark.parametrize('shift', [2.0, 5.0, 8.0, 20.0])
def test_threshold_is_the_oks(shift):
    poses, scores = torch.stack([square(0, 0), square(shift, 0)]), torch.tensor([0.9, 0.8])
    oks = oks_of_shift(shift)
    assert OKSNMS(threshold=oks - 1e-3)(poses, scores).tolist() == [0]
    assert OKSNMS(threshold=oks + 1e-3)(poses, scores).tolist() == [0, 1]


def test_a_dropped_pose_drops_no_other():
    """b resembles a, c resembles b but not a: greedy suppression keeps a and c."""
    poses, scores = torch.stack([square(x, 0) for x in (0, 6, 12)]), torch.tensor([0.9, 0.8, 0.7])
    threshold = (oks_of_shift(6) + oks_of_shift(12)) / 2
    assert OKSNMS(threshold=threshold)(poses, scores).tolist() == [0, 2]


def test_equals_the_plain_loop():
    torch.manual_seed(1)
    centers = torch.rand(6, 1, 2) * 400
    poses = (centers + torch.randn(6, 15, 2) * 60)[torch.randint(6, (200,))] + torch.randn(200, 1, 2) * 6
    scores = torch.rand(200)
    kept = []
    for i in torch.argsort(scores, descending=True).tolist():
        areas = [(poses[j].amax(0) - poses[j].amin(0)).prod() for j in (i, *kept)]
        similar = [
            torch.exp(-(poses[i] - poses[j]).square().sum(-1) / ((areas[0] + area) * 0.16**2)).mean() > 0.5
            for j, area in zip(kept, areas[1:])
        ]
        if not any(similar):
            kept.append(i)
    assert 6 <= len(kept) < 200
    assert OKSNMS(threshold=0.5)(poses, scores).tolist() == kept


def test_limits_and_empty():
    poses = torch.stack([square(200.0 * i, 0) for i in range(5)])
    assert OKSNMS(max_people=3)(poses, torch.arange(5.0)).tolist() == [4, 3, 2]
    assert OKSNMS()(torch.zeros(0, 15, 2), torch.zeros(0)).tolist() == []


def test_points_without_extent_and_not_finite():
    poses = torch.zeros(3, 4, 2)
    poses[2] = float('nan')
    assert OKSNMS()(poses, torch.tensor([0.1, 0.2, 0.9])).tolist() == [1]
