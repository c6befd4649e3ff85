"""The numbers of a table over seeds, and whether they change from row to row as in the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .tables import Metric, Table

_CONFIDENCE = 0.95
YES, NO, NOISE, UNKNOWN = 'yes', 'no', 'within noise', 'one seed'


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over n seeds; the latter is None for one seed."""

    mean: float
    std: float | None
    num: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """The spread of some values; None where there is none."""
        if not len(values):
            return None
        return cls(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None, len(values))


@dataclass(frozen=True)
class Comparison:
    """The difference between a row and another.

    Attributes:
        against: Number of the other row.
        paper, ours: This row's number minus the other's.
        noise: Half the width of the 95 % interval of ``ours``; None where no row has a second seed.
        verdict: Whether ours moves as the paper's: yes, no, within noise, or 'one seed': nothing tells the noise.
    """

    against: int
    paper: float
    ours: float
    noise: float | None
    verdict: str


def pooled_std(spreads: Sequence[Spread]) -> tuple[float, int] | None:
    """The standard deviation over seeds, taken to be the same in all rows, and its degrees of freedom.

    Three seeds of one row tell little of their spread, three seeds of each of five rows more.

    Returns:
        None where no row has a second seed.
    """
    several = [(one.std, one.num - 1) for one in spreads if one.std is not None]
    freedom = sum(degrees for _, degrees in several)
    if not freedom:
        return None
    return float(np.sqrt(sum(degrees * std**2 for std, degrees in several) / freedom)), freedom


def compare_rows(table: Table, metric: Metric, found: Mapping[int, Spread]) -> dict[int, list[Comparison]]:
    """Compare the rows that the paper compares, where both have been trained.

    Args:
        table: The table.
        metric: One of the paper's.
        found: Row number -> ours.

    Returns:
        Row number -> its comparisons.
    """
    pooled = pooled_std(list(found.values()))
    comparisons = {}
    for row in table.rows:
        others = [table.row(number) for number in row.against]
        comparisons[row.number] = [
            _compare(
                row.paper[metric.name] - other.paper[metric.name],
                found[row.number],
                found[other.number],
                pooled,
                other.number,
            )
            for other in others
            if metric.name in row.paper and metric.name in other.paper and row.number in found and other.number in found
        ]
    return comparisons


def _compare(paper: float, row: Spread, other: Spread, pooled: tuple[float, int] | None, against: int) -> Comparison:
    ours, noise = row.mean - other.mean, None
    verdict = UNKNOWN
    if pooled is not None:
        std, freedom = pooled
        noise = float(stats.t.ppf(0.5 + _CONFIDENCE / 2, freedom) * std * np.sqrt(1 / row.num + 1 / other.num))
        verdict = NOISE if abs(ours) <= noise else YES if ours * paper > 0 else NO
    return Comparison(against, paper, ours, noise, verdict)
