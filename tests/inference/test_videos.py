"""Videos as they come: turned by a phone, of varying frame rate, with broken frames; and their annotated copies."""

from __future__ import annotations

import random
import struct

import cv2
import numpy as np
import pytest

from das_mm.engine import image_header
from das_mm.inference import sources
from das_mm.inference.annotated_video import AnnotatedVideo
from das_mm.inference.inputs import open_sources
from tests.pictures import (
    Capture,
    break_frames,
    picture,
    retime_video,
    turn_video,
    write_avi,
    write_timed_video,
    write_video,
)
from tests.visualization.browser import CHROMIUM, Browser


def opened(path):
    return open_sources(path)[0]


@pytest.mark.parametrize('degrees, shape', [(90, (96, 64, 3)), (180, (64, 96, 3)), (270, (96, 64, 3))])
def test_a_phone_that_was_held_upright(tmp_path, degrees, shape):
    source = opened(turn_video(write_video(tmp_path / 'v.mp4', 2), degrees))
    image = next(source.frames(pytest.fail)).image
    expected = np.rot90(picture(), -degrees // 90).astype(int)
    assert image.shape == shape and np.abs(image - expected).mean() < 6  # a coarse codec
    assert np.abs(image - expected[::-1, ::-1]).mean() > 30


def test_a_varying_frame_rate(tmp_path):
    steps = [0.04, 0.04, 0.5, 0.04, 0.08, 0.02, 0.2, 0.04]
    source = opened(retime_video(write_video(tmp_path / 'v.mp4', 8), steps))
    assert source.fps == 25  # of the usual step; the mean would be 8.3
    times = [frame.time_s for frame in source.frames(pytest.fail)]
    np.testing.assert_allclose(times, np.cumsum([0, *steps[:-1]]), atol=1e-4)


@pytest.mark.parametrize(
    'name, codec', [('v.mp4', 'libx264'), ('v.mov', 'libx264'), ('v.mkv', 'libx264'), ('v.webm', 'libvpx-vp9')]
)
def test_presentation_times_of_every_container(tmp_path, name, codec):
    """Frames come in the order and at the times at which they are shown, whatever order they are stored in; none is
    missed of containers that do not tell how many there are."""
    times_ms = [0, 40, 80, 580, 620, 700, 720, 920]
    source = opened(write_timed_video(tmp_path / name, times_ms, codec))
    frames = list(source.frames(pytest.fail))
    assert [frame.time_s for frame in frames] == pytest.approx([time_ms / 1000 for time_ms in times_ms], abs=1e-3)
    assert [round(float(frame.image.mean()) / 20) for frame in frames] == list(range(8))


@pytest.mark.skipif(CHROMIUM is None, reason='no Chromium')
def test_annotated_videos_play_in_a_browser(tmp_path):
    video = AnnotatedVideo(tmp_path / 'v.mp4', 10)
    for number in range(8):
        video.write(np.full((49, 65, 3), (0, 0, 255) if number < 4 else (255, 0, 0), np.uint8))
    video.close()
    (tmp_path / 'page.html').write_text('<body data-ready=1><video id=v muted src=v.mp4></video>')
    with Browser(tmp_path) as browser:
        browser.open(tmp_path / 'page.html')
        browser.evaluate('v.play().then(() => new Promise(done => v.onended = done))')  # refuses what it cannot decode
        assert browser.evaluate('[v.duration, v.currentTime, v.videoWidth, v.videoHeight]') == [0.8, 0.8, 64, 48]
        colours = browser.screenshot()
    assert (np.abs(colours.astype(int) - (255, 0, 0)).max(-1) < 30).sum() > 1500  # of the last frame, blue


@pytest.mark.parametrize(
    'times_ms, expected',
    [
        ([0.0] * 4, [0, 0.1, 0.2, 0.3]),  # no times at all
        ([0, 100, 50, 300], [0, 0.1, 0.2, 0.3]),  # one runs backwards
        ([0, 130, float('nan'), 300], [0, 0.13, 0.23, 0.3]),
    ],
)
def test_times_always_go_on(tmp_path, monkeypatch, times_ms, expected):
    (tmp_path / 'v.mp4').write_bytes(b'')
    pictures = [picture()] * 4
    monkeypatch.setattr(sources.cv2, 'VideoCapture', lambda file: Capture(pictures, times_ms=[*times_ms, *[0] * 7]))
    assert [frame.time_s for frame in opened(tmp_path / 'v.mp4').frames(lambda error: None)] == pytest.approx(expected)


@pytest.mark.parametrize(
    'told, times_ms, fps',
    [
        (90000, [0, 40, 80, 120], 25),
        (90000, [0.0] * 4, 25),
        (0, [0, 20, 40, 60], 50),
        (29.97, [0, 1, 2, 3], 29.97),
        (17.3, [0, 33.3, 66.7, 300], 29.94),
        (17.3, [0.0] * 4, 17.3),
        (240, [0, 25 / 6, 25 / 3, 12.5], 240),
    ],
)
def test_the_frame_rate(tmp_path, monkeypatch, told, times_ms, fps):
    (tmp_path / 'v.mp4').write_bytes(b'')
    monkeypatch.setattr(sources.cv2, 'VideoCapture', lambda file: Capture([picture()] * 4, fps=told, times_ms=times_ms))
    assert opened(tmp_path / 'v.mp4').fps == pytest.approx(fps, abs=0.01)


def test_broken_frames_are_skipped_and_the_others_keep_their_numbers(tmp_path):
    source = opened(break_frames(write_video(tmp_path / 'v.mp4', 40), (0.2, 0.25)))
    told = []
    frames = list(source.frames(told.append))
    numbers = [frame.index for frame in frames]
    missing = sorted(set(range(40)) - set(numbers))
    assert 0 < len(missing) < 10 and numbers == sorted(numbers)
    assert [frame.time_s for frame in frames] == pytest.approx([number / 12.5 for number in numbers])
    assert told[0].problem == (
        f'{len(missing)} of the 40 frames it announces cannot be decoded, the first is number '
        f'{missing[0]}; they are left out'
    )


def test_from_a_frame_on(tmp_path):
    source = opened(write_video(tmp_path / 'v.mp4', 9))
    whole, rest = list(source.frames(pytest.fail)), list(source.frames(pytest.fail, first=6))
    assert [frame.index for frame in rest] == [6, 7, 8]
    assert [frame.time_s for frame in rest] == [frame.time_s for frame in whole[6:]]
    assert all((ours.image == theirs.image).all() for ours, theirs in zip(rest, whole[6:]))


def shown(path):
    """Grey value, in tens, of every frame of a video."""
    capture, values = cv2.VideoCapture(str(path)), []
    while True:
        done, image = capture.read()
        if not done:
            return values
        values.append(round(float(image.mean()) / 10))


def annotated(path, times_s, fps=10):
    video = AnnotatedVideo(path, fps)
    for number, time_s in enumerate(times_s):
        video.write(np.full((48, 64, 3), 10 * number, np.uint8), time_s)
    video.close()
    return shown(path)


@pytest.mark.parametrize(
    'times_s, expected',
    [
        ([0, 0.1, 0.2, 0.3], [0, 1, 2, 3]),
        ([5, 5.1, 5.2], [0, 1, 2]),  # the first frame is the beginning
        ([0, 0.08, 0.21, 0.33, 0.38], [0, 1, 2, 3, 4]),  # jitter
        ([0, 0.1, 0.5, 0.6], [0, 1, 1, 1, 1, 2, 3]),  # a pause
        ([0, 0.2, 0.3, 0.4], [0, 1, 2, 3]),  # one frame is missing: a step late until there is room
        ([0, 0.3, 0.6, 0.9], [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]),  # a slow camera
        ([0, 0.01, 0.02, 0.03, 0.04, 0.5], [0, 1, 1, 1, 1, 5]),
    ],
)  # more frames than there is room for
def test_annotated_videos_keep_time(tmp_path, times_s, expected):
    assert annotated(tmp_path / 'v.mp4', times_s) == expected


def test_a_clock_that_jumps_by_a_day_makes_no_day_of_video(tmp_path):
    values = annotated(tmp_path / 'v.mp4', [0, 0.5, 86400, 86400.5], fps=2)
    assert values == [0, 1, 2, 3]
    values = annotated(tmp_path / 'w.mp4', [86400.0 * day for day in range(4)], fps=25)
    assert values == [0, 1, 2, 3]  # nor does one that jumps with every frame


@pytest.mark.parametrize('scale, rate', [(1, 0), (0, 25), (0, 0), (1, 2**32 - 1), (2**32 - 1, 1), (10**6, 1)])
def test_a_damaged_rate_of_an_avi(tmp_path, scale, rate):
    """25 frames a second are assumed, and time goes on by them."""
    path = write_avi(tmp_path / 'v.avi', 4)
    data = bytearray(path.read_bytes())
    at = data.index(b'strh') + 28
    data[at : at + 8] = struct.pack('<II', scale, rate)
    path.write_bytes(data)
    source = opened(path)
    assert source.fps == 25
    assert [frame.time_s for frame in source.frames(pytest.fail)] == pytest.approx([0, 0.04, 0.08, 0.12])


@pytest.mark.parametrize('box', [b'mdhd', b'mvhd'])
@pytest.mark.parametrize('scale', [0, 1, 2**32 - 1])
def test_a_damaged_clock_of_an_mp4(tmp_path, box, scale):
    path = write_video(tmp_path / 'v.mp4', 4)
    data = bytearray(path.read_bytes())
    at = data.index(box) + 16
    data[at : at + 4] = struct.pack('>I', scale)
    path.write_bytes(data)
    told = []
    frames = list(opened(path).frames(told.append))
    assert 1 <= opened(path).fps <= 120
    assert (np.diff([frame.time_s for frame in frames]) > 0).all()
    # by that clock most frames lie behind the end that the file tells
    assert len(frames) == 4 or 'can be decoded' in told[0].problem or 'cannot be decoded' in told[0].problem


def test_a_video_of_absurd_size(tmp_path):
    path = write_avi(tmp_path / 'v.avi', 4)
    data = bytearray(path.read_bytes())
    for place in (data.index(b'avih') + 8 + 32, data.index(b'strf') + 8 + 4):
        data[place : place + 8] = struct.pack('<II', 60000, 60000)
    path.write_bytes(data)
    told = []
    frames = list(opened(path).frames(told.append))  # only the pictures themselves tell their size
    assert all(frame.image.shape == (64, 96, 3) for frame in frames)
    assert len(frames) == 4 or told


def test_what_announces_too_many_pixels_is_not_tried(tmp_path, monkeypatch):
    write_video(tmp_path / 'v.mp4', 2)
    monkeypatch.setattr(image_header, 'MAX_IMAGE_PIXELS', 96 * 64 - 1)
    told = []
    assert not list(opened(tmp_path / 'v.mp4').frames(told.append))
    assert 'it says that it is 96×64 px' in told[0].problem and told[0].remedy == 'make it smaller'


def test_damaged_bytes_give_frames_or_an_error(tmp_path):
    """Headers above all: rates, sizes, lengths, numbers of frames."""
    chance = random.Random(0)
    for kind, whole in (('avi', write_avi(tmp_path / 'a.avi', 4)), ('mp4', write_video(tmp_path / 'a.mp4', 4))):
        data, path = whole.read_bytes(), tmp_path / f'damaged.{kind}'
        headers = [*range(256)] if kind == 'avi' else [*range(data.index(b'moov'), len(data))]
        for _ in range(120):
            damaged = bytearray(data)
            for _ in range(chance.choice([1, 2, 8])):
                damaged[chance.choice(headers)] = chance.choice([0, 0xFF, chance.randrange(256)])
            path.write_bytes(damaged[: chance.choice([len(data), len(data), chance.randrange(len(data))])])
            told = []
            source = opened(path)
            frames = list(source.frames(told.append))
            assert frames or told
            assert all(error.file == str(path) and error.remedy for error in told)
            assert 1 <= source.fps <= 1000
            assert (np.diff([frame.time_s for frame in frames]) > 0).all()
