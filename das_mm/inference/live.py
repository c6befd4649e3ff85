"""Videos shown at their own speed: frames for which there is no time are left out, as a camera does."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from das_mm.errors import UserError

from .inputs import OpenedInputs
from .sources import Frame, Report, Source

_RATE_OVER_S = 2.0


class LiveVideo(Source):
    """A video that runs on while its frames are worked on.

    Args:
        video: The video.
        clock: Seconds.
        sleep: Waits for so many seconds.
    """

    live = True

    def __init__(
        self, video: Source, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep
    ):
        super().__init__(video.name, video.file, video.path)
        self.fps, self.num_frames = video.fps, None  # how many will be shown nobody knows
        self._video, self._clock, self._sleep = video, clock, sleep

    def frames(self, report: Report, first: int = 0) -> Iterator[Frame]:
        """Each no earlier than at its time; one that is late by more than a frame is left out."""
        start = None
        for frame in self._video.frames(report, first):
            assert frame.time_s is not None and self.fps is not None  # of every frame of a video
            if start is None:
                start = self._clock() - frame.time_s
            ahead = start + frame.time_s - self._clock()
            if ahead < -1 / self.fps:
                continue
            if ahead > 0:
                self._sleep(ahead)
            yield replace(frame, source=self)


def live_inputs(opened: OpenedInputs) -> OpenedInputs:
    """The same, videos at their own speed.

    Raises:
        UserError: There are images, which have none.
    """
    if not all(source.is_sequence for source in opened.sources):
        problem = 'images are no video'
        raise UserError(problem, field='live', remedy='give a webcam or a video, or --show in place of --live')
    sources = [source if source.live else LiveVideo(source) for source in opened.sources]
    return replace(opened, sources=sources)


class FrameRate:
    """Frames a second, over the last two seconds.

    Example:
        >>> times = iter([0.0, 0.5, 1.0])
        >>> rate = FrameRate(lambda: next(times))
        >>> [rate.tick() for _ in range(3)]
        [None, 2.0, 2.0]
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._times: deque[float] = deque()

    def tick(self) -> float | None:
        """A frame is done now; the rate, None at the first."""
        now = self._clock()
        while len(self._times) > 1 and self._times[0] < now - _RATE_OVER_S:
            self._times.popleft()
        self._times.append(now)
        passed = now - self._times[0]
        return (len(self._times) - 1) / passed if passed > 0 else None
