"""Single frames of a video as image files."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import cv2

from das_mm.engine import atomic_write
from das_mm.engine.video_files import decoded_frames, open_video
from das_mm.errors import UserError
from das_mm.printable import printable

_JPEG_QUALITY = 95


def extract_frames(video: str | Path, wanted: Mapping[int, Path]) -> int:
    """Writes frames that are not there yet.

    The video is decoded from its beginning: going to a frame by its number is not exact with all codecs.

    Args:
        video: The file.
        wanted: Number of a frame, from 0 -> the jpg to write.

    Returns:
        How many were written. Frames beyond the end of the video are left out, and so are those that cannot be decoded,
        of which a warning tells.

    Raises:
        UserError: The video cannot be decoded, or nothing can be written.
    """
    todo = {index: path for index, path in wanted.items() if not path.exists()}
    if not todo:
        return 0
    written, broken, last = 0, [], max(todo)
    with open_video(video) as capture:
        if not capture.isOpened():
            raise UserError('the video cannot be opened', file=video, remedy='copy or download the file again')
        for frame in decoded_frames(capture, broken.append, todo.__contains__):
            if frame.image is not None:
                _, jpeg = cv2.imencode('.jpg', frame.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
                atomic_write(todo[frame.number], jpeg.tobytes())
                written += 1
            if frame.number >= last:
                break
    missed = sorted(todo.keys() & set(broken))
    if missed:
        logging.getLogger('das_mm').warning(
            f'{printable(video)}: {len(missed)} frames cannot be decoded, the first is number {missed[0]}; they are '
            'left out. Copy or download the file again if that matters'
        )
    return written
