"""Videos at their own speed."""

from __future__ import annotations

import numpy as np
import pytest

from das_mm.inference.inputs import open_sources
from das_mm.inference.live import FrameRate, LiveVideo
from das_mm.inference.overlay_window import show_overlays
from das_mm.inference.run import Found
from das_mm.inference.sources import Frame
from tests.pictures import write_video


class Clock:
    def __init__(self):
        self.now_s, self.slept = 5.0, []

    def __call__(self):
        return self.now_s

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now_s += seconds


@pytest.mark.parametrize('work_s, shown', [(0.0, [*range(10)]), (0.05, [*range(10)]), (0.23, [0, 2, 5, 8])])
def test_a_video_waits_for_its_frames_and_not_for_who_works_on_them(tmp_path, work_s, shown):
    (source,) = open_sources(str(write_video(tmp_path / 'v.mp4', 10, fps=12.5)))
    clock, numbers = Clock(), []
    live = LiveVideo(source, clock, clock.sleep)
    for frame in live.frames(pytest.fail):
        assert frame.source is live and clock.now_s >= 5 + frame.time_s - 1e-9
        numbers.append(frame.index)
        clock.now_s += work_s
    assert numbers == shown
    assert sum(clock.slept) == pytest.approx(9 * 0.08 - 9 * work_s if work_s < 0.08 else 0, abs=0.17)


def test_the_rate_is_written_on_what_is_shown(monkeypatch, tmp_path):
    (source,) = open_sources(str(write_video(tmp_path / 'v.mp4', 2)))
    grey = np.full((240, 320, 3), 90, np.uint8)
    shown = []
    monkeypatch.setattr('cv2.imshow', lambda title, image: shown.append(image))
    monkeypatch.setattr('cv2.waitKey', lambda milliseconds: -1)
    monkeypatch.setattr('cv2.destroyAllWindows', lambda: None)
    clock = Clock()

    def found():
        for number in range(3):
            yield Found(Frame(grey, source, number, 0.1 * number), None, {}, grey)
            clock.now_s += 0.1

    assert len(list(show_overlays(found(), rate=FrameRate(clock)))) == 3
    assert (shown[0] == grey).all() and (grey == 90).all()  # the overlay itself stays as it is
    changed = (shown[2] != grey).any(-1)
    assert changed[:40, :160].sum() > 200 and not changed[60:].any()
