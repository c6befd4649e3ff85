"""Files that grow frame by frame and are worth something whenever the run ends: json lines and annotated videos.

Both are written under a temporary name beside the final one, which they get when they are closed, also after Ctrl-C.
What a kill leaves is the temporary file.
"""
from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from das_mm.errors import UserError

from .results import result_text

_REMEDY = 'free space on that disk, or choose another folder'


class ResultLines:
    """A ``.jsonl`` of results, one line a frame; each line is on its way to the disk when :meth:`write` returns."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._part = self.path.with_name(f'.{self.path.name}.part')
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self._part, 'w', encoding='utf-8')
        except OSError as error:
            raise self._cannot(error) from error

    def write(self, result: Mapping[str, Any]) -> None:
        """Add a result.

        Raises:
            UserError: The disk is full.
        """
        try:
            self._file.write(result_text(result) + '\n')
            self._file.flush()
        except OSError as error:
            raise self._cannot(error) from error

    def close(self) -> None:
        """Give the file its name.

        Raises:
            UserError: That cannot be done.
        """
        try:
            self._file.close()
            os.replace(self._part, self.path)
        except OSError as error:
            raise self._cannot(error) from error

    def _cannot(self, error: OSError) -> UserError:
        return UserError(f'the results cannot be written: {error.strerror or error}', file=self.path, remedy=_REMEDY)


class AnnotatedVideo:
    """An mp4 (codec mp4v) of the frames given, all of one size.

    Args:
        path: The ``.mp4``.
        fps: Frames a second.

    A width or height that is odd loses its last pixel: the codec knows even ones only.
    """

    def __init__(self, path: str | Path, fps: float):
        self.path, self.fps = Path(path), fps
        self._part = self.path.with_name(f'.{self.path.stem}.part.mp4')
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._written = 0

    def write(self, image_bgr: np.ndarray) -> None:
        """Add a frame (H, W, 3) uint8.

        Raises:
            UserError: The file cannot be made.
        """
        height, width = image_bgr.shape[:2]
        if self._writer is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UserError(f'the folder cannot be made: {error.strerror}', file=self.path.parent,
                                remedy=_REMEDY) from error
            self._size = (width, height)
            self._writer = cv2.VideoWriter(str(self._part), cv2.VideoWriter_fourcc(*'mp4v'), self.fps, self._size)
            if not self._writer.isOpened():
                raise UserError(f'a video of {width}×{height} px and {self.fps:g} frames a second cannot be made',
                                file=self.path, remedy='choose a folder that you may write to, or leave the video out')
        if (width, height) != self._size:  # a stream may change its resolution; a file cannot
            image_bgr = cv2.resize(image_bgr, self._size, interpolation=cv2.INTER_AREA)
        self._writer.write(image_bgr)
        self._written += 1

    def close(self) -> None:
        """Finish the file and give it its name; without a frame there is none.

        Raises:
            UserError: It does not hold what was written, as on a full disk (OpenCV's writer itself says nothing).
        """
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        capture = cv2.VideoCapture(str(self._part))
        kept = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.release()
        if kept != self._written:
            raise UserError(f'only {kept} of {self._written} frames are in the video', file=self._part, remedy=_REMEDY)
        os.replace(self._part, self.path)
