"""What an earlier run left of an input, so that a run can go on after it.

Of a video that is every whole line of results: in the ``.jsonl``, or after a kill in the ``.part`` beside it. The
network runs again for the frames behind them only (and for a few before, where frames build on each other); annotated
videos and viewers are drawn anew from the lines, so that each comes out in one piece. An image is done when its
``.json`` is there.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from das_mm.errors import UserError

from .output_streams import part_of
from .result_files import FORMAT, read_results
from .sources import Frame, Source

_BLOCK_BYTES = 1 << 16
_TRACK_ID = re.compile(rb'"track_id": (\d+)')
_SAME = ('weights_sha256', 'score_thr', 'smoothed', 'tracked')
_REMEDY = 'leave --resume out to begin anew, or give another --out'


class Earlier:
    """Results of one input by an earlier run.

    Attributes:
        path: The file, :attr:`size` bytes of which are whole lines.
        last: Number of the last frame that is done; None for an image.
    """

    def __init__(self, source: Source, path: Path, size: int, last_result: Mapping[str, Any]):
        self.source, self.path, self.size = source, path, size
        self.last: int | None = last_result['image']['frame']
        self._last_result = last_result
        self._results: Iterator[dict[str, Any]] | None = None
        self._next: dict[str, Any] | None = None

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
            return cls(source, path, path.stat().st_size, next(read_results(path))) if path.is_file() else None
        path = predictions / f'{source.name}.jsonl'
        found = [cls(source, file, *tail) for file in (path, part_of(path)) if (tail := _last_line(file)) is not None]
        for one in found:
            if one.last is None:
                raise UserError(
                    'it holds results of images, not of a video', file=one.path, field='resume', remedy=_REMEDY
                )
        return max(found, key=lambda one: one.last or 0, default=None)

    def check(self, model: Mapping[str, Any], tracked: bool, smoothed: bool) -> None:
        """
        Raises:
            UserError: The results were made in another way: half of a file from each would be of no use.
        """
        people = self._last_result['people']
        then, now = dict(self._last_result['model']), dict(model)
        if self.last is not None:
            then['smoothed'], now['smoothed'] = self._last_result.get('smoothed', False), smoothed
            then['tracked'], now['tracked'] = bool(people) and 'track_id' in people[0], tracked and bool(people)
        for name in _SAME:
            if then.get(name) != now.get(name):
                raise UserError(
                    f'the earlier results are of {name} {then[name]}, these would be of {now[name]}',
                    file=self.path,
                    field='resume',
                    remedy=_REMEDY,
                )

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
            raise UserError(
                f'the earlier results are of {found["width"]}×{found["height"]} px, and the image has '
                f'{width}×{height} px',
                file=self.path,
                field='resume',
                remedy=_REMEDY,
            )
        return self._next

    def highest_identity(self) -> int:
        """The highest track id in the lines; -1 without any."""
        highest = -1
        with open(self.path, 'rb') as file:
            while file.tell() < self.size and (line := file.readline()):
                highest = max(highest, *map(int, _TRACK_ID.findall(line)), -1)
        return highest

    def _read(self) -> Iterator[dict[str, Any]]:
        if self.last is None:
            yield from read_results(self.path)
            return
        with open(self.path, 'rb') as file:  # which goes on growing
            while file.tell() < self.size:
                yield json.loads(file.readline())


def _last_line(path: Path) -> tuple[int, dict[str, Any]] | None:
    """Bytes up to the end of the last whole line, and its result; None without one.

    Raises:
        UserError: It cannot be read.
    """
    try:
        with open(path, 'rb') as file:
            end = file.seek(0, os.SEEK_END)
            while end > 0:
                start = _line_start(file, end - 1)
                file.seek(start)
                result = _result_in(file.read(end - start))
                if result is not None:
                    return end, result
                end = start
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(
            f'the earlier results cannot be read: {error.strerror or error}', file=path, field='resume', remedy=_REMEDY
        ) from error
    return None


def _line_start(file, end: int) -> int:
    """Where the line begins whose last byte is at ``end``."""
    while end > 0:
        begin = max(0, end - _BLOCK_BYTES)
        file.seek(begin)
        found = file.read(end - begin).rfind(b'\n')
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def _result_in(line: bytes) -> dict[str, Any] | None:
    """What a kill or a power cut has left of a line is no result."""
    try:
        result = json.loads(line) if line.endswith(b'\n') else None
    except ValueError:
        return None
    return result if isinstance(result, dict) and result.get('format') == FORMAT else None
