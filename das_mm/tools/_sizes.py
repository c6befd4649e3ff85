"""Sizes as they are written on a command line."""
from __future__ import annotations


def parse_size(text: str) -> tuple[int, int] | None:
    """'832x512' or '832X512' to (832, 512), width first; None for what is no size."""
    width, cross, height = text.lower().partition('x')
    return (int(width), int(height)) if cross and width.isdigit() and height.isdigit() else None
