"""Memory stays flat however long a video is: a short one here, ten thousand frames by hand::

    DAS_MM_LONG_VIDEO=1 pytest -s tests/inference/test_long_video.py

which takes some five minutes and prints the memory of the process along the way.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from das_mm.inference.result_files import read_results
from tests.pictures import picture
from tests.walkers import Walkers

LONG = 'DAS_MM_LONG_VIDEO'


def resident_mb() -> float:
    """Memory of this process that is really there."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 2**20


def write_long_video(path: Path, num_frames: int, size: tuple[int, int]) -> Path:
    """A picture that wanders sideways."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 25, size)
    image = picture(*size)
    for number in range(num_frames):
        writer.write(np.roll(image, 2 * number, axis=1))
    writer.release()
    return path


def memory_of(inferencer, video: Path, out: Path, every: int, **options) -> list[tuple[int, float]]:
    """(frame, MB) along a run that writes everything there is to write."""
    seen, start = [], time.monotonic()
    for number, _ in enumerate(inferencer(str(video), out_dir=out, track=True, smooth=True, **options)):
        if number % every == 0:
            seen.append((number, resident_mb()))
            if every >= 500:
                print(f'frame {number}: {seen[-1][1]:.1f} MB, {number / (time.monotonic() - start):.0f} frames/s')
    return [*seen, (number + 1, resident_mb())]  # with viewer and tracks written


def check_outputs(out: Path, name: str, num_frames: int) -> None:
    lines = read_results(out / 'predictions' / f'{name}.jsonl')
    assert [one['image']['frame'] for one in lines] == list(range(num_frames))
    assert cv2.VideoCapture(str(out / 'overlays' / f'{name}.mp4')).get(cv2.CAP_PROP_FRAME_COUNT) == num_frames
    assert (out / 'viewer.html').is_file() and list((out / 'tracks' / name).iterdir())


@pytest.mark.skipif(not Path('/proc/self/statm').is_file(), reason='only Linux tells the memory this way')
def test_memory_of_some_hundred_frames(inferencer, tmp_path, monkeypatch):
    monkeypatch.setattr(inferencer.model, 'test_step', Walkers(count=1))
    video = write_long_video(tmp_path / 'v.mp4', 300, (256, 192))
    seen = memory_of(inferencer, video, tmp_path / 'out', every=50, viewer_frames=20, batch_size=4)
    settled = [mb for number, mb in seen if number >= 150]
    assert max(settled) - settled[0] < 10, seen  # 22 MB if only the frames were kept
    check_outputs(tmp_path / 'out', 'v', 300)


@pytest.mark.skipif(LONG not in os.environ, reason=f'minutes; set {LONG}=1')
def test_memory_of_ten_thousand_frames(inferencer, tmp_path):
    """With a network that is small and real."""
    video = write_long_video(tmp_path / 'v.mp4', 10_000, (320, 192))
    seen = memory_of(inferencer, video, tmp_path / 'out', every=500, score_thr=0.02)
    settled = [mb for number, mb in seen if number >= 500]
    spread = (max(settled) - min(settled)) / settled[0]
    print(f'from frame 500 on: {min(settled):.1f} to {max(settled):.1f} MB, {100 * spread:.1f} %')
    assert spread < 0.05, seen
    check_outputs(tmp_path / 'out', 'v', 10_000)
