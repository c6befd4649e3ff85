"""A run that goes on after another: the same as one run, and nothing is computed twice but what must be."""

from __future__ import annotations

import itertools
import json

import cv2
import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.inference.inputs import open_sources
from das_mm.inference.result_files import read_results
from das_mm.inference.resume import Earlier
from tests.pictures import write_picture, write_video
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


@pytest.mark.parametrize('options', [dict(), dict(smooth=True), dict(track=True, batch_size=7)])
def test_the_same_as_in_one_go(inferencer, walkers, video, tmp_path, options):
    whole = [one['predictions'][0] for one in inferencer(video, out_dir=tmp_path / 'whole', **options)]
    begin(inferencer, video, tmp_path / 'out', 20, **options)
    walkers.asked.clear()
    new = go_on(inferencer, video, tmp_path / 'out', **options)
    assert [one['image']['frame'] for one in new] == list(range(20, LENGTH))
    assert walkers.asked == list(range(20 if not options else 5, LENGTH))  # people are looked at before they go on
    for ours, theirs in zip(lines_of(tmp_path / 'out'), whole, strict=True):
        if options.get('smooth'):
            assert {name: pytest.approx(place, abs=0.5) for name, place in places(theirs).items()} == places(ours)
        else:
            assert ours == theirs
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


def test_identities_go_on_and_new_people_get_new_numbers(inferencer, walkers, video, tmp_path):
    begin(inferencer, video, tmp_path / 'out', 20, track=True)
    lines = lines_of(tmp_path / 'out')
    # as if a fourth had been here before, under a high number
    path = tmp_path / 'out' / 'predictions' / 'v.jsonl'
    lines[3]['people'][0]['track_id'] = 41
    path.write_text(''.join(json.dumps(one) + '\n' for one in lines))
    walkers.count = 4
    go_on(inferencer, video, tmp_path / 'out', track=True)
    before, after = (places(one) for one in lines_of(tmp_path / 'out')[19:21])
    assert set(after) == {*before, 42}
    for name, place in before.items():
        assert np.linalg.norm(np.subtract(after[name], place)) < 8


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


def test_another_video_of_that_name(inferencer, walkers, video, tmp_path):
    begin(inferencer, video, tmp_path / 'out', 5)
    (tmp_path / 'other').mkdir()
    other = write_video(tmp_path / 'other' / 'v.mp4', 8, size=(64, 64))
    with pytest.raises(UserError, match='results are of 96×64 px, and the image has 64×64 px'):
        go_on(inferencer, str(other), tmp_path / 'out')
    assert len(lines_of(tmp_path / 'out')) == 5


@pytest.mark.parametrize('content', [None, '', 'no results\n', '{"format": "another"}\n'])
def test_where_there_is_nothing_to_go_on_with(tmp_path, video, content):
    if content is not None:
        (tmp_path / 'v.jsonl').write_text(content)
    assert Earlier.of(open_sources(video)[0], tmp_path) is None


def test_long_lines_and_the_highest_number(tmp_path, video, inferencer, walkers):
    begin(inferencer, video, tmp_path, 3, track=True)
    path = tmp_path / 'predictions' / 'v.jsonl'
    lines = lines_of(tmp_path)
    lines[1]['people'][0]['track_id'] = 10**6
    lines[2]['people'] *= 200  # a line longer than what is read at a time
    path.write_text(''.join(json.dumps(one) + '\n' for one in lines))
    assert len(path.read_text().splitlines()[-1]) > 2**17
    earlier = Earlier.of(open_sources(video)[0], tmp_path / 'predictions')
    assert earlier.last == 2 and earlier.size == path.stat().st_size and earlier.highest_identity() == 10**6
