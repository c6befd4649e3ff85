"""Peaks to people along part affinity fields, near people first (SMAP's depth-aware grouping), numpy.

Letters: K keypoints, M limbs, n people, P peaks.
"""

from __future__ import annotations

import numpy as np

from das_mm.errors import UserError
from das_mm.registry import TASK_UTILS

from .heatmap_peaks import Peaks
from .limb_scores import limb_scores
from .limb_skeleton import limb_skeleton


@TASK_UTILS.register_module()
class DepthAwareGrouper:
    """Every peak of the root is a person; limb by limb, outward from the root, each takes the best peak left.

    People choose in the order of their depth, the nearest first, since a near person's limb lies before a far one's.
    A positive score is lessened by how much longer the limb would be than such limbs are at that depth:
    min(1.2 L f / (Z l) - 1, 0) for a length of l px. Without depths people choose by the score of their root and limbs
    may have any length, which is how fields are used in 2D.

    Args:
        keypoint_set: Whose limbs there are.
        stride: Pixels of the network input in a cell.
        length_factor: 1.2.

    Raises:
        UserError: The set lacks the end of a limb.
    """

    def __init__(self, keypoint_set: str = 'panoptic15_mpi', stride: float = 4, length_factor: float = 1.2):
        self.skeleton, self.stride, self.length_factor = limb_skeleton(keypoint_set), stride, length_factor

    def group(self, peaks: Peaks, fields: np.ndarray, root_depths_norm: np.ndarray | None = None) -> np.ndarray:
        """(n, K) int64 rows of ``peaks``, -1 where a person has none; near people first.

        Args:
            peaks: Of all keypoints.
            fields: (M, 2, h, w).
            root_depths_norm: (n,) depth over focal length, mm/px, at each peak of the root in order; None: unknown.

        Raises:
            UserError: A depth is not finite and positive, the fields are not those of the limbs, or the peaks those of
                another skeleton.
        """
        skeleton = self.skeleton
        roots = peaks.of(skeleton.root)
        self._check(peaks, fields, roots.stop - roots.start, root_depths_norm)
        if root_depths_norm is None:
            order = np.arange(roots.start, roots.stop)  # they are sorted by their scores
            depths = None
        else:
            near = np.argsort(root_depths_norm, kind='stable')
            order, depths = roots.start + near, np.asarray(root_depths_norm, np.float64)[near]
        people = np.full((len(order), skeleton.num_keypoints), -1, np.int64)
        people[:, skeleton.root] = order
        if len(order):
            tables = self._score_tables(peaks, fields)
            for limb, known, wanted in skeleton.outward:
                self._extend(people, tables[limb], limb, known, wanted, peaks, depths)
        return people

    def _score_tables(self, peaks: Peaks, fields: np.ndarray) -> list[np.ndarray]:
        """A table (peaks of the start, peaks of the end) of scores for each limb, all pairs at once."""
        pairs, shapes = [], []
        for limb, (start, end) in enumerate(self.skeleton.limbs):
            rows, columns = peaks.of(start), peaks.of(end)
            shapes.append((rows.stop - rows.start, columns.stop - columns.start))
            first = np.repeat(np.arange(rows.start, rows.stop), shapes[-1][1])
            second = np.tile(np.arange(columns.start, columns.stop), shapes[-1][0])
            pairs.append(np.stack([np.full_like(first, limb), first, second]))
        limb, first, second = np.concatenate(pairs, axis=1)
        scores = limb_scores(fields, limb, peaks.places[first], peaks.places[second])
        ends = np.cumsum([rows * columns for rows, columns in shapes])[:-1]
        return [part.reshape(shape) for part, shape in zip(np.split(scores, ends), shapes)]

    def _extend(
        self,
        people: np.ndarray,
        table: np.ndarray,
        limb: int,
        known: int,
        wanted: int,
        peaks: Peaks,
        depths: np.ndarray | None,
    ) -> None:
        """Fills the column ``wanted`` of ``people`` from the column ``known``."""
        rows = np.nonzero(people[:, known] >= 0)[0]
        candidates = peaks.of(wanted)
        if len(rows) == 0 or candidates.stop == candidates.start:
            return
        held = people[rows, known]
        oriented = table if self.skeleton.limbs[limb][0] == known else table.T
        scores = oriented[held - peaks.of(known).start]  # (rows, candidates)
        if depths is not None:
            step = peaks.places[held][:, None] - peaks.places[candidates][None]
            length_px = np.maximum(np.hypot(step[..., 0], step[..., 1]) * self.stride, 1e-6)
            usual_px = self.skeleton.lengths_mm[limb] / depths[rows, None]
            excess = np.minimum(self.length_factor * usual_px / length_px - 1, 0)
            scores = np.where(scores > 0, scores + excess, scores)
        else:
            scores = scores.copy()
        best, value = scores.argmax(1), scores.max(1)
        for place in np.nonzero(value > 0)[0]:
            choice = best[place]
            if scores[place, choice] <= 0:  # somebody nearer has it: what else is left
                choice = scores[place].argmax()
                if scores[place, choice] <= 0:
                    continue
            people[rows[place], wanted] = candidates.start + choice
            scores[:, choice] = -1

    def _check(self, peaks: Peaks, fields: np.ndarray, number: int, depths: np.ndarray | None) -> None:
        limbs, kset = len(self.skeleton.limbs), self.skeleton.keypoint_set
        if len(peaks.first) != kset.num_keypoints + 1:
            raise UserError(
                f'peaks of {len(peaks.first) - 1} keypoints cannot be grouped as {kset.name}, which has '
                f'{kset.num_keypoints}',
                field='keypoint_set',
                remedy='name the keypoint set that the heat maps are of',
            )
        if fields.ndim != 4 or fields.shape[:2] != (limbs, 2):
            raise UserError(
                f'the part affinity fields have shape {fields.shape}, not ({limbs}, 2, h, w)',
                field='fields',
                remedy=f'give two maps for each of the {limbs} limbs of {kset.name}',
            )
        if depths is None:
            return
        if np.shape(depths) != (number,) or not np.all(np.isfinite(depths)) or np.any(np.asarray(depths) <= 0):
            raise UserError(
                f'the depths of {number} roots must be as many finite positive numbers, mm per px of focal length',
                field='root_depths_norm',
                remedy='look for NaN in the training, or group without depths',
            )
