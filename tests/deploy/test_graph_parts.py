"""Suppression of a whole batch against the model's, image by image; and what no graph can hold."""

from __future__ import annotations

import pytest
import torch

from das_mm.deploy.graph_parts import Suppression
from das_mm.errors import UserError
from das_mm.models.task_modules import OKSNMS


def crowd(seed: int, images: int = 3, people: int = 5, doubles: int = 8):
    """Poses (P, 6, 2) of a few people, each found many times; their scores and images."""
    generator = torch.Generator().manual_seed(seed)
    noise = lambda *shape: torch.randn(shape, generator=generator)
    poses = 60 * noise(images, people, 1, 6, 2) + 3 * noise(images, people, doubles, 6, 2)
    scores = torch.rand(images * people * doubles, generator=generator)
    return poses.flatten(0, 2), scores, torch.arange(images).repeat_interleave(people * doubles)


@pytest.mark.parametrize('threshold, max_people', [(0.3, 100), (0.9, 100), (0.9, 7), (1.0, 3), (0.3, 1)])
def test_suppression_of_a_batch(threshold, max_people):
    nms = OKSNMS(threshold, max_people=max_people)
    poses, scores, image = crowd(0)
    poses[7, 2, 0], poses[50] = float('nan'), float('inf')
    shuffled = torch.randperm(len(scores), generator=torch.Generator().manual_seed(1))
    poses, scores, image = poses[shuffled], scores[shuffled], image[shuffled]
    expected = []
    for number in range(4):  # nobody is in the last one
        rows = torch.nonzero(image == number).squeeze(1)
        expected.append(rows[nms(poses[rows], scores[rows])])
    assert 0 < sum(map(len, expected)) < len(scores) - 2
    kept = Suppression(nms)(poses, scores, image, torch.zeros(4, 1, 1))
    assert kept.tolist() == torch.cat(expected).tolist()


def test_rows_of_nobody_are_left_out():
    poses, scores, image = crowd(2, images=1)
    scores[10:] = -1
    kept = Suppression(OKSNMS(1.0))(poses, scores, image, torch.zeros(1, 1, 1))
    assert sorted(kept.tolist()) == list(range(10))
    assert len(Suppression(OKSNMS())(poses, torch.full_like(scores, -1), image, torch.zeros(1, 1, 1))) == 0


class SoftNMS(OKSNMS):
    """Another kind."""


def test_another_suppression_is_refused():
    with pytest.raises(UserError, match='a SoftNMS cannot be written as a graph'):
        Suppression(SoftNMS())
