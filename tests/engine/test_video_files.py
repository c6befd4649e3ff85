"""Frames of videos: what cannot be decoded is passed over and counted, wherever it stands."""

from __future__ import annotations

import logging

import cv2
import numpy as np
import pytest

from das_mm.datasets.converters.video_frames import extract_frames
from das_mm.engine.video_files import decoded_frames, open_video
from das_mm.errors import UserError
from tests.pictures import Capture, break_pictures, picture, write_avi


@pytest.mark.parametrize('broken', [(), (2,), (0,), (9,), (2, 3, 7)])
def test_a_conversion_passes_over_broken_frames_and_says_so(tmp_path, caplog, broken):
    video = break_pictures(write_avi(tmp_path / 'v.avi', 10), broken)
    wanted = {number: tmp_path / f'{number}.jpg' for number in range(10)}
    with caplog.at_level(logging.WARNING, 'das_mm'):
        assert extract_frames(video, wanted) == 10 - len(broken)
    for number, path in wanted.items():
        assert path.exists() == (number not in broken)
        if path.exists():
            assert np.abs(cv2.imread(str(path)).astype(int) - np.roll(picture(), 4 * number, axis=1)).mean() < 6
    said = [record.message for record in caplog.records]
    assert len(said) == bool(broken)
    assert not broken or f'{len(broken)} frames cannot be decoded, the first is number {broken[0]}' in said[0]
    assert extract_frames(video, {0: tmp_path / 'other.jpg', 1: wanted[1]}) == (0 not in broken)


@pytest.mark.parametrize(
    'pictures, numbers, broken',
    [
        ([1, 1, None, 1], [0, 1, 3], [2, *range(4, 10)]),  # ten are announced
        ([1] * 12 + [None, 1], [*range(12), 13], [12]),  # more than announced, and not the end where one is broken
        ([], [], [*range(10)]),
    ],
)
def test_where_a_video_ends(pictures, numbers, broken):
    found, told = Capture([None if one is None else picture() for one in pictures]), []
    assert [frame.number for frame in decoded_frames(found, told.append)] == numbers and told == broken


def test_only_what_is_wanted_is_decoded():
    frames = decoded_frames(Capture([picture()] * 10), pytest.fail, lambda number: number == 3)
    assert [frame.number for frame in frames if frame.image is not None] == [3]


def test_what_is_no_video_file(tmp_path):
    with pytest.raises(UserError, match='it is a folder, not a file'), open_video(tmp_path):
        pass
    (tmp_path / 'a.mp4').write_bytes(b'nothing')
    with pytest.raises(UserError, match='cannot be opened') as caught:
        extract_frames(tmp_path / 'a.mp4', {0: tmp_path / '0.jpg'})
    assert caught.value.remedy
