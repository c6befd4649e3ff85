"""What a conversion gave."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class ConversionReport:
    """The files, their counts, and what looked odd.

    Attributes:
        out: The annotation file. ``smpl``: the SMPL file beside it; None where nobody has parameters.
        counts: 'sequences', 'images', 'people', 'people with 3D', … and what the converter counted itself.
        notes: What looked odd. ``failed``: jobs left out, name -> what was wrong.
        medians: Of the numbers that were checked (:class:`.PeopleStatistics`).
        samples: Some images spread over the file, for a picture: (entry of ``images[]``, its annotations).
    """

    out: Path
    smpl: Path | None = None
    counts: Counter = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    medians: dict[str, float] = field(default_factory=dict)
    samples: list[tuple[dict, list[dict]]] = field(default_factory=list)
