"""Results: their schema, their units, another camera, their files."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from mmengine.structures import InstanceData

from das_mm.errors import UserError
from das_mm.inference.overlays import OverlayOptions, OverlayPainter
from das_mm.inference.result_camera import resolve_for_camera
from das_mm.inference.result_files import read_results, result_schema, result_text
from das_mm.inference.results import make_result, people_of
from das_mm.inference.sources import Frame, VideoSource
from das_mm.inference.track_files import write_track_files
from das_mm.structures import project
from tests.json_schema import violations

K = np.array([[800.0, 0, 319.5], [0, 820, 239.5], [0, 0, 1]])
DIST = np.array([-0.1, 0.02, 0.001, -0.001, 0])
IMAGE = dict(file='a.jpg', name='a', width=640, height=480, frame=None, time_s=None)
MODEL = dict(config='c', weights='w.pth', weights_sha256='0' * 64, das_mm='0', score_thr=0.1)


def instances(num_people=2, sigma=True, dims=3):
    rng = np.random.default_rng(0)
    found = InstanceData(
        scores=np.linspace(0.9, 0.5, num_people, dtype=np.float32),
        bboxes=rng.uniform(0, 400, (num_people, 4)).astype(np.float32),
        keypoints=rng.uniform(0, 480, (num_people, 15, 2)).astype(np.float32),
        keypoint_scores=rng.uniform(0, 1, (num_people, 15)).astype(np.float32),
        roots_px=rng.uniform(0, 480, (num_people, 2)).astype(np.float32),
        root_depths_norm=rng.uniform(2, 9, num_people).astype(np.float32),
        relative_depths_mm=rng.uniform(-500, 500, (num_people, 15)).astype(np.float32),
    )
    if sigma:
        found.keypoints_sigma = rng.uniform(1, 9, (num_people, 15, dims)).astype(np.float32)
    return found


def result(found=None, camera_dist=None, **changes):
    camera = dict(K=K, dist=camera_dist, source='default_fov', detail=None)
    return make_result(instances() if found is None else found, camera, dict(IMAGE, **changes), MODEL, 'panoptic15')[0]


@pytest.mark.parametrize('found', [instances(), instances(sigma=False), instances(0), instances(dims=2)])
def test_the_schema_holds(found):
    one = result(found, frame=3, time_s=0.12, file=None)
    assert violations(json.loads(result_text(one)), result_schema()) == []


@pytest.mark.parametrize(
    'spoil, said',
    [
        (lambda one: one.pop('units'), "$: 'units' is a required property"),
        (lambda one: one['camera'].update(source='guess'), "$.camera.source: 'guess' is not one of"),
        (lambda one: one['people'][0].update(score=1.5), '$.people[0].score: 1.5 is greater than'),
        (lambda one: one['people'][1].update(depth='far'), "$.people[1].depth: 'far' is not of type"),
        (lambda one: one['people'][0]['root_cam_mm'].pop(), '$.people[0].root_cam_mm: '),
    ],
)
def test_the_schema_refuses_others(spoil, said):
    one = result()
    spoil(one)
    assert [text for text in violations(one, result_schema()) if text.startswith(said)]


@pytest.mark.parametrize('dist', [None, DIST])
def test_units_and_frames(dist):
    """Camera positions project onto the pixels; depths are root depth plus relative depth."""
    one = result(camera_dist=dist)
    for person in one['people']:
        cam = np.array(person['keypoints_cam_mm'])
        np.testing.assert_allclose(project(cam, K, dist), person['keypoints_px'], atol=1e-3)
        root_depth = person['root_depth_mm_per_px'] * np.sqrt(800 * 820)
        np.testing.assert_allclose(cam[:, 2], root_depth + person['relative_depths_mm'], atol=1e-3)
        assert person['root_cam_mm'][2] == pytest.approx(root_depth, abs=1e-3)
        np.testing.assert_allclose(project(np.array(person['root_cam_mm']), K, dist), person['root_px'], atol=1e-3)


def test_sigma_in_mm():
    one = result()
    person, sigma = one['people'][0], instances().keypoints_sigma[0]
    depth = np.array(person['keypoints_cam_mm'])[:, 2]
    expected = np.stack([sigma[:, 0] * depth / 800, sigma[:, 1] * depth / 820, sigma[:, 2]], axis=1)
    np.testing.assert_allclose(person['keypoints_sigma_mm'], expected, rtol=1e-4)
    np.testing.assert_allclose(person['keypoints_sigma_px'], sigma[:, :2], rtol=1e-5)
    flat = result(instances(dims=2))
    assert flat['people'][0]['keypoints_sigma_mm'] is None


def test_scales_at_their_limit_are_marked():
    found = instances()
    found.keypoint_scores[0, 3], found.keypoint_scores[1, 4] = 0.0, 0.009  # one minus the ratio to the limit
    found.keypoint_scores[1, 5] = 0.02
    marks = [person['keypoints_sigma_at_limit'] for person in result(found)['people']]
    assert np.argwhere(marks).tolist() == [[0, 3], [1, 4]]
    assert 'keypoints_sigma_at_limit' not in result(instances(sigma=False))['people'][0]


def test_another_camera_is_as_good_as_the_first():
    """From wrong intrinsics to the right ones: the same as with the right ones from the start, to 1e-3 mm."""
    other = np.array([[1210.0, 0, 300], [0, 1190, 260], [0, 0, 1]])
    direct, _ = make_result(instances(), dict(K=other, dist=DIST, source='user'), IMAGE, MODEL, 'panoptic15')
    first = result()
    kept = json.dumps(first)
    solved = resolve_for_camera(json.loads(json.dumps(first)), other, DIST)
    assert solved['camera'] == direct['camera'] and json.dumps(first) == kept
    for key in ('keypoints_cam_mm', 'root_cam_mm', 'keypoints_sigma_mm'):
        for ours, theirs in zip(solved['people'], direct['people']):
            np.testing.assert_allclose(ours[key], theirs[key], atol=1e-3)
    assert not np.allclose(solved['people'][0]['root_cam_mm'], first['people'][0]['root_cam_mm'], rtol=0.1)


@pytest.mark.parametrize('bad', [dict(K=np.zeros((3, 3))), dict(K=K, dist=[1, 2]), dict(K=K, dist=[np.nan] * 5)])
def test_another_camera_must_be_one(bad):
    with pytest.raises(UserError, match='singular|no lens distortion'):
        resolve_for_camera(result(), **bad)


def test_what_is_not_finite_is_left_out():
    found = instances(3)
    found.keypoints[1, 4, 0] = np.nan
    one, dropped = make_result(found, dict(K=K, source='user'), IMAGE, MODEL, 'panoptic15')
    assert dropped == 1 and [round(person['score'], 2) for person in one['people']] == [0.9, 0.5]


def test_behind_the_camera_there_is_no_position():
    found = instances()
    found.root_depths_norm[0] = -3
    one = result(found)
    assert violations(one, result_schema()) == []
    assert [person['keypoints_cam_mm'] is None for person in one['people']] == [True, False]
    assert one['people'][0]['root_cam_mm'] is None and one['people'][0]['keypoints_sigma_mm'] is None
    assert resolve_for_camera(one, K * [[2], [2], [1]])['people'][0]['keypoints_cam_mm'] is None
    people = people_of(one)
    assert not people.shown_cam[0].any() and people.shown_cam[1].all() and people.shown_px.all()


def test_a_lens_model_without_inverse():
    """Strong distortion far outside the image: no position rather than a number that is not finite."""
    found = instances()
    found.keypoints[0, 0] = 1e30
    one = result(found, camera_dist=np.array([5e8, -7e8, 0.3, 0.2, 9e8]))
    assert one['people'][0]['keypoints_cam_mm'] is None and violations(one, result_schema()) == []
    again = resolve_for_camera(one, K)['people'][0]
    assert again['keypoints_sigma_mm'] is not None
    np.testing.assert_allclose(again['keypoints_cam_mm'][1:], result()['people'][0]['keypoints_cam_mm'][1:], atol=1e-3)


def test_people_of_a_result():
    found = instances()
    people = people_of(result(found))
    np.testing.assert_allclose(people.keypoints_px, found.keypoints, atol=1e-4)
    np.testing.assert_allclose(people.keypoints_sigma, found.keypoints_sigma, atol=1e-4)
    np.testing.assert_allclose(people.root_depths_mm, found.root_depths_norm * np.sqrt(800 * 820), rtol=1e-5)
    assert len(people_of(result(instances(0)))) == 0


def test_files(tmp_path):
    results = [result(), result(frame=1, time_s=0.5)]
    (tmp_path / 'a.json').write_text(json.dumps(results[0], indent=1))
    (tmp_path / 'v.jsonl').write_text(''.join(result_text(one) + '\n' for one in results))
    assert list(read_results(tmp_path / 'a.json')) == results[:1]
    assert list(read_results(tmp_path / 'v.jsonl')) == results


@pytest.mark.parametrize(
    'name, text, said',
    [
        ('a.json', '{"format": ', 'line 1 is no json'),
        ('a.json', '{}', 'no result of the format das_mm.result/1'),
        ('a.jsonl', '{"format": "das_mm.result/1"}\n{"for', 'line 1: image: it is missing'),
        ('a.json', None, 'No such file'),
        ('a.json', '[' * 100_000, 'line 1 is nested too deeply'),
        ('a.json', '{"format": NaN}', 'NaN is no number'),
        ('a.json', '{"format": 1e999}', 'the number 1e999 is too large'),
        ('a.json', '{"format": 1' + '0' * 400 + '}', 'the number 10000000000000000000… is too large'),
        ('a.json', '{"format": 1' + '0' * 9000 + '}', 'line 1 is no json'),
    ],
)
def test_bad_files(tmp_path, name, text, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=said):
        list(read_results(tmp_path / name))


def test_a_folder_or_bytes_that_are_no_text(tmp_path):
    (tmp_path / 'a.json').write_bytes(b'\xff\xfe{}')
    for path, said in ((tmp_path, 'it is a folder, not a file'), (tmp_path / 'a.json', 'line 1 is no json: .*utf-8')):
        with pytest.raises(UserError, match=said) as caught:
            next(read_results(path))
        assert caught.value.file == path and caught.value.remedy


def test_a_byte_order_mark(tmp_path):
    (tmp_path / 'a.json').write_bytes(b'\xef\xbb\xbf' + result_text(result()).encode())
    assert list(read_results(tmp_path / 'a.json')) == [result()]


@pytest.mark.parametrize(
    'spoil, field, said',
    [
        (lambda one: one.pop('units'), 'units', 'it is missing'),
        (lambda one: one['people'][1].pop('score'), 'people[1].score', 'it is missing'),
        (lambda one: one['image'].update(frame=1e300), 'image.frame', 'must be smaller than'),
        (lambda one: one['camera'].update(source='guess'), 'camera.source', 'must be one of'),
        (lambda one: one['image'].update(width=0), 'image.width', 'must be bigger than or equal to 1'),
        (lambda one: one['people'][0].update(score=1.5), 'people[0].score', 'must be smaller than or equal to 1'),
        (lambda one: one['people'][1].update(depth='far'), 'people[1].depth', 'must be'),
        (lambda one: one['people'][1].update(keypoints_px='far'), 'people[1].keypoints_px', 'must be array'),
        (lambda one: one['people'][0]['root_cam_mm'].pop(), 'people[0].root_cam_mm', 'must contain at least 3 items'),
        (lambda one: one['people'][0]['keypoints_px'].pop(), 'people[0].keypoints_px', 'there are 14 of them, and 15'),
        (lambda one: one['keypoint_names'].pop(), 'people[0].keypoints_px', 'there are 15 of them, and 14'),
        (lambda one: one['people'][1].pop('keypoints_sigma_px'), 'people[1].keypoints_sigma_px', 'others have not'),
        (lambda one: [person.update(track_id=3) for person in one['people']], 'people.track_id', 'have the same'),
        (lambda one: one['camera'].update(K=[[0, 0, 1], [0, 1, 1], [0, 0, 1]]), 'camera.K', 'are singular'),
    ],
)
def test_what_is_wrong_with_a_result_read_back(tmp_path, spoil, field, said):
    spoilt = result(frame=1, time_s=0.5)
    spoil(spoilt)
    path = tmp_path / 'v.jsonl'
    path.write_text(result_text(result(frame=0, time_s=0.0)) + '\n' + json.dumps(spoilt) + '\n')
    found = read_results(path)
    assert next(found)['image']['frame'] == 0
    with pytest.raises(UserError, match=said) as caught:
        next(found)
    assert caught.value.file == path and caught.value.field == f'line 2: {field}' and caught.value.remedy


def test_results_that_were_mutated_are_refused_or_can_be_used(tmp_path):
    """Whatever passes can be drawn, solved for another camera and made to tracks: no trace in 600 mutations."""
    chance, outcomes = random.Random(0), {'error': 0, 'used': 0}
    frame = Frame(np.zeros((48, 64, 3), np.uint8), VideoSource('v', 'v.mp4'), 0, 0.0)
    painter = OverlayPainter('panoptic15', OverlayOptions(), tracked=True)
    for turn in range(600):
        one = result(frame=0, time_s=0.0)
        for row, person in enumerate(one['people']):
            person['track_id'] = row
        one = json.loads(result_text(one))
        for _ in range(chance.choice([1, 1, 2])):
            mutate(one, chance)
        path = tmp_path / ('v.jsonl' if turn % 2 else 'a.json')
        text = json.dumps(one).encode()
        if turn % 5 == 0:
            text = bytearray(text)
            for _ in range(3):
                text[chance.randrange(len(text))] = chance.randrange(256)
        path.write_bytes(text)
        try:
            (again,) = read_results(path)
            people_of(again)
            resolve_for_camera(again, K)
            painter.draw(frame, again)
            if turn % 2:
                write_track_files(path, tmp_path / 'tracks')
        except UserError as error:
            assert error.remedy
            outcomes['error'] += 1
        else:
            outcomes['used'] += 1
    assert outcomes['error'] > 300 and outcomes['used'] > 20


def mutate(value, chance):
    """Changes one thing somewhere in a structure."""
    while True:
        keys = list(value.keys() if isinstance(value, dict) else range(len(value)))
        if not keys:
            return
        key = chance.choice(keys)
        if isinstance(value[key], (dict, list)) and value[key] and chance.random() < 0.8:
            value = value[key]
            continue
        odd = [None, 'x', -1, 0, 10**30, 1e308, True, [], {}, [[]], [1, 2], float('nan'), '\ud800']
        if chance.random() < 0.2:
            del value[key]
        else:
            value[key] = chance.choice(odd)
        return
