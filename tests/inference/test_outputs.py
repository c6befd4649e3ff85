"""Files that grow frame by frame, and what is left of them when a run ends early."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from das_mm.engine import atomic_write, video_writers
from das_mm.errors import UserError
from das_mm.inference.annotated_video import AnnotatedVideo
from das_mm.inference.folder_lock import hold_folder
from das_mm.inference.output_folders import OutputFolders
from das_mm.inference.output_streams import ResultLines
from das_mm.inference.outputs import EvenSample
from das_mm.inference.sources import ImageSource, VideoSource
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


def test_without_pyav_a_disk_that_swallows_frames(tmp_path, monkeypatch):
    """OpenCV's writer does not say so when nothing reaches the disk."""
    monkeypatch.setattr(video_writers, '_has_h264', lambda: False)
    video = AnnotatedVideo(tmp_path / 'v.mp4', 25)
    video.write(picture())
    video.close()
    assert len(opened(tmp_path / 'v.mp4')[1]) == 1
    video = AnnotatedVideo(tmp_path / 'w.mp4', 25)
    video.write(picture())
    nothing = cv2.VideoCapture()
    monkeypatch.setattr(video_writers.cv2, 'VideoCapture', lambda file: nothing)
    with pytest.raises(UserError, match='only 0 of 1 frames are in the video'):
        video.close()
    assert not (tmp_path / 'w.mp4').exists()


def test_without_pyav_it_is_said_that_browsers_do_not_play_videos(monkeypatch, caplog):
    monkeypatch.setattr(video_writers, 'find_spec', lambda name: None)
    video_writers._has_h264.cache_clear()
    try:
        assert not video_writers._has_h264()
    finally:
        video_writers._has_h264.cache_clear()
    assert 'das_mm[video]' in caplog.text


def test_a_full_disk_of_a_video(tmp_path):
    """Of what reaches the disk only at the end, too."""
    writer = video_writers.H264Writer(Path('/dev/full'), (64, 48), 25)
    with pytest.raises(UserError, match='the video cannot be written') as caught:
        for number in range(3):
            writer.write(picture(64, 48, number))
        writer.close()
    assert caught.value.remedy


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
    with pytest.raises(UserError, match='file/x: out: nothing can be written there'):
        OutputFolders(tmp_path / 'file' / 'x').check()
    with pytest.raises(UserError, match='viewer_frames: 0 frames'):
        OutputFolders(viewer_frames=0).check()


def test_a_folder_where_a_file_is_to_be_written(tmp_path):
    """Said at once, and what is said is to move the folder, not to free space."""
    (image, video) = (ImageSource('a', 'a.png', array=picture()), VideoSource('v', 'v.mp4'))
    folders = OutputFolders.below(tmp_path)
    folders.check()
    folders.check_files([image, video])
    for name in ('predictions/a.json', 'predictions/v.jsonl', 'overlays/a.jpg', 'overlays/v.mp4', 'viewer_v.html'):
        (tmp_path / name).mkdir()
        with pytest.raises(UserError, match='a folder stands where a file is to be written') as caught:
            folders.check_files([image, video])
        assert caught.value.file == tmp_path / name and caught.value.field == 'out' and 'move' in caught.value.remedy
        (tmp_path / name).rmdir()
    for name in ('tracks', 'tracks/v'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('')
        with pytest.raises(UserError, match='a file stands where the folder of tracks') as caught:
            folders.check_files([image, video])
        assert caught.value.file == tmp_path / name and 'move' in caught.value.remedy
        (tmp_path / name).unlink()


@pytest.mark.parametrize(
    'number, words',
    [
        (errno.ENOSPC, 'free space'),
        (errno.EISDIR, 'a folder stands where the file should be'),
        (errno.EACCES, 'that you may write to'),
        (errno.EROFS, 'read-only'),
        (errno.ENOTDIR, 'a file stands where a folder is needed'),
        (errno.EIO, 'look at the disk'),
    ],
)
def test_the_remedy_is_that_of_the_error(tmp_path, monkeypatch, number, words):
    def replace(*paths):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, 'replace', replace)
    with pytest.raises(UserError, match='cannot be written') as caught:
        atomic_write(tmp_path / 'a', b'')
    assert words in caught.value.remedy and not (tmp_path / 'a').exists()


def test_one_run_at_a_time_in_a_folder(tmp_path):
    with hold_folder(tmp_path):
        with pytest.raises(UserError, match='another run writes there') as caught:
            hold_folder(tmp_path)
        assert caught.value.file == tmp_path and caught.value.field == 'out' and caught.value.remedy
        hold_folder(tmp_path / 'other').close()
    hold_folder(tmp_path)  # dropped at once, it holds nothing
    hold_folder(tmp_path).close()
    hold_folder(None).close()
