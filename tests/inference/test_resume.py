"""A run that goes on after another: the same as one run, and nothing is computed twice but what must be."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.inference.inputs import open_sources
from das_mm.inference.result_files import read_results
from das_mm.inference.resume import Earlier
from tests.pictures import break_pictures, write_avi, write_picture, write_video
from tests.walkers import Walkers

LENGTH = 26


@pytest.fixture
def walkers(inferencer, monkeypatch):
    """Takes the place of the network."""
    walkers = Walkers()
    monkeypatch.setattr(inferencer.model, 'test_step', walkers)
    return walkers


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    return str(write_video(tmp_path_factory.mktemp('video') / 'v.mp4', LENGTH))


def begin(inferencer, video, out, number, **options):
    """A run that ends after some frames."""
    results = inferencer(video, out_dir=out, **options)
    assert len(list(itertools.islice(results, number))) == number
    results.close()


def go_on(inferencer, video, out, **options):
    return [one['predictions'][0] for one in inferencer(video, out_dir=out, resume=True, **options)]


def lines_of(out):
    return list(read_results(out / 'predictions' / 'v.jsonl'))


def places(result):
    """Identity -> root, px."""
    return {person['track_id']: person['root_px'] for person in result['people']}


@pytest.mark.parametrize(
    'options, first',
    [
        (dict(), 20),
        (dict(smooth=True), 20),
        (dict(track=True), 20),
        (dict(smooth=True, batch_size=7), 14),  # of the third batch nobody saw the end
    ],
)
def test_the_same_as_in_one_go(inferencer, walkers, video, tmp_path, options, first):
    walkers.jitter_px = 3.0
    whole = [one['predictions'][0] for one in inferencer(video, out_dir=tmp_path / 'whole', **options)]
    begin(inferencer, video, tmp_path / 'out', 20, **options)
    walkers.asked.clear()
    new = go_on(inferencer, video, tmp_path / 'out', **options)
    assert [one['image']['frame'] for one in new] == list(range(20, LENGTH))
    assert walkers.asked == list(range(first, LENGTH))
    assert lines_of(tmp_path / 'out') == whole  # to the last digit, smoothed or not
    files = [
        sorted(str(path.relative_to(tmp_path / name)) for path in (tmp_path / name).rglob('*'))
        for name in ('whole', 'out')
    ]
    assert files[0] == files[1]
    counts = [
        cv2.VideoCapture(str(tmp_path / name / 'overlays' / 'v.mp4')).get(cv2.CAP_PROP_FRAME_COUNT)
        for name in ('whole', 'out')
    ]
    assert counts == [LENGTH, LENGTH]


def test_a_kill_between_two_records(inferencer, walkers, video, tmp_path):
    """The state is of frame 15, the lines reach to 19: what is between is looked at again."""
    walkers.jitter_px = 3.0
    whole = [one['predictions'][0] for one in inferencer(video, smooth=True)]
    results = inferencer(video, out_dir=tmp_path, smooth=True)
    list(itertools.islice(results, 20))
    record, lines = (tmp_path / 'predictions' / name for name in ('.v.run.npz', '.v.jsonl.part'))
    kept = [path.read_bytes() for path in (record, lines)]
    results.close()
    (tmp_path / 'predictions' / 'v.jsonl').unlink()
    for path, content in zip((record, lines), kept):
        path.write_bytes(content)
    walkers.asked.clear()
    assert [one['image']['frame'] for one in go_on(inferencer, video, tmp_path, smooth=True)] == list(range(20, LENGTH))
    assert walkers.asked == list(range(16, LENGTH)) and lines_of(tmp_path) == whole


@pytest.mark.parametrize('damage', [b'', b'PK nothing', None])
def test_without_a_record_people_are_followed_from_the_first_frame(
    inferencer, walkers, video, tmp_path, damage, caplog
):
    whole = [one['predictions'][0] for one in inferencer(video, smooth=True)]
    begin(inferencer, video, tmp_path, 9, smooth=True)
    record = tmp_path / 'predictions' / '.v.run.npz'
    record.unlink() if damage is None else record.write_bytes(damage)
    walkers.asked.clear()
    go_on(inferencer, video, tmp_path, smooth=True)
    assert walkers.asked == list(range(LENGTH)) and lines_of(tmp_path) == whole
    assert 'nothing says which file and settings these results are of' in caplog.text


def test_new_people_get_new_numbers(inferencer, walkers, video, tmp_path):
    begin(inferencer, video, tmp_path / 'out', 20, track=True)
    walkers.count = 4
    go_on(inferencer, video, tmp_path / 'out', track=True)
    before, after = (places(one) for one in lines_of(tmp_path / 'out')[19:21])
    assert set(after) == {*before, 3}
    for name, place in before.items():
        assert np.linalg.norm(np.subtract(after[name], place)) < 8


@pytest.mark.parametrize('damage', ['missing', 'exchanged', 'twice', 'no json', 'no number', 'another video', 'field'])
@pytest.mark.parametrize('options', [dict(), dict(track=True)])
def test_lines_that_are_not_those_of_the_frames_in_order(inferencer, walkers, video, tmp_path, damage, options, caplog):
    """What lies before the damage is kept, the rest is computed again, and it is said."""
    whole = [one['predictions'][0] for one in inferencer(video, **options)]
    begin(inferencer, video, tmp_path, LENGTH, **options)
    path = tmp_path / 'predictions' / 'v.jsonl'
    lines = path.read_text().splitlines(keepends=True)
    if damage == 'missing':
        del lines[7]
    elif damage == 'exchanged':
        lines[7:9] = lines[8:6:-1]
    elif damage == 'twice':
        lines[7] = lines[6]
    elif damage == 'no json':
        lines[7] = lines[7].replace('"people"', '"peop', 1)
    elif damage == 'no number':
        lines[7] = lines[7].replace('"score": 0', '"score": NaN, "x": 0', 1)
    elif damage == 'another video':
        lines[7] = lines[7].replace('"name": "v"', '"name": "w"', 1)
    else:
        lines[7] = lines[7].replace('"root"', '"toor"', 1)
    path.write_text(''.join(lines))
    walkers.asked.clear()
    new = go_on(inferencer, video, tmp_path, **options)
    assert [one['image']['frame'] for one in new] == list(range(7, LENGTH))
    assert walkers.asked == list(range(0 if options else 7, LENGTH))
    assert lines_of(tmp_path) == whole
    assert 'line 8 is no line to go on after' in caplog.text and 'from number 7 on' in caplog.text


def test_frames_that_cannot_be_decoded_are_no_damage(inferencer, walkers, tmp_path):
    """They are in no line, and the record knows them."""
    path = break_pictures(write_avi(tmp_path / 'v.avi', 12), [3, 4, 8])
    options = dict(track=True, on_skip=lambda error: None)
    whole = [one['predictions'][0] for one in inferencer(str(path), **options)]
    begin(inferencer, str(path), tmp_path / 'out', 6, **options)  # to frame 7
    walkers.asked.clear()
    new = go_on(inferencer, str(path), tmp_path / 'out', **options)
    assert [one['image']['frame'] for one in new] == [9, 10, 11] == walkers.asked
    assert lines_of(tmp_path / 'out') == whole
    assert go_on(inferencer, str(path), tmp_path / 'out', **options) == []


@pytest.mark.parametrize('left', ['killed', 'half a line', 'zeros'])
def test_after_a_kill(inferencer, walkers, video, tmp_path, left):
    begin(inferencer, video, tmp_path / 'out', 9)
    path = tmp_path / 'out' / 'predictions' / 'v.jsonl'
    whole = path.read_bytes()
    part = path.with_name('.v.jsonl.part')
    path.rename(part)
    part.write_bytes(whole + {'killed': b'', 'half a line': whole[:500], 'zeros': b'\0' * 300 + b'\n'}[left])
    assert len(go_on(inferencer, video, tmp_path / 'out')) == LENGTH - 9
    assert [one['image']['frame'] for one in lines_of(tmp_path / 'out')] == list(range(LENGTH))
    assert not part.exists()


def test_the_file_that_reaches_further(inferencer, walkers, video, tmp_path):
    """Somebody forgot --resume once, and stopped that run at once."""
    begin(inferencer, video, tmp_path / 'out', 12)
    path = tmp_path / 'out' / 'predictions' / 'v.jsonl'
    path.with_name('.v.jsonl.part').write_text(path.read_text().splitlines()[0] + '\n')
    assert go_on(inferencer, video, tmp_path / 'out')[0]['image']['frame'] == 12
    path.with_name('.v.jsonl.part').write_bytes(path.read_bytes())
    path.write_text(path.read_text().splitlines()[0] + '\n')
    assert go_on(inferencer, video, tmp_path / 'out') == []
    assert len(lines_of(tmp_path / 'out')) == LENGTH


def test_nothing_left_nothing_done(inferencer, walkers, video, tmp_path, monkeypatch):
    begin(inferencer, video, tmp_path / 'out', LENGTH)
    walkers.asked.clear()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('*') if path.is_file()}
    assert go_on(inferencer, video, tmp_path / 'out') == [] and walkers.asked == []
    assert before == {path: path.stat().st_mtime_ns for path in before}
    (tmp_path / 'out' / 'overlays' / 'v.mp4').unlink()  # an annotated video is made anew without the network
    assert go_on(inferencer, video, tmp_path / 'out') == [] and walkers.asked == []
    assert cv2.VideoCapture(str(tmp_path / 'out' / 'overlays' / 'v.mp4')).get(cv2.CAP_PROP_FRAME_COUNT) == LENGTH


def test_without_pictures_old_frames_are_not_looked_at(inferencer, walkers, video, tmp_path, monkeypatch):
    results = inferencer(video, pred_out_dir=tmp_path)
    list(itertools.islice(results, 20))
    results.close()
    read, source_frames = [], type(open_sources(video)[0]).frames

    def frames(self, report, first=0):
        read.append(first)
        return source_frames(self, report, first)

    monkeypatch.setattr(type(open_sources(video)[0]), 'frames', frames)
    assert len(list(inferencer(video, pred_out_dir=tmp_path, resume=True))) == LENGTH - 20 and read == [20]


def test_images_that_are_done_are_left_alone(inferencer, walkers, tmp_path):
    for name in 'abc':
        write_picture(tmp_path / 'in' / f'{name}.png')
    folder = str(tmp_path / 'in')
    results = inferencer(folder, out_dir=tmp_path / 'out')
    list(itertools.islice(results, 2))
    results.close()
    walkers.asked.clear()
    kept = (tmp_path / 'out' / 'overlays' / 'a.jpg').stat().st_mtime_ns
    new = go_on(inferencer, folder, tmp_path / 'out')
    assert [one['image']['name'] for one in new] == ['c'] and len(walkers.asked) == 1
    assert (tmp_path / 'out' / 'overlays' / 'a.jpg').stat().st_mtime_ns == kept
    assert '"title":"b"' in (tmp_path / 'out' / 'viewer.html').read_text()  # the viewer shows all of them


def test_what_does_not_fit_together(inferencer, walkers, video, tmp_path, monkeypatch):
    begin(inferencer, video, tmp_path / 'out', 5)
    path = tmp_path / 'out' / 'predictions' / 'v.jsonl'
    kept = path.read_bytes()
    for options, said in (
        (dict(score_thr=0.7), 'of score_thr 0.02, these would be of 0.7'),
        (dict(track=True), 'of tracked False, these would be of True'),
        (dict(smooth=True), 'of smoothed False, these would be of True'),
    ):
        with pytest.raises(UserError, match=said) as caught:
            inferencer(video, out_dir=tmp_path / 'out', resume=True, **options)  # at once
        assert caught.value.field == 'resume' and caught.value.remedy
    monkeypatch.setitem(inferencer.model.provenance, 'weights_sha256', '1' * 64)
    with pytest.raises(UserError, match='of weights_sha256'):
        go_on(inferencer, video, tmp_path / 'out')
    monkeypatch.undo()
    with pytest.raises(UserError, match='nobody says where'):
        inferencer(video, resume=True)
    assert path.read_bytes() == kept


@pytest.mark.parametrize('size', [(64, 64), (96, 64)])
def test_another_video_of_that_name(inferencer, walkers, video, tmp_path, size):
    begin(inferencer, video, tmp_path / 'out', 5)
    (tmp_path / 'other').mkdir()
    other = write_video(tmp_path / 'other' / 'v.mp4', 8, size=size)
    with pytest.raises(UserError, match='the earlier results are of another file of [0-9]+ bytes') as caught:
        inferencer(str(other), out_dir=tmp_path / 'out', resume=True)  # at once
    assert caught.value.field == 'resume' and caught.value.remedy
    (tmp_path / 'out' / 'predictions' / '.v.run.npz').unlink()  # as of older runs, only the size tells
    if size == (64, 64):
        with pytest.raises(UserError, match='results are of 96×64 px, and the image has 64×64 px'):
            go_on(inferencer, str(other), tmp_path / 'out')
    assert len(lines_of(tmp_path / 'out')) == 5


@pytest.mark.parametrize(
    'then, now, said',
    [
        (dict(), dict(intrinsics='100,100,48,32'), 'camera'),
        (dict(intrinsics='100,100,48,32'), dict(intrinsics='200,200,48,32'), 'camera'),
        (dict(fov_deg=60.0), dict(fov_deg=61.0), 'camera'),
        (dict(fov_deg=60.0), dict(), 'camera'),
        (dict(), dict(with_sigma=False), 'of with_sigma True, these would be of False'),
        (dict(with_sigma=False), dict(), 'of with_sigma False, these would be of True'),
        (dict(track=True), dict(track=True, birth_thr=0.5), 'of birth_thr None, these would be of 0.5'),
    ],
)
def test_another_camera_sigma_or_threshold(inferencer, walkers, video, tmp_path, then, now, said):
    begin(inferencer, video, tmp_path, 5, **then)
    kept = (tmp_path / 'predictions' / 'v.jsonl').read_bytes()
    with pytest.raises(UserError, match=said) as caught:
        inferencer(video, out_dir=tmp_path, resume=True, **now)
    assert caught.value.field == 'resume' and caught.value.remedy
    assert (tmp_path / 'predictions' / 'v.jsonl').read_bytes() == kept


def test_an_image_with_another_camera(inferencer, walkers, tmp_path):
    image = str(write_picture(tmp_path / 'a.png'))
    list(inferencer(image, out_dir=tmp_path / 'out', fov_deg=60.0))
    assert list(inferencer(image, out_dir=tmp_path / 'out', resume=True, fov_deg=60.0)) == []
    with pytest.raises(UserError, match='its camera was of the source fov, now another is given'):
        inferencer(image, out_dir=tmp_path / 'out', resume=True, intrinsics='100,100,48,32')


@pytest.mark.parametrize('content', [None, '', 'no results\n', '{"format": "another"}\n'])
def test_where_there_is_nothing_to_go_on_with(tmp_path, video, content):
    if content is not None:
        (tmp_path / 'v.jsonl').write_text(content)
    assert Earlier.of(open_sources(video)[0], tmp_path) is None


@pytest.mark.parametrize('batch_size', [1, 3])
def test_a_model_that_looks_at_the_frame_before(tracking_inferencer, tmp_path, batch_size):
    """It sees the last known frame again, and remembers the people as they were: the same as in one run."""
    video = str(write_video(tmp_path / 'v.mp4', 9))
    options = dict(score_thr=0.02, birth_thr=0.02, smooth=True, batch_size=batch_size)
    whole = [one['predictions'][0] for one in tracking_inferencer(video, **options)]
    assert any(person['track_id'] is not None for one in whole for person in one['people'])
    begin(tracking_inferencer, video, tmp_path / 'out', 5, **options)
    new = go_on(tracking_inferencer, video, tmp_path / 'out', **options)
    assert [one['image']['frame'] for one in new] == [5, 6, 7, 8]
    for ours, theirs in zip(lines_of(tmp_path / 'out'), whole, strict=True):
        assert [person['track_id'] for person in ours['people']] == [person['track_id'] for person in theirs['people']]
        for one, other in zip(ours['people'], theirs['people'], strict=True):
            np.testing.assert_allclose(one['keypoints_px'], other['keypoints_px'], atol=2e-2)
