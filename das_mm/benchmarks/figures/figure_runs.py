"""Which figures there are, and the measuring of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from das_mm.benchmarks.speed.machine import describe_software
from das_mm.engine import atomic_write, check_writable

from .lost_identities import lost_lines, measure_lost_identities
from .overlapping_people import measure_overlap, overlap_lines
from .update_spread import measure_update, update_lines

#: name -> (what measures, what makes lines of it)
FIGURES: dict[str, tuple[Callable[..., Any], Callable[[Any], list[str]]]] = dict(
    update=(measure_update, update_lines),
    overlap=(measure_overlap, overlap_lines),
    lost=(measure_lost_identities, lost_lines),
)


def measure_figure(
    name: str, config: str, checkpoint: str | Path, out: str | Path, num_images: int | None = None
) -> tuple[Path, list[str]]:
    """Measure one and write it to ``out``/``figure_<name>.json``.

    Args:
        name: One of :data:`FIGURES`.
        config, checkpoint: The model.
        out: Folder.
        num_images: Scenes or frames, by default as many as the figure wants.

    Returns:
        The file, and a table for people.

    Raises:
        UserError: The model has not what the figure is about, or a file cannot be read or written.
    """
    check_writable(out, '--out')
    measure, lines = FIGURES[name]
    wanted = {} if num_images is None else dict(num_images=num_images)
    found = measure(config, checkpoint, out, **wanted)
    path = Path(out) / f'figure_{name}.json'
    report = dict(figure=name, config=config, checkpoint=str(checkpoint), **wanted, found=found, **describe_software())
    atomic_write(path, (json.dumps(report, indent=1) + '\n').encode())
    return path, lines(found)
