"""Images that were found unreadable, known to all worker processes of a dataset."""

from __future__ import annotations

import numpy as np
import torch


class UnreadableImages:
    """Marks in shared memory: what one process finds is known to all, and to the process that reports it.

    Args:
        known: (M,) bool, those that are known from the start.
    """

    def __init__(self, known: np.ndarray):
        self._marks = torch.from_numpy(known.astype(np.uint8)).share_memory_()

    def __contains__(self, row: int) -> bool:
        return bool(self._marks[row])

    def add(self, row: int) -> int:
        """Marks an image; how many there are now."""
        self._marks[row] = 1
        return int(self._marks.sum())

    def rows(self) -> list[int]:
        """Those found so far."""
        return np.flatnonzero(self._marks.numpy()).tolist()
