"""Files that grow frame by frame, and what is left of them when a run ends early."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.inference import output_streams as streams
from das_mm.inference.output_streams import AnnotatedVideo, ResultLines
from das_mm.inference.outputs import EvenSample, OutputFolders
from tests.pictures import picture


def opened(path):
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        done, image = capture.read()
        if not done:
            return capture.get(cv2.CAP_PROP_FPS), frames
        frames.append(image)


@pytest.mark.parametrize('fps', [12.5, 24000 / 1001, 25, 30000 / 1001, 60])
def test_a_video_keeps_its_frame_rate(tmp_path, fps):
    video = AnnotatedVideo(tmp_path / 'new' / 'v.mp4', fps)
    for number in range(7):
        video.write(np.full((48, 64, 3), 30 * number, np.uint8))
    assert not (tmp_path / 'new' / 'v.mp4').exists()
    video.close()
    read_fps, frames = opened(tmp_path / 'new' / 'v.mp4')
    assert read_fps == pytest.approx(fps, abs=1e-3) and len(frames) == 7
    assert [round(float(frame.mean()) / 30) for frame in frames] == list(range(7))
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['v.mp4']


def test_odd_and_changing_sizes(tmp_path):
    video = AnnotatedVideo(tmp_path / 'v.mp4', 25)
    for size in ((65, 49), (65, 49), (30, 20)):
        video.write(picture(*size))
    video.close()
    assert [frame.shape for frame in opened(tmp_path / 'v.mp4')[1]] == [(48, 64, 3)] * 3


def test_a_video_without_frames_is_no_file(tmp_path):
    AnnotatedVideo(tmp_path / 'v.mp4', 25).close()
    assert not list(tmp_path.iterdir())


def test_a_disk_that_swallows_frames(tmp_path, monkeypatch):
    """OpenCV's writer does not say so when nothing reaches the disk."""
    video = AnnotatedVideo(tmp_path / 'v.mp4', 25)
    video.write(picture())
    nothing = cv2.VideoCapture()
    monkeypatch.setattr(streams.cv2, 'VideoCapture', lambda file: nothing)
    with pytest.raises(UserError, match='only 0 of 1 frames are in the video'):
        video.close()
    assert not (tmp_path / 'v.mp4').exists()


def test_a_video_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='the folder cannot be made'):
        AnnotatedVideo(tmp_path / 'file' / 'v.mp4', 25).write(picture())


def test_lines_are_on_the_disk_as_they_are_written(tmp_path):
    lines = ResultLines(tmp_path / 'v.jsonl')
    lines.write(dict(a=1))
    lines.write(dict(b='é'))
    (part,) = tmp_path.iterdir()
    assert part.name == '.v.jsonl.part'
    assert [json.loads(line) for line in part.read_text().splitlines()] == [dict(a=1), dict(b='é')]
    lines.close()
    assert [path.name for path in tmp_path.iterdir()] == ['v.jsonl']
    with pytest.raises(ValueError, match='not JSON compliant'):
        ResultLines(tmp_path / 'w.jsonl').write(dict(a=float('nan')))


def test_a_full_disk(tmp_path):
    lines = ResultLines(tmp_path / 'v.jsonl')
    lines._file = open('/dev/full', 'w')
    with pytest.raises(UserError, match='v.jsonl: the results cannot be written: No space left'):
        lines.write(dict(a=1))
    with pytest.raises(UserError, match='cannot be written'):
        ResultLines('/proc/nowhere/v.jsonl')


@pytest.mark.parametrize(
    'count, step, kept',
    [
        (3, 1, [0, 1, 2]),
        (4, 1, [0, 1, 2, 3]),
        (5, 2, [0, 2, 4]),
        (8, 2, [0, 2, 4, 6]),
        (9, 4, [0, 4, 8]),
        (100, 32, [0, 32, 64, 96]),
    ],
)
def test_an_even_sample(count, step, kept):
    sample, made = EvenSample(4), []
    for number in range(count):
        sample.add(lambda: made.append(number) or number)
    assert (sample.items, sample.step, sample.count) == (kept, step, count)
    assert len(made) <= 4 * (1 + count.bit_length())  # memory and work stay flat


def test_folders_are_tried_first(tmp_path):
    OutputFolders(tmp_path / 'a' / 'b', None, tmp_path / 'c').check()
    assert (tmp_path / 'a' / 'b').is_dir() and not list((tmp_path / 'c').iterdir())
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='file/x: nothing can be written there'):
        OutputFolders(tmp_path / 'file' / 'x').check()
    with pytest.raises(UserError, match='viewer_frames: 0 frames'):
        OutputFolders(viewer_frames=0).check()
