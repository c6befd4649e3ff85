"""Writing pictures and pages: whole or not at all, and with an error that names the path."""
from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from das_mm.errors import UserError


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write ``content`` to ``path`` so that a reader sees the old file or the new one, never half of it.

    Folders on the way are made. Returns the path as a :class:`Path`.

    Raises:
        UserError: The path cannot be written (no permission, a folder of that name, no space left).
    """
    path = Path(path)
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=f'.{path.name}.', suffix='.part', dir=path.parent)
        with os.fdopen(handle, 'wb') as file:
            file.write(content)
        # mkstemp makes private files; give the picture the rights of any newly made file instead
        os.chmod(part, 0o666 & ~_umask())
        os.replace(part, path)
    except OSError as error:
        if part is not None and os.path.exists(part):
            os.unlink(part)
        raise UserError(f'cannot be written ({error.strerror or error})', file=path,
                        remedy='choose an output folder that you may write to, on a disk with free space') from error
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def save_image(path: str | Path, image_bgr: np.ndarray) -> Path:
    """Write an image (H, W, 3) uint8 BGR; the format follows the suffix of ``path`` (.png, .jpg, …).

    Raises:
        UserError: OpenCV knows no format of that suffix, or the path cannot be written.
    """
    suffix = Path(path).suffix.lower()
    try:
        done, buffer = cv2.imencode(suffix, np.ascontiguousarray(image_bgr))
    except cv2.error:
        done = False
    if not done:
        raise UserError(f'the suffix {suffix!r} is no image format that can be written', file=path,
                        remedy='end the file name in .png or .jpg')
    return write_bytes(path, buffer.tobytes())


def new_figure(width_in: float, height_in: float, layout: str = 'constrained') -> Figure:
    """A matplotlib figure on the Agg canvas, outside pyplot's global state; 100 dots per inch.

    ``layout='none'`` leaves the placing to the caller: with dozens of panels matplotlib's engine takes seconds.
    """
    figure = Figure(figsize=(width_in, height_in), dpi=100, layout=layout, facecolor='white')
    FigureCanvasAgg(figure)
    return figure


def save_figure(path: str | Path, figure: Figure) -> Path:
    """Render ``figure`` as PNG (or as the suffix of ``path`` says: .pdf, .svg) and write it whole or not at all.

    Raises:
        UserError: The suffix is unknown to matplotlib, or the path cannot be written.
    """
    suffix = Path(path).suffix.lower().removeprefix('.') or 'png'
    if suffix not in figure.canvas.get_supported_filetypes():
        raise UserError(f'the suffix {suffix!r} is no picture format that can be written', file=path,
                        remedy='end the file name in .png, .pdf or .svg')
    buffer = io.BytesIO()
    figure.savefig(buffer, format=suffix)
    return write_bytes(path, buffer.getvalue())


def figure_to_bgr(figure: Figure) -> np.ndarray:
    """The rendered figure as (H, W, 3) uint8 BGR, for contact sheets and tests."""
    figure.canvas.draw()
    rgba = np.asarray(figure.canvas.buffer_rgba())
    return cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGR)
