"""Ratios of measurements, the goals that they are held against, and what bounds those that miss theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .timing import Spread, Taken, ratios


@dataclass(frozen=True)
class Quotient:
    """A ratio and its two parts.

    Attributes:
        numerator, denominator: Medians.
        ratio: Spread of the ratio over the rounds.
        unit: Of the parts: 's' or 'bytes'.
    """

    numerator: float
    denominator: float
    ratio: Spread
    unit: str = 's'


@dataclass(frozen=True)
class Goal:
    """The number that a ratio is held against: an upper bound, or with ``at_most=False`` a lower one."""

    value: float
    at_most: bool = True

    def is_met(self, ratio: float) -> bool:
        return ratio <= self.value if self.at_most else ratio >= self.value


@dataclass(frozen=True)
class RatioRow:
    """One ratio with its goal.

    Attributes:
        what: Whose ratio to what.
        scene: On which people.
        bound: For a missed goal: what bounds the ratio, counted.
        details: Further numbers, by name.
    """

    what: str
    scene: str
    quotient: Quotient
    goal: Goal
    bound: str = ''
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        return self.goal.is_met(self.quotient.ratio.median)

    def explained(self, bound: str, **details: Any) -> RatioRow:
        """The same with further details and, where the goal is missed, with what bounds the ratio."""
        return replace(self, bound='' if self.met else bound, details={**self.details, **details})

    def as_dict(self) -> dict[str, Any]:
        """The row as ``dense.json`` holds it, flat."""
        return dict(
            what=self.what,
            scene=self.scene,
            ratio=self.quotient.ratio.as_dict(),
            goal=self.goal.value,
            at_most=self.goal.at_most,
            numerator=self.quotient.numerator,
            denominator=self.quotient.denominator,
            unit=self.quotient.unit,
            bound=self.bound,
            details=dict(self.details),
            met=self.met,
        )


def time_row(what: str, scene: str, numerator: Taken, denominator: Taken, goal: Goal) -> RatioRow:
    """The ratio of two functions' work, round by round; that of their latency is among the details."""
    return RatioRow(
        what,
        scene,
        Quotient(
            Spread.of(numerator.work_s).median,
            Spread.of(denominator.work_s).median,
            ratios(numerator.work_s, denominator.work_s),
        ),
        goal,
        details=dict(wall_ratio=ratios(numerator.wall_s, denominator.wall_s).as_dict()),
    )


@dataclass(frozen=True)
class Check:
    """A comparison of results that were found equal.

    Attributes:
        what: Whose results.
        scene: On which people.
        difference: The largest.
        tolerance: What is allowed.
        people_found: By both; None where nobody is looked for.
    """

    what: str
    scene: str
    difference: float
    tolerance: float
    people_found: int | None = None

    def as_dict(self) -> dict[str, Any]:
        found = asdict(self)
        if self.people_found is None:
            del found['people_found']
        return found


def check_equal(what: str, scene: str, difference: float, tolerance: float, people_found: int | None = None) -> Check:
    """Compare a difference with its tolerance.

    Raises:
        RuntimeError: They do not.
    """
    if not difference <= tolerance:
        raise RuntimeError(f'{what}, {scene}: sparse and dense differ by {difference:.3g}, more than {tolerance:g}')
    return Check(what, scene, difference, tolerance, people_found)


@dataclass
class Findings:
    """What a comparison found: rows, the checks made before, and seconds of the stages of single runs."""

    rows: list[RatioRow] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)

    def extend(self, other: Findings) -> None:
        self.rows += other.rows
        self.checks += other.checks
        self.stages += other.stages
