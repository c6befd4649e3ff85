"""What an earlier run left of an input, so that a run can go on after it.

Of a video that is every whole line of results, frame after frame from 0 on: in the ``.jsonl``, or after a kill in the
``.part`` beside it. Lines behind a damaged, missing or exchanged one are computed again. What the lines are of, with
which settings, and what was remembered of the people stands in a :class:`.RunRecord` beside them. The network runs
again for the frames behind the lines only (where people are followed: from the last that the record remembers);
annotated videos and viewers are drawn anew from the lines, so that each comes out in one piece. An image is done when
its ``.json`` is there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.errors import UserError

from .intrinsics import CameraFinder
from .output_streams import part_of
from .result_check import parse_result
from .result_files import read_results
from .run_record import RunRecord, input_words, record_path
from .sources import Frame, Source

_OF_IMAGES = 'resume'
_REMEDY = 'leave --resume out to begin anew, or give another --out'


@dataclass(frozen=True)
class _Lines:
    """The good lines that a file begins with.

    Attributes:
        path: The file. size: Bytes of these lines. last: Number of their last frame.
        result: Of that. ends: Bytes up to the end of a frame's line, by its number.
    """

    path: Path
    size: int
    last: int
    result: Mapping[str, Any]
    ends: Mapping[int, int]


class Earlier:
    """Results of one input by an earlier run.

    Attributes:
        path: The file, :attr:`size` bytes of which are whole lines.
        last: Number of the last frame that is done; None for an image.
        record: Of the earlier run; None where there is none.
        state: What it remembered of the people after frame ``state_frame``; None where that is not known.
    """

    def __init__(
        self, source: Source, path: Path, last_result: Mapping[str, Any], lines: _Lines | None, record: RunRecord | None
    ):
        self.source, self.path, self.record = source, path, record
        self.size = 0 if lines is None else lines.size
        self.last: int | None = None if lines is None else lines.last
        self._last_result = last_result
        self._results: Iterator[dict[str, Any]] | None = None
        self._next: dict[str, Any] | None = None
        self.state: Mapping[str, np.ndarray] | None = None
        self.state_frame = -1
        if lines is not None and record is not None and lines.ends.get(record.frame) == record.size_bytes:
            self.state, self.state_frame = record.state or None, record.frame

    @classmethod
    def of(cls, source: Source, predictions: Path) -> Earlier | None:
        """What is there of a source; None without anything.

        Raises:
            UserError: The source is a camera, or the file there is no file of results of this input.
        """
        if source.live:
            raise UserError('what a camera saw cannot be seen again', field='resume', remedy=_REMEDY)
        if not source.is_sequence:
            path = predictions / f'{source.name}.json'
            return cls(source, path, next(read_results(path)), None, None) if path.is_file() else None
        path = predictions / f'{source.name}.jsonl'
        record = RunRecord.read(record_path(predictions, source.name))
        gaps = [] if record is None else record.gaps
        found = [lines for file in (path, part_of(path)) if (lines := _good_lines(file, gaps)) is not None]
        best = max(found, key=lambda one: one.last, default=None)
        return None if best is None else cls(source, best.path, best.result, best, record)

    def check(self, settings: Mapping[str, Any], camera: CameraFinder) -> None:
        """
        Raises:
            UserError: The results were made in another way or of another input: half of a file from each would be of
                no use.
        """
        self._compare(self._told(), settings)
        if self.record is not None:
            self._compare(self.record.settings, settings)
            given = input_words(self.source.path or '')
            if dict(self.record.input) != given:
                raise self._unlike(
                    f'the earlier results are of another file of {self.record.input.get("bytes")} bytes, this one has '
                    f'{given["bytes"]} bytes and the hash {given["sha256"][:12]}…'
                )
        elif self.last is not None:
            logging.getLogger('das_mm').warning(
                f'{self.path}: nothing says which file and settings these results are of; they are taken to be the same'
            )
        self._check_camera(camera)

    def _compare(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        for name in now:
            if name in then and then[name] != now[name]:
                raise self._unlike(f'the earlier results are of {name} {then[name]}, these would be of {now[name]}')

    def _told(self) -> dict[str, Any]:
        """The settings that a result itself tells."""
        result, people = self._last_result, self._last_result['people']
        told = {name: result['model'].get(name) for name in ('weights_sha256', 'score_thr', 'boxes')}
        if self.last is not None:
            told['smoothed'] = result.get('smoothed', False)
        if people and self.last is not None:
            told['tracked'] = 'track_id' in people[0]
        if people and 'keypoints_sigma_px' in people[0]:
            told['with_sigma'] = True
        return told

    def _check_camera(self, camera: CameraFinder) -> None:
        """The intrinsics then and now."""
        then, image = self._last_result['camera'], self._last_result['image']
        size = (image['width'], image['height'])
        now = camera.find(size, self.source.path, is_photo=self.last is None)
        same = now['K'] is None or np.allclose(now['K'], then['K'], rtol=1e-6, atol=1e-6)
        if now['source'] != then['source'] or not same:
            raise self._unlike(f'its camera was of the source {then["source"]}, now another is given ({now["source"]})')

    def _unlike(self, problem: str) -> UserError:
        return UserError(problem, file=self.path, field='resume', remedy=_REMEDY)

    @property
    def complete(self) -> bool:
        """The earlier run came to its end, as far as the video says how long it is."""
        return self.path.suffix != '.part' and (
            self.last is None or self.last + 1 >= (self.source.num_frames or float('inf'))
        )

    def result_of(self, frame: Frame) -> dict[str, Any] | None:
        """The result of a frame up to :attr:`last`; None where the earlier run had none. To be asked for in order.

        Raises:
            UserError: The frame has another size than when the result was made: it is another video.
        """
        if self._results is None:
            self._results = self._read()
            self._next = next(self._results, None)
        if self.last is not None:
            while self._next is not None and self._next['image']['frame'] < frame.index:
                self._next = next(self._results, None)
            if self._next is None or self._next['image']['frame'] > frame.index:
                return None
        assert self._next is not None  # an image's file holds its result
        found, (height, width) = self._next['image'], frame.image.shape[:2]
        if (found['width'], found['height']) != (width, height):
            raise self._unlike(
                f'the earlier results are of {found["width"]}×{found["height"]} px, and the image has '
                f'{width}×{height} px'
            )
        return self._next

    def _read(self) -> Iterator[dict[str, Any]]:
        if self.last is None:
            yield from read_results(self.path)
            return
        with open(self.path, 'rb') as file:  # which goes on growing
            while file.tell() < self.size and (line := file.readline()):
                yield json.loads(line)


def _good_lines(path: Path, gaps: list[int]) -> _Lines | None:
    """The lines of frames 0, 1, 2, … but for ``gaps``, up to the first that is none of these; None without one.

    Raises:
        UserError: The file cannot be read, or is of images.
    """
    ends: dict[int, int] = {}
    left_out, size, expected, last = set(gaps), 0, 0, None
    try:
        with open(path, 'rb') as file:
            for number, line in enumerate(file, 1):
                while expected in left_out:
                    expected += 1
                try:
                    result = parse_result(line, path, number)
                    _check_line(result, line, expected, last, path)
                except UserError as error:
                    if error.field == _OF_IMAGES:
                        raise
                    if last is not None:
                        logging.getLogger('das_mm').warning(
                            f'{path}: line {number} is no line to go on after ({error.problem}): the frames from '
                            f'number {expected} on are computed again'
                        )
                    break
                size += len(line)
                ends[expected] = size
                last, expected = result, expected + 1
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(
            f'the earlier results cannot be read: {error.strerror or error}', file=path, field='resume', remedy=_REMEDY
        ) from error
    return None if last is None else _Lines(path, size, last['image']['frame'], last, ends)


def _check_line(
    result: Mapping[str, Any], line: bytes, expected: int, before: Mapping[str, Any] | None, path: Path
) -> None:
    image = result['image']
    if image['frame'] is None:
        raise UserError('it holds results of images, not of a video', file=path, field=_OF_IMAGES, remedy=_REMEDY)
    problem = None
    if image['frame'] != expected:
        problem = f'it is of frame {image["frame"]}, not {expected}'
    elif not line.endswith(b'\n'):
        problem = 'it is cut short'
    elif before is not None and (image['name'], result['keypoint_names']) != (
        before['image']['name'],
        before['keypoint_names'],
    ):
        problem = 'it is of another video or model'
    if problem is not None:
        raise UserError(problem, file=path, remedy=_REMEDY)
