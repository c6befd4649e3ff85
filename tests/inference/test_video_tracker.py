"""People keep their numbers through a video: a tracker on top of any model, tracking models, smoothing."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.inference.result_files import read_results, result_schema
from das_mm.inference.results import people_of
from das_mm.visualization.palette import person_color
from tests.json_schema import violations
from tests.pictures import break_frames, picture, write_picture, write_video
from tests.visualization.viewer_pages import people_of_frames
from tests.walkers import Walkers

LENGTH = 12


@pytest.fixture
def walkers(inferencer, monkeypatch):
    walkers = Walkers()
    monkeypatch.setattr(inferencer.model, 'test_step', walkers)
    return walkers


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    return str(write_video(tmp_path_factory.mktemp('video') / 'v.mp4', LENGTH))


def results(inferencer, given, **kwargs):
    return [one['predictions'][0] for one in inferencer(given, **kwargs)]


def by_identity(result):
    return {person['track_id']: np.array(person['root_px']) for person in result['people']}


def test_a_tracker_on_top_of_any_model(inferencer, walkers, video):
    found = results(inferencer, video, track=True)
    first = by_identity(found[0])
    assert sorted(first) == [0, 1, 2]
    start = {name: np.abs(walkers.roots_px(0) - place).sum(1).argmin() for name, place in first.items()}
    for number, result in enumerate(found):
        assert violations(json.loads(json.dumps(result)), result_schema()) == []
        for name, place in by_identity(result).items():
            np.testing.assert_allclose(place, walkers.roots_px(number)[start[name]], atol=1e-3)
    orders = [[person['track_id'] for person in one['people']] for one in found]
    assert len(set(map(tuple, orders))) > 1


def test_nobody_is_followed_unasked(inferencer, walkers, video, tmp_path):
    assert 'track_id' not in results(inferencer, video, out_dir=tmp_path)[0]['people'][0]
    assert not list((tmp_path / 'tracks').rglob('*.npz'))


def test_everything_else_follows(inferencer, walkers, video, tmp_path):
    """Tracks, colours of the overlay and of the viewer."""
    found = results(inferencer, video, track=True, out_dir=tmp_path, draw_bbox=True)
    tracks = sorted((tmp_path / 'tracks' / 'v').iterdir())
    assert [file.name for file in tracks] == ['0000.npz', '0001.npz', '0002.npz']
    last = by_identity(found[-1])
    for identity, file in enumerate(tracks):
        with np.load(file) as track:
            assert track['frames'].tolist() == list(range(LENGTH))
            np.testing.assert_allclose(track['root_px'][-1], last[identity], atol=1e-3)
    frames = people_of_frames(tmp_path / 'viewer.html')
    colors = [{person['label']: person['color'] for person in people} for people in frames]
    assert all(one == {str(name): '#' + bytes(person_color(name)).hex() for name in range(3)} for one in colors)


def test_trails_are_drawn(inferencer, walkers, video):
    plain, trailed = (
        [one['visualization'][0] for one in inferencer(video, return_vis=True, track=track)][-1]
        for track in (False, True)
    )
    behind = np.round(walkers.roots_px(LENGTH - 1) - [6, 0]).astype(int)  # where a person was eight frames ago
    far = behind[:, 0] > 8
    for x, y in behind[far]:
        assert (plain[y - 1 : y + 2, x - 1 : x + 2] != trailed[y - 1 : y + 2, x - 1 : x + 2]).any()


def test_every_video_begins_anew_and_photographs_are_no_film(inferencer, walkers, video, tmp_path):
    picture_file = str(write_picture(tmp_path / 'a.png'))
    found = results(inferencer, [video, picture_file, video], track=True)
    assert sorted(by_identity(found[-1])) == [0, 1, 2]
    assert found[LENGTH]['image']['name'] == 'a' and 'track_id' not in found[LENGTH]['people'][0]
    again = found[LENGTH + 1 :]
    assert [by_identity(one).keys() for one in again] == [by_identity(one).keys() for one in found[:LENGTH]]


def test_smoothing(inferencer, walkers, video, tmp_path):
    """Less noise, the same people, consistent numbers; and not unasked."""
    walkers.jitter_px = 2.0
    raw = results(inferencer, video, track=True)
    smooth = results(inferencer, video, smooth=True, pred_out_dir=tmp_path)
    assert 'smoothed' not in raw[0] and all(one['smoothed'] for one in smooth)
    assert list(read_results(tmp_path / 'v.jsonl')) == smooth
    step = {}
    for name, some in (('raw', raw), ('smooth', smooth)):
        paths = np.array([[by_identity(one)[identity] for identity in range(3)] for one in some])
        step[name] = np.abs(np.diff(paths, 2, axis=0)).mean()  # noise is what bends a path
    assert step['smooth'] < 0.7 * step['raw']
    assert violations(json.loads(json.dumps(smooth[-1])), result_schema()) == []
    for person in smooth[-1]['people']:
        np.testing.assert_allclose(
            np.array(person['keypoints_cam_mm'])[:, 2],
            person['root_cam_mm'][2] + np.array(person['relative_depths_mm']),
            atol=0.1,
        )


def test_a_tracking_model(tracking_inferencer, tmp_path):
    """Its own tracker names people, asked or not; it takes batches, and gets the frame before in each of them."""
    video = str(write_video(tmp_path / 'v.mp4', 9, size=(160, 128)))
    one, many = (results(tracking_inferencer, video, batch_size=size, score_thr=0.02) for size in (1, 4))
    assert [by_identity(result).keys() for result in one] == [by_identity(result).keys() for result in many]
    for ours, theirs in zip(one, many, strict=True):
        for person, other in zip(ours['people'], theirs['people'], strict=True):
            np.testing.assert_allclose(person['keypoints_px'], other['keypoints_px'], atol=2e-2)
    assert any(len({name for result in some for name in by_identity(result)} - {None}) > 0 for some in (one, many))
    last = cv2.VideoCapture(video)
    frames = [last.read()[1] for _ in range(9)]
    (photo,) = results(tracking_inferencer, frames[5], score_thr=0.02)
    assert 'track_id' not in photo['people'][0]
    assert photo['people'][0]['keypoints_px'] != one[5]['people'][0]['keypoints_px']  # nobody was there before


def test_frames_are_not_reordered_for_a_model_that_remembers(monkeypatch, tracking_inferencer, inferencer):
    """A stream may change its resolution and change it back."""
    frames = [picture(*size) for size in ((160, 128), (160, 128), (64, 128), (160, 128))]
    for one, expected in ((tracking_inferencer, [2, 1, 1]), (inferencer, [3, 1])):
        step, sizes = one.model.test_step, []
        monkeypatch.setattr(one.model, 'test_step', lambda batch: sizes.append(len(batch['inputs'])) or step(batch))
        assert len(results(one, frames, batch_size=4)) == 4 and sizes == expected


def test_a_long_hole_in_a_video_uses_no_number_twice(tracking_inferencer, tmp_path):
    """A tracking model forgets everybody over it and begins at 0 again."""
    video = break_frames(write_video(tmp_path / 'v.mp4', 40, size=(96, 64)), (0.3, 0.7))
    told = []
    found = results(tracking_inferencer, str(video), score_thr=0.02, on_skip=told.append)
    numbers = [one['image']['frame'] for one in found]
    gap = int(np.argmax(np.diff(numbers)))
    assert np.diff(numbers)[gap] > 10 and len(told) == 1
    before, after = (
        {name for one in some for name in by_identity(one)} - {None} for some in (found[: gap + 1], found[gap + 1 :])
    )
    assert before and after and not before & after


def test_nobody_there(inferencer, walkers, video):
    walkers.count = 0
    found = results(inferencer, video, smooth=True, return_vis=True)
    assert all(one['people'] == [] for one in found) and len(people_of(found[0])) == 0


def test_people_below_the_score_of_a_birth_are_told(inferencer, walkers, video, tmp_path, caplog):
    """No empty folder of tracks; and the threshold can be given."""
    found = results(inferencer, video, track=True, birth_thr=0.95, out_dir=tmp_path)
    assert all(person['track_id'] is None for one in found for person in one['people'])
    assert 'v: nobody is followed: the best score of the 36 people found is 0.90' in caplog.text
    assert 'identities begin at 0.95 (--track-thr, birth_thr)' in caplog.text
    assert not (tmp_path / 'tracks').exists()
    caplog.clear()
    found = results(inferencer, video, track=True, birth_thr=0.85, out_dir=tmp_path)
    followed = {person['track_id'] for one in found for person in one['people']}
    assert followed == {0, None} or followed == {0, 1, None}
    assert 'nobody is followed' not in caplog.text and list((tmp_path / 'tracks' / 'v').glob('*.npz'))
    results(inferencer, video, track=True, birth_thr=0.95, out_dir=tmp_path)
    assert not (tmp_path / 'tracks' / 'v').exists()  # nor those of a run before


def test_a_threshold_of_births_lasts_for_its_run(tracking_inferencer, tmp_path):
    tracker = tracking_inferencer.model.tracker
    own, video = tracker.birth_score, str(write_video(tmp_path / 'v.mp4', 2))
    run = tracking_inferencer(video, birth_thr=0.02)
    next(run)
    assert tracker.birth_score == 0.02
    run.close()
    assert tracker.birth_score == own


@pytest.mark.parametrize('birth_thr', [-0.1, 1.5, float('nan')])
def test_what_is_no_threshold_of_births(inferencer, walkers, video, birth_thr):
    with pytest.raises(UserError, match='is no score') as caught:
        inferencer(video, track=True, birth_thr=birth_thr)
    assert caught.value.field == 'track_thr' and caught.value.remedy


def test_images_alone_are_not_followed_and_it_is_said(inferencer, walkers, tmp_path, caplog):
    image = str(write_picture(tmp_path / 'a.png'))
    assert 'track_id' not in results(inferencer, image, track=True)[0]['people'][0]
    assert 'there is no video among the inputs' in caplog.text
    caplog.clear()
    results(inferencer, image)
    assert 'no video' not in caplog.text
