"""Pictures and videos that the tests make themselves."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
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


def write_avi(path: Path, num_frames: int) -> Path:
    """Motion JPEG: each frame stands alone, so that one can be broken. Frame N is the picture moved by 4 N px."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 25, (96, 64))
    for number in range(num_frames):
        writer.write(np.roll(picture(), 4 * number, axis=1))
    writer.release()
    return path


def break_pictures(path: Path, broken: Sequence[int]) -> Path:
    """Overwrites some frames of a film of motion JPEG with zeros."""
    data = bytearray(path.read_bytes())
    at, places = data.index(b'movi'), []
    while (at := data.find(b'\xff\xd8\xff', at)) >= 0:
        places.append(at)
        at += 3
    places.append(data.index(b'idx1', places[-1]) + 8)
    for number in broken:
        end = places[number + 1] - 8
        data[places[number] : end] = bytes(end - places[number])
    path.write_bytes(data)
    return path


def write_timed_video(path: Path, times_ms: Sequence[int], codec: str = 'libx264') -> Path:
    """Frames that begin at these times, grey value 20 · number; through PyAV, with frames that refer to later ones."""
    import av

    tick = Fraction(1, 1000)
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, 'yuv420p'
        stream.time_base = stream.codec_context.time_base = tick
        for number, time_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 20 * number, np.uint8), format='bgr24')
            frame.pts, frame.time_base = time_ms, tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


class Capture:
    """Stands for OpenCV's: ten frames are announced; what `pictures` holds is given, None for a failure."""

    def __init__(self, pictures, is_open=True, fps=10.0, times_ms=None):
        self.pictures, self.is_open, self.released, self.settings = iter(pictures), is_open, False, {}
        self.fps, self.times_ms, self.number = fps, times_ms, -1

    def read(self):
        return (True, self.image) if self.grab() else (False, None)

    def grab(self):
        self.image = next(self.pictures, None)
        self.number += 1
        return self.image is not None

    def retrieve(self):
        return True, self.image

    def set(self, what, value):
        self.settings[what] = value
        return True

    def get(self, what):
        if what == cv2.CAP_PROP_POS_MSEC:
            return self.number * 100.0 if self.times_ms is None else self.times_ms[self.number]
        return {cv2.CAP_PROP_FPS: self.fps, cv2.CAP_PROP_FRAME_COUNT: 10.0}.get(what, 0.0)

    def isOpened(self):
        return self.is_open

    def release(self):
        self.released = True


# ---------------------------------------------------------------- mp4 files as phones write them, which OpenCV cannot

_PARENTS = (b'moov', b'trak', b'mdia', b'minf', b'stbl', b'edts')


def turn_video(path: Path, degrees: int) -> Path:
    """Tell players to turn an mp4 by 90, 180 or 270 degrees clockwise, as a phone does that was held upright."""
    matrices = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    a, b, c, d = (65536 * value for value in matrices[degrees])
    data = bytearray(path.read_bytes())
    at = data.index(b'tkhd') + 44
    data[at : at + 36] = struct.pack('>9i', a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def retime_video(path: Path, steps_s: list[float]) -> Path:
    """Give every frame of an mp4 of OpenCV's its own duration."""
    data = path.read_bytes()
    at = data.index(b'mdhd')
    scale = struct.unpack('>I', data[at + 16 : at + 20])[0]
    steps = [round(step * scale) for step in steps_s]
    path.write_bytes(_rewritten(data, steps, scale))
    return path


def _rewritten(data: bytes, steps: list[int], scale: int) -> bytes:
    boxes, at = [], 0
    while at < len(data):
        size, kind = struct.unpack('>I4s', data[at : at + 8])
        content = data[at + 8 : at + size]
        if kind in _PARENTS:
            content = _rewritten(content, steps, scale)
        elif kind == b'stts':
            assert len(content) == 16, 'frames of one duration so far'
            content = struct.pack('>II', 0, len(steps)) + b''.join(struct.pack('>II', 1, step) for step in steps)
        elif kind == b'elst':  # players stop where the edit ends
            content = content[:8] + struct.pack('>I', round(1000 * sum(steps) / scale)) + content[12:]
        boxes.append(struct.pack('>I4s', len(content) + 8, kind) + content)
        at += size
    return b''.join(boxes)


def break_frames(path: Path, share: tuple[float, float]) -> Path:
    """Overwrite a part of a video file's pictures, given as shares of the file."""
    data = bytearray(path.read_bytes())
    first, last = (round(one * len(data)) for one in share)
    data[first:last] = b'\x55' * (last - first)
    path.write_bytes(data)
    return path
