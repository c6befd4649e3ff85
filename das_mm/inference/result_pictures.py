"""The images that results are about, read again to draw on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.errors import UserError

from .image_io import read_image
from .sources import Frame, Report, Source, VideoSource


@dataclass(frozen=True)
class ResultFrame(Frame):
    """
    Attributes:
        is_missing: The picture was wanted and is not there, or is of another size: the image is grey.
    """

    is_missing: bool = False


_GREY = np.uint8(128)
_UNKNOWN_FPS = 25.0


class ResultPictures(Source):
    """One file of results as a source: an image, or the frames of a video.

    Args:
        path: The file, ``.json`` or ``.jsonl``.
        first: Its first result.
        wanted: Read the pictures; False: grey ones of the right size will do.
    """

    def __init__(self, path: str | Path, first: Mapping[str, Any], wanted: bool = True):
        super().__init__(first['image']['name'], first['image']['file'])
        self._wanted = wanted
        self._video: Iterator[Frame] | None = None
        self._shown: Frame | None = None
        if Path(path).suffix == '.jsonl':
            self.num_frames, self.fps = None, _UNKNOWN_FPS
            if wanted and self.file is not None and Path(self.file).is_file():
                video = VideoSource(self.name, self.file)
                self.fps, self._video = video.fps, video.frames(lambda error: None)

    def frames(self, report: Report, first: int = 0) -> Iterator[Frame]:
        raise NotImplementedError('frames are asked for one by one')

    def frame(self, result: Mapping[str, Any]) -> ResultFrame:
        """The picture of a result; of a video's results in their order."""
        about = result['image']
        size = (about['height'], about['width'], 3)
        image = self._picture(about) if self._wanted else None
        if image is None or image.shape != size:
            return ResultFrame(np.broadcast_to(_GREY, size), self, about['frame'], about['time_s'], self._wanted)
        return ResultFrame(image, self, about['frame'], about['time_s'])

    def _picture(self, about: Mapping[str, Any]) -> np.ndarray | None:
        if self._video is not None:
            while self._shown is None or (self._shown.index or 0) < about['frame']:
                self._shown = next(self._video, None)
                if self._shown is None:
                    return None
            return self._shown.image if self._shown.index == about['frame'] else None
        if self.fps is not None or about['file'] is None:
            return None
        try:
            return read_image(about['file'])
        except UserError:
            return None
