"""Several pictures on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from . import canvas

_PAPER_BGR = (32, 28, 26)


def contact_sheet(
    images_bgr: Sequence[np.ndarray],
    columns: int,
    titles: Sequence[str] | None = None,
    *,
    cell_width_px: int = 480,
    gap_px: int = 8,
) -> np.ndarray:
    """Images in rows of ``columns``, each fitted to the same width, with its title above.

    Args:
        images_bgr: (H, W, 3) uint8 each, of any sizes; at least one.
        columns: Images in a row, at least 1.
        titles: One for each image.
        cell_width_px: Width of an image on the sheet.
        gap_px: Space about each image.

    Returns:
        (sheet height, sheet width, 3) uint8 BGR.
    """
    if not images_bgr or columns < 1:
        raise ValueError(f'a sheet needs at least one image and one column, got {len(images_bgr)} and {columns}')
    if titles is not None and len(titles) != len(images_bgr):
        raise ValueError(f'{len(titles)} titles for {len(images_bgr)} images')
    columns = min(columns, len(images_bgr))
    text_px = int(np.clip(cell_width_px / 26, 10, 22))
    head = canvas.text_size('X', text_px)[1] if titles is not None else 0
    cells = [
        _cell(image, cell_width_px, head, None if titles is None else titles[i], text_px)
        for i, image in enumerate(images_bgr)
    ]
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    heights = [max(len(cell) for cell in row) for row in rows]
    size = (sum(heights) + gap_px * (len(rows) + 1), columns * (cell_width_px + gap_px) + gap_px)
    sheet = np.empty((*size, 3), np.uint8)
    sheet[:] = _PAPER_BGR
    top = gap_px
    for row, height in zip(rows, heights):
        for column, cell in enumerate(row):
            left = gap_px + column * (cell_width_px + gap_px)
            sheet[top : top + len(cell), left : left + cell_width_px] = cell
        top += height + gap_px
    return sheet


def _cell(image: np.ndarray, width: int, head: int, title: str | None, text_px: int) -> np.ndarray:
    scale = width / image.shape[1]
    height = max(1, round(image.shape[0] * scale))
    cell = np.empty((head + height, width, 3), np.uint8)
    cell[:] = _PAPER_BGR
    cell[head:] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    if title:
        canvas.draw_text(cell[:head], title, (0, 0), text_px, background=None)
    return cell
