"""What a check found: faults and warnings, each told once with its number of culprits and the first few of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

_EXAMPLES = 5


@dataclass(frozen=True)
class Kind:
    """One kind of fault or oddity.

    Attributes:
        field: Where it lies, as ``annotations.keypoints``.
        problem: What is wrong; follows the field in a sentence.
        meaning: What comes of it, or how it usually comes about.
        remedy: What to do, where that is known.
    """

    field: str
    problem: str
    meaning: str
    remedy: str | None


@dataclass
class Finding:
    """A kind with its culprits: ``count`` in all, of whom ``examples`` names the first."""

    kind: Kind
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def as_dict(self) -> dict:
        """Plain values for json."""
        return {**asdict(self.kind), 'count': self.count, 'examples': self.examples}


class Findings:
    """Faults (the file cannot be used as it is) and warnings (it can, but looks odd), in the order they were met."""

    def __init__(self) -> None:
        self._faults: dict[tuple[str, str], Finding] = {}
        self._warnings: dict[tuple[str, str], Finding] = {}

    @property
    def faults(self) -> list[Finding]:
        return list(self._faults.values())

    @property
    def warnings(self) -> list[Finding]:
        return list(self._warnings.values())

    def fault(self, kind: Kind, culprits: Iterable[str], count: int = 1) -> None:
        """``culprits``: as many as one likes of the ``count`` entries at fault."""
        _add(self._faults, kind, culprits, count)

    def warn(self, kind: Kind, culprits: Iterable[str], count: int = 1) -> None:
        """Likewise for what is allowed but odd."""
        _add(self._warnings, kind, culprits, count)


def _add(found: dict[tuple[str, str], Finding], kind: Kind, culprits: Iterable[str], count: int) -> None:
    finding = found.setdefault((kind.field, kind.problem), Finding(kind))
    finding.count += count
    room = _EXAMPLES - len(finding.examples)
    finding.examples += [culprit for culprit, _ in zip(culprits, range(room))]
