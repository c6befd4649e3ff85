"""Points to people, without a network."""

from __future__ import annotations

import pytest
import torch

from das_mm.models.heads import DASDecoder, DenseMaps, PointOutputs
from das_mm.models.heads.das_decoder import best_of_each_image
from das_mm.models.task_modules import OKSNMS, DASPoseCoder


class Heights:
    """A task beside the pose."""

    def decode(self, raw, points_px, strides):
        return dict(heights_px=raw[:, 0] * strides)


def outputs(points: int = 6, dims: int = 3, with_sigma: bool = True) -> PointOutputs:
    """Of two images in turn, at strides 8 and 16."""
    generator = torch.Generator().manual_seed(0)
    noise = lambda *shape: torch.randn(shape, generator=generator)
    return PointOutputs(
        centerness=noise(points),
        root=noise(points, 3),
        pose=[noise(points, 5, dims), noise(points, 5, dims)],
        sigma=torch.rand(points, 5, dims, generator=generator) if with_sigma else None,
        points_px=100 * noise(points, 2),
        strides=torch.tensor([8.0, 16.0]).repeat(points)[:points],
        image=torch.arange(points) % 2,
        tasks=dict(size=noise(points, 1)),
    )


def decoder(threshold: float = 1.0) -> DASDecoder:
    return DASDecoder(DASPoseCoder(), OKSNMS(threshold), dict(size=Heights()))


def test_fields_of_a_point():
    out, scores = outputs(), torch.linspace(0.9, 0.1, 6)
    fields = decoder().decode(out, scores, torch.tensor([1.0, 2.0, 3.0]))
    torch.testing.assert_close(
        fields['keypoints_px'][1], out.points_px[1] + 16 * out.pose[-1][1, :, :2], msg='the last offsets count'
    )
    torch.testing.assert_close(fields['keypoints_sigma'][0, 0], out.sigma[0, 0] * torch.tensor([8.0, 16.0, 1500.0]))
    torch.testing.assert_close(fields['heights_px'], out.tasks['size'][:, 0] * out.strides)
    assert fields['scores'] is scores and fields['keypoint_scores'].shape == (6, 5)
    plain = decoder().decode(outputs(with_sigma=False), scores)
    assert set(fields) - set(plain) == {'keypoints_sigma', 'keypoint_scores'}


def test_people_by_image_best_first_without_doubles():
    out, scores = outputs(), torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    fields = decoder().decode(out, scores, torch.ones(3))
    people = decoder().people(fields, out.image, 3)
    for one, wanted in zip(people, ([0.5, 0.3, 0.1], [0.6, 0.4, 0.2], []), strict=True):
        torch.testing.assert_close(one.scores, torch.tensor(wanted))
    assert people[2].keypoints_px.shape == (0, 5, 2)
    fields['keypoints_px'][0] = fields['keypoints_px'][4]  # the same person twice
    people = decoder(0.9).people(fields, out.image, 2)
    torch.testing.assert_close(people[0].scores, torch.tensor([0.5, 0.3]))


def test_nobody():
    out = outputs()[torch.zeros(0, dtype=torch.long)]
    people = decoder().people(decoder().decode(out, torch.zeros(0), torch.ones(3)), out.image, 2)
    assert [len(one) for one in people] == [0, 0] and people[0].keypoints_sigma.shape == (0, 5, 3)


@pytest.mark.parametrize('limit, expected', [(9, [0, 2, 3, 4]), (2, [2, 4, 3]), (1, [2, 3])])
def test_the_best_of_each_image(limit, expected):
    scores = torch.tensor([0.2, 0.05, 0.9, 0.3, 0.8])
    kept = best_of_each_image(scores, torch.tensor([0, 0, 0, 1, 0]), 0.1, limit)
    assert kept.tolist() == expected


def test_points_are_joined_and_chosen():
    out = outputs()
    first, rest = out[torch.tensor([0, 1])], out[torch.arange(6) > 1]
    joined = PointOutputs.cat([first, rest])
    for name in ('centerness', 'root', 'sigma', 'points_px', 'strides', 'image'):
        assert torch.equal(getattr(joined, name), getattr(out, name)), name
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(joined.pose, out.pose, strict=True))
    assert torch.equal(joined.tasks['size'], out.tasks['size'])
    assert outputs(with_sigma=False)[torch.tensor([0])].sigma is None


def test_maps_as_tensors():
    maps = DenseMaps(
        cls=[torch.zeros(1)] * 2,
        centerness=[torch.zeros(2)] * 2,
        root=[torch.zeros(3)] * 2,
        pose=[[torch.zeros(4), torch.zeros(5)]] * 2,
        sigma=[None, torch.zeros(6)],
        tasks=[dict(size=torch.zeros(7))] * 2,
    )
    assert [len(one) for one in maps.tensors()] == [1, 2, 3, 4, 5, 7, 1, 2, 3, 4, 5, 6, 7]
