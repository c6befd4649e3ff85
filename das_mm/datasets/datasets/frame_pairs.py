"""Frames of videos with the frame before them, for tracking networks (journal paper §3.4)."""

from __future__ import annotations

import numpy as np

from das_mm.registry import DATASETS

from .das_dataset import DASDataset


class FramePairs(DASDataset):
    """Adds to every record of a :class:`DASDataset` the record of another frame of its video, ``previous``.

    In training that is a random frame at most ``max_gap`` frames away, before or after, so that people are seen moving
    in both directions and at several speeds; unlabelled frames serve too (their people are unknown). In test mode there
    is none, since a tracking model remembers the frame that it saw last. Images that stand alone have ``previous``
    None; the transform :class:`.AddPreviousFrame` then makes one out of the image itself.

    Args:
        max_gap: Frames (paper: 3).
        *args, **kwargs: What the dataset takes.
    """

    def __init__(self, *args, max_gap: int = 3, **kwargs):
        self.max_gap = max_gap
        super().__init__(*args, **kwargs)

    def full_init(self) -> None:
        """Also sorts the frames of each video, once."""
        if self._fully_initialized:
            return
        super().full_init()
        columns = self.data_list.table.columns
        video = columns['seq'].astype(np.int64) * (int(columns['view'].max()) + 1) + columns['view']
        self._order = np.lexsort([columns['frame'], video])  # rows of the table, video after video
        self._rank = np.argsort(self._order)  # where a row stands in that order
        self._video_in_order = video[self._order]
        self._frame_in_order = np.asarray(columns['frame'])[self._order]

    def get_data_info(self, idx: int) -> dict:
        record = super().get_data_info(idx)
        record['previous'] = None
        if not self.test_mode:
            neighbours = self._neighbours(int(self.data_list.rows[idx]))
            if len(neighbours):
                record['previous'] = self._adapted(self.data_list.table.record(int(np.random.choice(neighbours))))
        return record

    def _neighbours(self, row: int) -> np.ndarray:
        """Rows of the table at most ``max_gap`` frames from ``row`` in its video, itself left out."""
        place = self._rank[row]
        near = np.arange(max(0, place - self.max_gap), min(len(self._order), place + self.max_gap + 1))
        gap = np.abs(self._frame_in_order[near] - self._frame_in_order[place])
        same = self._video_in_order[near] == self._video_in_order[place]
        return self._order[near[same & (gap > 0) & (gap <= self.max_gap)]]


@DATASETS.register_module()
class DASVideoDataset(FramePairs):
    """Videos in the package's annotation format: images of one ``seq`` (and ``view``), ordered by ``frame``."""


@DATASETS.register_module()
class DASPoseTrack18Dataset(FramePairs):
    """PoseTrack18: 2D only; the ears of its annotations are never labelled."""

    NATIVE_SET = 'posetrack17'
