"""OpenPose's 25 keypoints of the people of a data set, from a file or imitated. Letters: A people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from das_mm.engine.array_files import read_npz
from das_mm.errors import UserError
from das_mm.registry import TASK_UTILS
from das_mm.structures.keypoint_conversion import superset_indices
from das_mm.structures.keypoint_sets import OPENPOSE_SUFFIX, KeypointSet

_REMEDY = 'give an npz with `ann_id` (A,) and `openpose` (A, 25, 3) px and confidence, or leave `openpose` out'


class Detections(Protocol):
    """(25, 3) px of the stored image and confidence of one person."""

    def of(self, image: dict, place: int, row: int) -> np.ndarray:
        """Of the person at ``place`` of a record of :class:`.DASDataset`, ``row`` of the file."""
        ...


def build_detections(config: Mapping[str, Any] | None, source: KeypointSet, target: KeypointSet) -> Detections | None:
    """Detections out of a config: ``dict(type='DetectionFile', file=…)``, ``dict(type='OpenPoseFolder', folder=…)`` or
    ``dict(type='ImitatedDetections')``.

    Raises:
        UserError: The superset has no place for them.
    """
    if config is None:
        return None
    if not target.keypoints[0].endswith(OPENPOSE_SUFFIX):
        raise UserError(
            f'{target.name} has no place for detections',
            field='openpose',
            remedy='use spin49 or prohmr44, or leave it out',
        )
    kwargs = {} if config.get('type') == 'DetectionFile' else dict(source=source)
    return TASK_UTILS.build({'_scope_': 'das_mm', **config, **kwargs})


@TASK_UTILS.register_module()
class DetectionFile:
    """Detections by annotation id; people who are not in the file have none (confidence 0).

    Args:
        file: npz with ``ann_id`` (A,) and ``openpose`` (A, 25, 3), px of the stored image (0 is the centre of the first
            pixel) and confidence.

    Raises:
        UserError: It cannot be read, or holds something else.
    """

    def __init__(self, file: str | Path):
        stored = read_npz(file, _REMEDY, ('ann_id', 'openpose'))
        ids, found = stored.get('ann_id'), stored.get('openpose')
        if ids is None or ids.dtype.kind not in 'iu' or ids.ndim != 1:
            raise UserError('there is no list of whole numbers', file=file, field='ann_id', remedy=_REMEDY)
        if found is None or found.dtype.kind != 'f' or found.shape != (len(ids), 25, 3):
            told = None if found is None else f'{found.dtype} {found.shape}'
            raise UserError(
                f'is {told}, expected numbers of the shape {(len(ids), 25, 3)}',
                file=file,
                field='openpose',
                remedy=_REMEDY,
            )
        # a person whose numbers are no numbers was not found
        self.found = np.where(np.isfinite(found).all(axis=2, keepdims=True), found, 0.0).astype(np.float64)
        self.rows = {int(key): row for row, key in enumerate(ids)}

    def of(self, image: dict, place: int, row: int) -> np.ndarray:
        """See :class:`Detections`."""
        there = self.rows.get(int(image['ann_id'][place]))
        return np.zeros((25, 3)) if there is None else self.found[there]


@TASK_UTILS.register_module()
class ImitatedDetections:
    """What a detector might have found of labelled people: noise that grows as its confidence falls, gaps, outliers.

    Each person's detections follow from ``seed`` and the person alone. Keypoints that the data set does not label are
    not found.

    Args:
        source: Keypoint set of the data set.
        seed: Of the noise.
        noise: Standard deviation of the worst keypoints over the longer side of the box.
        dropout: Share of keypoints that are not found.
        outliers: Share that are found with confidence somewhere else in the box.
    """

    def __init__(
        self, source: KeypointSet, seed: int = 0, noise: float = 0.03, dropout: float = 0.1, outliers: float = 0.01
    ):
        self.table = superset_indices(source, 'spin49')[:25]  # -1 where it has none
        self.seed, self.noise, self.dropout, self.outliers = seed, noise, dropout, outliers

    def of(self, image: dict, place: int, row: int) -> np.ndarray:
        """See :class:`Detections`."""
        rng = np.random.default_rng([self.seed, row])
        box = image['bbox'][place].astype(np.float64)
        size = max(box[2] - box[0], box[3] - box[1], 1.0)
        points = image['keypoints'][place][self.table].astype(np.float64)
        known = (image['keypoints_flags'][place][self.table] > 0) & (self.table >= 0)
        spread = rng.uniform(0.1, 1.0, 25)  # of the noise; the detector knows how sure it is
        points = points + rng.normal(size=(25, 2)) * (self.noise * size * spread)[:, None]
        wrong = rng.random(25) < self.outliers
        points[wrong] = rng.uniform(box[:2], np.maximum(box[2:], box[:2] + 1), (25, 2))[wrong]
        confidence = np.clip(1.05 - 0.7 * spread + rng.normal(0, 0.05, 25), 0.05, 1.0)
        found = known & (rng.random(25) >= self.dropout)
        return np.concatenate([points, confidence[:, None]], axis=1) * found[:, None]
