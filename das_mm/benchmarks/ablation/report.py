"""What the runs found: beside the papers' numbers, with mean and spread, and whether the rows move as in the papers."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from das_mm.engine import atomic_write
from das_mm.evaluation.functional.calibration import Calibration
from das_mm.visualization.calibration import plot_calibration

from .pictures import plot_tables
from .report_text import markdown
from .row_comparison import Spread, compare_rows
from .run_plan import SIZES, Run
from .run_state import RunState, read_state
from .tables import TABLES, Metric, Table

#: of a run, in the table of what was trained
SETTINGS = ('train_images', 'test_images', 'image_size', 'epochs', 'batch_size', 'steps')
_MACHINE = ('cpu', 'gpu', 'cores', 'threads', 'torch', 'das_mm', 'commit')
_CURVES = 'calibration_{training}.png'


@dataclass(frozen=True)
class Results:
    """The finished runs of one size.

    Attributes:
        size: One of :data:`.run_plan.SIZES`.
        states: training -> seed -> state, of those that are finished.
    """

    size: str
    states: Mapping[str, Mapping[int, RunState]]

    def values(self, training: str, metric: Metric) -> list[float]:
        """The numbers of a training, one a seed in the order of the seeds; seeds without the number are left out."""
        found = [state.evaluated.metrics.get(metric.key) for _, state in sorted(self.states.get(training, {}).items())]
        return [metric.scale * value for value in found if value is not None]

    def spreads(self, table: Table, metric: Metric) -> dict[int, Spread]:
        """Mean and spread of each row that has the number, by the number of the row."""
        found = {row.number: Spread.of(self.values(row.training, metric)) for row in table.rows}
        return {number: spread for number, spread in found.items() if spread is not None}


def read_results(size: str, runs: Iterable[Run], out: str | Path) -> Results:
    """Read the states of the runs that are finished.

    Raises:
        UserError: A state that cannot be read.
    """
    states: dict[str, dict[int, RunState]] = {}
    for run in runs:
        state = read_state(run.folder(out))
        if state is not None and state.finished:
            states.setdefault(run.training, {})[run.seed] = state
    return Results(size, states)


def write_report(results: Results, out: str | Path, tables: Sequence[int]) -> list[Path]:
    """Write ``results.json``, ``results.md``, ``results.png`` and a reliability curve for each training with σ.

    Args:
        results: What was found.
        out: Folder; they go into that of the size.
        tables: Numbers of the tables wanted.

    Returns:
        The files.

    Raises:
        UserError: The folder cannot be written.
    """
    folder = Path(out) / results.size
    curves = _draw_curves(results, folder)
    report = make_report(results, tables)
    report['calibration_pictures'] = {training: path.name for training, path in curves.items()}
    files = [folder / name for name in ('results.json', 'results.md', 'results.png')]
    atomic_write(files[0], (json.dumps(report, indent=1) + '\n').encode())
    atomic_write(files[1], markdown(report).encode())
    plot_tables(report, files[2])
    return [*files, *curves.values()]


def make_report(results: Results, tables: Sequence[int]) -> dict[str, Any]:
    """Make what ``results.json`` holds."""
    states = [state for seeds in results.states.values() for state in seeds.values()]
    return dict(
        size=results.size,
        description=SIZES[results.size],
        what="synthetic scenes; the papers' numbers are of real data at their sizes: only directions can be compared",
        made_at=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        machines=_distinct([{name: state.evaluated.machine.get(name) for name in _MACHINE} for state in states]),
        trainings={training: _training_entry(seeds) for training, seeds in results.states.items()},
        tables=[_table_entry(results, TABLES[number]) for number in tables],
        calibration={
            training: found
            for training in results.states
            if (found := _calibration_entry(results.states[training])) is not None
        },
    )


def _training_entry(seeds: Mapping[int, RunState]) -> dict[str, Any]:
    states = list(seeds.values())
    return dict(
        seeds=sorted(seeds),
        start=states[0].start,
        settings={name: states[0].settings.get(name) for name in SETTINGS},
        seconds=[round(seeds[seed].seconds, 1) for seed in sorted(seeds)],
        finished_at=max(state.evaluated.finished_at or '' for state in states),
    )


def _table_entry(results: Results, table: Table) -> dict[str, Any]:
    spreads = {metric.name: results.spreads(table, metric) for metric in (*table.metrics, *table.others)}
    comparisons = {metric.name: compare_rows(table, metric, spreads[metric.name]) for metric in table.metrics}
    rows = [
        dict(
            number=row.number,
            label=row.label,
            training=row.training,
            paper=dict(row.paper),
            ours={name: asdict(found[row.number]) for name, found in spreads.items() if row.number in found},
            comparisons={name: [asdict(one) for one in found[row.number]] for name, found in comparisons.items()},
        )
        for row in table.rows
    ]
    metrics, others = ([asdict(metric) for metric in some] for some in (table.metrics, table.others))
    return dict(number=table.number, title=table.title, data=table.data, metrics=metrics, others=others, rows=rows)


def _calibration_entry(seeds: Mapping[int, RunState]) -> dict[str, dict[str, Any]] | None:
    """The numbers of each axis, each the mean over the seeds that have it; None where no seed has a calibration."""
    found = [found for state in seeds.values() if (found := state.evaluated.calibration)]
    if not found:
        return None
    return {axis: _mean_numbers([one[axis] for one in found]) for axis in found[0]}


def _mean_numbers(calibrations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    numbers = {
        name: _mean([one[name] for one in calibrations]) for name in ('num', 'ence', 'factor', 'rank_correlation')
    }
    numbers['sigma_mm'] = _mean([_sigma_mm(one['reliability']) for one in calibrations])
    coverage = [one['coverage_error'] for one in calibrations]
    return {**numbers, 'coverage_error': {name: _mean([one[name] for one in coverage]) for name in coverage[0]}}


def _sigma_mm(reliability: Mapping[str, Any]) -> float | None:
    """Root mean square of the predicted standard deviations: what Fig. 8 says the update makes smaller."""
    counts, sigmas = reliability['count'], reliability['sigma']
    if not sum(counts):
        return None
    return math.sqrt(sum(count * sigma**2 for count, sigma in zip(counts, sigmas)) / sum(counts))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _distinct(items: Sequence[dict]) -> list[dict]:
    return [item for index, item in enumerate(items) if item not in items[:index]]


def _draw_curves(results: Results, folder: Path) -> dict[str, Path]:
    """Draw the reliability curve of the first seed of each training with σ."""
    drawn = {}
    for training, seeds in results.states.items():
        seed = min(seeds)
        calibration = seeds[seed].evaluated.calibration
        if not calibration:
            continue
        path = folder / _CURVES.format(training=training)
        drawn[training] = plot_calibration(
            read_calibration(calibration), path, f'Predicted and actual errors of keypoints: {training}, seed {seed}'
        )
    return drawn


def read_calibration(stored: Mapping[str, Any]) -> dict[str, Calibration]:
    """The calibration of each axis from a run's state; a number that JSON cannot hold is NaN again."""
    nan = float('nan')
    found = {axis: Calibration.from_dict(values) for axis, values in stored.items()}
    return {
        axis: replace(one, rank_correlation=nan if one.rank_correlation is None else one.rank_correlation)
        for axis, one in found.items()
    }
