"""Pictures and videos that the tests make themselves."""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image


def picture(width: int = 96, height: int = 64, seed: int = 0) -> np.ndarray:
    """(height, width, 3) uint8 BGR: coloured blobs."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (5, 7, 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def write_picture(path: Path, width: int = 96, height: int = 64, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture(width, height, seed))
    return path


def write_photo(path: Path, width: int, height: int, exif: dict[int, object], orientation: int = 1) -> Path:
    """A JPEG with EXIF fields; ``width`` and ``height`` are those of the stored pixels."""
    image = Image.fromarray(picture(width, height)[..., ::-1])
    fields = image.getexif()
    fields[0x0112] = orientation
    fields.get_ifd(0x8769).update(exif)
    image.save(path, exif=fields)
    return path


def write_video(path: Path, num_frames: int = 6, fps: float = 12.5, size: tuple[int, int] = (96, 64)) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), fps, size)
    assert writer.isOpened()
    for number in range(num_frames):
        writer.write(np.roll(picture(*size), 4 * number, axis=1))
    writer.release()
    return path
