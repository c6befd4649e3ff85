"""Differences between people that a model and its exported graph found in the same images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mmengine.structures import InstanceData
from scipy.optimize import linear_sum_assignment

from das_mm.errors import UserError

_BORDER = 1e-4  # a score so near to the threshold may lie on either side of it


@dataclass
class Differences:
    """Between people found twice.

    Attributes:
        people: Numbers found by PyTorch and by the graph.
        unmatched: People that only one of them found, without those whose score is at the threshold.
        at_threshold: Those.
        largest, total, count: Of the absolute differences, by field.
    """

    people: list[int] = field(default_factory=lambda: [0, 0])
    unmatched: int = 0
    at_threshold: int = 0
    largest: dict[str, float] = field(default_factory=dict)
    total: dict[str, float] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=dict)

    def add(self, expected: InstanceData, given: InstanceData, score_thr: float, same_px: float) -> None:
        """People of one image, as ``DASHead.predict`` gives them."""
        rows, columns = _pairs(expected, given, same_px)
        alone = np.concatenate(
            [np.delete(np.asarray(found['scores']), some) for found, some in ((expected, rows), (given, columns))]
        )
        near = np.abs(alone - score_thr) <= _BORDER
        self.people = [self.people[0] + len(expected), self.people[1] + len(given)]
        self.at_threshold += int(near.sum())
        self.unmatched += int((~near).sum())
        for name in set(expected.keys()) & set(given.keys()):
            difference = np.abs(np.asarray(expected[name])[rows] - np.asarray(given[name])[columns])
            # a NaN is no agreement
            self.largest[name] = float(np.max(difference, initial=self.largest.get(name, 0.0)))
            self.total[name] = self.total.get(name, 0.0) + float(difference.sum(dtype=np.float64))
            self.count[name] = self.count.get(name, 0) + difference.size
        missing = set(expected.keys()) ^ set(given.keys()) if len(expected) else set()
        if missing:
            raise UserError(
                f'only one of both gives {", ".join(sorted(missing))}',
                field='outputs',
                remedy='export the checkpoint again',
            )

    @property
    def highest(self) -> float:
        """The largest of all; NaN if there is any."""
        return float(np.max([*self.largest.values()], initial=0.0))

    def within(self, tolerance: float, tolerance_mm: float) -> bool:
        """Whether everybody was found by both, and no difference is larger, in fields of mm than the second; not so
        where one is NaN."""
        limits = {name: tolerance_mm if name.endswith('_mm') else tolerance for name in self.largest}
        return not self.unmatched and all(self.largest[name] <= limit for name, limit in limits.items())

    def summary(self) -> dict[str, Any]:
        fields = {
            name: dict(max=self.largest[name], mean=self.total[name] / max(self.count[name], 1))
            for name in sorted(self.largest)
        }
        return dict(
            people_torch=self.people[0],
            people_onnx=self.people[1],
            unmatched=self.unmatched,
            at_threshold=self.at_threshold,
            max_difference=self.highest,
            differences=fields,
        )


def _pairs(expected: InstanceData, given: InstanceData, same_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows of both that are the same person."""
    ours, theirs = (np.asarray(found['keypoints_px'], np.float64) for found in (expected, given))
    if not len(ours) or not len(theirs):
        return np.zeros(0, int), np.zeros(0, int)
    distance = np.nan_to_num(np.linalg.norm(ours[:, None] - theirs, axis=-1).mean(-1), nan=1e9)
    rows, columns = linear_sum_assignment(np.minimum(distance, 1e9))
    near = distance[rows, columns] <= same_px
    return rows[near], columns[near]
