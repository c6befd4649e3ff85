"""Single frames of a video as image files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2

from das_mm.engine import atomic_write
from das_mm.errors import UserError

_JPEG_QUALITY = 95


def extract_frames(video: str | Path, wanted: Mapping[int, Path]) -> int:
    """Writes frames that are not there yet.

    The video is decoded from its beginning: going to a frame by its number is not exact with all codecs.

    Args:
        video: The file.
        wanted: Number of a frame, from 0 -> the jpg to write.

    Returns:
        How many were written; frames beyond the end of the video are left out.

    Raises:
        UserError: The video cannot be decoded, or nothing can be written.
    """
    todo = {index: path for index, path in wanted.items() if not path.exists()}
    if not todo:
        return 0
    capture = cv2.VideoCapture(str(video))
    written = 0
    try:
        if not capture.isOpened():
            raise UserError('the video cannot be opened', file=video, remedy='copy or download the file again')
        for index in range(max(todo) + 1):
            if not capture.grab():
                break
            if index in todo:
                good, image = capture.retrieve()
                if good:
                    _, jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
                    atomic_write(todo[index], jpeg.tobytes())
                    written += 1
    finally:
        capture.release()
    return written
