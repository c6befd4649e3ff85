"""Plots: made outside pyplot's global state, written whole or not at all, with an error that names the path."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from das_mm.engine import atomic_write
from das_mm.errors import UserError


def new_figure(width_in: float, height_in: float, layout: Literal['constrained'] | None = 'constrained') -> Figure:
    """A matplotlib figure on the Agg canvas, outside pyplot's global state; 100 dots per inch.

    ``layout=None`` leaves the placing to the caller: with dozens of panels matplotlib's engine takes seconds.
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
        raise UserError(
            f'the suffix {suffix!r} is no picture format that can be written',
            file=path,
            remedy='end the file name in .png, .pdf or .svg',
        )
    buffer = io.BytesIO()
    figure.savefig(buffer, format=suffix)
    atomic_write(path, buffer.getvalue())
    return Path(path)
