"""Shared volumes against geometry, and counts of collisions and orders in depth of samples made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import trimesh

from das_mm.errors import UserError
from das_mm.evaluation.body_collisions import overlap_volumes, released_collision_volume
from das_mm.evaluation.metrics import CoherenceMetric

from .scenes import META, A, B, make_sample

_BALL = trimesh.creation.icosphere(subdivisions=3, radius=0.5)
_FACES = torch.tensor(_BALL.faces)


def balls(*centers) -> torch.Tensor:
    return torch.stack([torch.tensor(_BALL.vertices + np.asarray(center)).float() for center in centers])


def lens(distance: float, radius: float = 0.5) -> float:
    """Volume that two balls share."""
    return math.pi * (4 * radius + distance) * (2 * radius - distance) ** 2 / 12


def test_shared_volumes_are_those_of_geometry():
    volumes = overlap_volumes(balls((0, 0, 3), (0.5, 0, 3), (0.5, 0.9, 3), (5, 0, 3)), _FACES, 32)
    assert volumes[0, 1] == pytest.approx(lens(0.5), rel=0.03) and volumes[1, 2] == pytest.approx(lens(0.9), rel=0.1)
    # the boxes of the first and third overlap, the balls do not
    assert volumes[0, 2] == 0 and (volumes[3] == 0).all() and (volumes == volumes.T).all() and np.trace(volumes) == 0
    cube = trimesh.creation.box(extents=[1, 1, 1])
    pair = torch.tensor(np.stack([cube.vertices, cube.vertices + [0.75, 0.5, 0.5]])).float()
    assert overlap_volumes(pair, torch.tensor(cube.faces), 8)[0, 1] == pytest.approx(1 / 16, rel=1e-4)


def test_the_released_volume_is_another_number():
    pair = balls((0, 0, 3), (0.3, 0, 3))
    wrong = released_collision_volume(pair, _FACES, 32)
    assert 0 < wrong < 0.3 * overlap_volumes(pair, _FACES, 32)[0, 1]  # an eighth, were the axes not exchanged
    assert released_collision_volume(balls((0, 0, 3), (0.3, 0, 3), (5, 0, 3)), _FACES, 16) == 0


def test_open_bodies_and_people_astray():
    with pytest.raises(UserError, match='not closed'):
        overlap_volumes(balls((0, 0, 3), (0.3, 0, 3)), _FACES[1:])
    astray = balls((0, 0, 3), (0.3, 0, 3))
    astray[1, 0, 0] = float('nan')
    assert (overlap_volumes(astray, _FACES, 16) == 0).all()
    assert overlap_volumes(balls((0, 0, 3))[:0], _FACES).shape == (0, 0)


@pytest.fixture(scope='module')
def metric():
    return CoherenceMetric(resolution=24)


def score(metric, *samples) -> dict[str, float]:
    metric.dataset_meta = META
    metric.process(None, samples)
    return {name.removeprefix('coherence/'): value for name, value in metric.evaluate(len(samples)).items()}


def people(*transl_mm, scores=None, gt=(A, B), order=(A, B)) -> dict:
    """A sample whose predicted bodies stand upright at these places."""
    count = len(transl_mm)
    sample = make_sample(gt, order[:count], scores=scores)
    sample['pred_instances'].update(
        smpl_global_orient=np.tile([np.pi, 0, 0], (count, 1)),
        smpl_body_pose=np.zeros((count, 23, 3)),
        smpl_betas=np.zeros((count, 10)),
        smpl_transl_mm=np.array(transl_mm, float).reshape(count, 3),
    )
    return sample


def test_collisions_and_orders_are_counted(metric):
    apart, inside, wrong = (
        [(0, 0, 2000), (800, 0, 4000)],
        [(0, 0, 2000), (100, 0, 2050)],
        [(0, 0, 4000), (800, 0, 2000)],
    )
    table = score(metric, people(*apart), people(*inside), people(*wrong), people((0, 0, 2000)), people())
    assert table['collisions'] == table['colliding_images'] == 1 and table['num_pairs'] == 3
    assert 10 < table['overlap_litres'] < 60  # of two bodies of some 70 l
    assert table['num_ordered_pairs'] == 3 and table['depth_order'] == pytest.approx(200 / 3)
    # who is who decides, not the order of the list
    assert score(metric, people(*apart[::-1], order=(B, A)))['depth_order'] == 100
    assert np.isnan(score(metric, people((0, 0, 2000)))['depth_order'])


def test_what_does_not_count(metric):
    astray = people((0, 0, 2000), (np.nan, 0, 2050))
    assert score(metric, astray)['num_pairs'] == 0
    strict = CoherenceMetric(score_thr=0.5, resolution=16)
    assert score(strict, people((0, 0, 2000), (100, 0, 2050), scores=[0.9, 0.1]))['num_pairs'] == 0
    lenient = CoherenceMetric(least_litres=100.0, resolution=16)
    table = score(lenient, people((0, 0, 2000), (100, 0, 2050)))
    assert table['collisions'] == 0 and table['overlap_litres'] > 10
    unknown = people((0, 0, 2000), (100, 0, 2050))
    unknown['gt_instances']['root_depths_mm'] = np.array([np.nan, 4000.0])
    assert score(metric, unknown)['num_ordered_pairs'] == 0
