"""The floor, up and metres over it, of a camera that stands still."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from das_mm.errors import UserError
from das_mm.inference.result_camera import resolve_for_camera
from das_mm.inference.result_files import read_results
from das_mm.inference.world_estimation import estimate_world
from das_mm.structures.world_frame import WorldFrame
from tests.inference.floor_walkers import FloorWalkers, results_of, walking_people
from tests.pictures import picture, write_video


def camera(height_m, tilt_deg, roll_deg=0.0):
    turn = Rotation.from_euler('zx', [roll_deg, tilt_deg], degrees=True)
    return WorldFrame.over_floor(turn.apply([0, -1.0, 0]), 1000 * height_m)


def angle_deg(a, b):
    return np.degrees(np.arccos(np.clip(a.up @ b.up, -1, 1)))


@pytest.mark.parametrize('height_m, tilt_deg, roll_deg', [(1.6, 8, 0), (2.6, 25, 4), (0.9, 0, -6)])
@pytest.mark.parametrize('noise, worst_deg, worst_share', [(0, 0.6, 0.02), (1, 2.0, 0.1)])
def test_people_who_walk(height_m, tilt_deg, roll_deg, noise, worst_deg, worst_share):
    true = camera(height_m, tilt_deg, roll_deg)
    people = walking_people(true, 64, count=6, noise=noise)
    found = estimate_world(results_of(people))
    assert angle_deg(found, true) < worst_deg
    assert found.height_m == pytest.approx(true.height_m, rel=worst_share)
    assert found.num_contacts >= 30 and found.residual_mm < (60 if noise else 10)
    assert found.tilt_deg == pytest.approx(tilt_deg, abs=worst_deg)


def test_who_stands_on_a_table_or_flies_does_not_count():
    true = camera(1.6, 8)
    people = [np.array(one) for one in walking_people(true, 64, count=6)]
    for frame, points in enumerate(people):
        points[0] += 700 * true.up
        points[1] += (400 + 10 * frame) * true.up
    found = estimate_world(results_of(people))
    assert angle_deg(found, true) < 1.5 and found.height_m == pytest.approx(1.6, rel=0.06)


def test_a_single_frame_and_nobody():
    true = camera(1.6, 8)
    one = list(results_of(walking_people(true, 1, count=6)))
    found = estimate_world(one)
    assert found.height_m == pytest.approx(1.6, rel=0.1) and angle_deg(found, true) < 5
    one[0]['people'] = []
    assert estimate_world(one) is None and estimate_world([]) is None
    one[0]['people'] = [dict(track_id=None, keypoints_cam_mm=None)]
    assert estimate_world(one) is None


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    return str(write_video(tmp_path_factory.mktemp('video') / 'v.mp4', 40))


def test_a_run(inferencer, monkeypatch, video, tmp_path):
    true = camera(1.6, 8)
    monkeypatch.setattr(inferencer.model, 'test_step', FloorWalkers(true))
    list(inferencer(video, out_dir=tmp_path / 'whole', static_camera=True))
    results = list(read_results(tmp_path / 'whole' / 'predictions' / 'v.jsonl'))  # by the schema
    world = WorldFrame.from_words(results[0]['world'])
    assert all(one['world'] == results[0]['world'] for one in results)
    assert angle_deg(world, true) < 1 and world.height_m == pytest.approx(1.6, rel=0.05)
    for person in results[-1]['people']:
        np.testing.assert_allclose(person['root_world_m'], world.to_world(person['root_cam_mm']), atol=2e-5)
        assert 0.8 < person['root_world_m'][1] < 1.0  # its height over the floor
    with np.load(tmp_path / 'whole' / 'tracks' / 'v' / '0000.npz') as track:
        assert track['root_world_m'].shape == (40, 3)
    drawn = cv2.imread(str(tmp_path / 'whole' / 'overlays' / 'v.paths.png'))
    assert drawn is not None and len(np.unique(drawn.reshape(-1, 3), axis=0)) > 50
    page = (tmp_path / 'whole' / 'viewer.html').read_text()
    assert f'the camera stands {world.height_m:.2f} m over it' in page
    elsewhere = resolve_for_camera(results[0], [[90, 0, 47], [0, 90, 31], [0, 0, 1]])
    assert 'world' not in elsewhere and 'root_world_m' not in elsewhere['people'][0]

    # a run that goes on after another tells the same
    begun = inferencer(video, out_dir=tmp_path / 'out', static_camera=True)
    assert len(list(itertools.islice(begun, 20))) == 20
    begun.close()
    inferencer.model.test_step.asked.clear()
    list(inferencer(video, out_dir=tmp_path / 'out', static_camera=True, resume=True))
    assert inferencer.model.test_step.asked == list(range(20, 40))
    assert list(read_results(tmp_path / 'out' / 'predictions' / 'v.jsonl')) == results


def test_where_results_are_not_written(inferencer, video):
    with pytest.raises(UserError, match='static_camera: nobody says where results go'):
        inferencer(video, static_camera=True)
    assert list(inferencer(picture(), static_camera=False))
