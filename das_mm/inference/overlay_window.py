"""A window that shows overlays while a run goes on."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator

import cv2
import numpy as np

from das_mm.errors import UserError
from das_mm.visualization.canvas import draw_text
from das_mm.visualization.tags import tag_text_px

from .live import FrameRate
from .run import Found

_TITLE = 'das_mm: any key goes on, q or Esc ends'
_QUIT = {ord('q'), 27}
_MOMENT_MS = 1  # in which the window is drawn


def check_display() -> None:
    """Whether windows can be opened here.

    Raises:
        UserError: There is no display; OpenCV would end the whole process.
    """
    if sys.platform.startswith('linux') and not (os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')):
        raise UserError(
            'there is no display to show pictures on', field='show', remedy='leave it out, and look at the overlays'
        )


def show_overlays(
    found: Generator[Found, None, None], wait_time: float = 0.0, rate: FrameRate | None = None
) -> Generator[Found, None, None]:
    """Hand on what a run gives, and show each overlay before.

    Args:
        found: Of a run that draws overlays.
        wait_time: Seconds that an image stays; 0 waits for a key. Frames of videos and webcams follow each other.
        rate: Write how many frames a second there are.

    Raises:
        UserError: OpenCV was built without windows.
    """
    try:
        with contextlib.closing(found):
            for one in found:
                wait_ms = _MOMENT_MS if one.frame.index is not None else max(0, round(1000 * wait_time))
                go_on = one.overlay is None or _show(_with_rate(one.overlay, rate), wait_ms)
                yield one
                if not go_on:
                    return
    finally:
        with contextlib.suppress(cv2.error):  # of an OpenCV without windows
            cv2.destroyAllWindows()


def _with_rate(overlay: np.ndarray, rate: FrameRate | None) -> np.ndarray:
    """A copy of the overlay that tells the rate in its corner, where one is known."""
    now = None if rate is None else rate.tick()
    if now is None:
        return overlay
    shown, size_px = overlay.copy(), tag_text_px(overlay)
    draw_text(shown, f'{now:.1f} frames/s', (size_px // 2, size_px // 2), size_px)
    return shown


def _show(overlay: np.ndarray, wait_ms: int) -> bool:
    """Whether the user wants more."""
    try:
        cv2.imshow(_TITLE, overlay)
        return cv2.waitKey(wait_ms) & 0xFF not in _QUIT
    except cv2.error as error:
        raise UserError(
            f'OpenCV cannot open a window: {error.err or error}',
            field='show',
            remedy='install opencv-python in place of opencv-python-headless, or leave it out',
        ) from error
