"""Sizes as they are written on a command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def parse_size(text: str) -> tuple[int, int] | None:
    """'832x512' or '832X512' to (832, 512), width first; None for what is no size."""
    width, cross, height = text.lower().partition('x')
    return (int(width), int(height)) if cross and width.isdigit() and height.isdigit() else None


def size_argument(example: str, least: int = 1) -> Callable[[str], tuple[int, int]]:
    """What reads a size for argparse.

    Args:
        example: A size, for the message to who wrote none.
        least: Of either side, px.
    """

    def read(text: str) -> tuple[int, int]:
        size = parse_size(text)
        if size is None or min(size) < least:
            raise argparse.ArgumentTypeError(
                f"'{text}' is no size: write WIDTHxHEIGHT, as {example}, at least {least}x{least}"
            )
        return size

    return read
