"""Training curves from mmengine's scalars, and bars of metrics before and after."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from das_mm.errors import UserError

from .figures import new_figure, save_figure
from .palette import PERSON_COLORS, css

_NOT_PLOTTED = {'step', 'iter', 'epoch', 'time', 'data_time', 'memory'}
_LOWER_IS_BETTER = ('mm', 'error', 'loss')


def read_scalars(path: str | Path) -> list[dict]:
    """The records of mmengine's ``vis_data/scalars.json`` (one JSON object a line).

    A last line without its end, as a killed run leaves it, is dropped.

    Raises:
        UserError: The file is missing, or a line is no JSON object.
    """
    try:
        text = Path(path).read_text()
    except OSError as error:
        raise UserError(
            f'cannot be read ({error.strerror or error})',
            file=path,
            remedy='give the vis_data/scalars.json of a work directory',
        ) from error
    records = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line) if line.strip() else None
        except json.JSONDecodeError as error:
            if number == len(lines) and not text.endswith('\n'):
                break
            raise UserError(
                f'is no JSON ({error.msg})',
                file=path,
                field=f'line {number}',
                remedy='give the vis_data/scalars.json of a work directory',
            ) from error
        if isinstance(record, dict):
            records.append(record)
        elif record is not None:
            raise UserError(
                'is no JSON object',
                file=path,
                field=f'line {number}',
                remedy='give the vis_data/scalars.json of a work directory',
            )
    return records


def split_scalars(records: Sequence[Mapping]) -> tuple[dict, dict]:
    """Series of training and of validation over iterations.

    mmengine tells the epoch, not the iteration, as the step of a validation in an epoch-based run; it is put at the
    last iteration logged in that epoch. In an iteration-based run the step is the iteration. A resumed run logs some
    iterations twice: the later record counts.

    Returns:
        (training, validation): name -> (iterations (n,), values (n,)), sorted by iteration.
    """
    last_iteration: dict[int, int] = {}
    for record in records:
        if 'iter' in record and 'epoch' in record:
            last_iteration[int(record['epoch'])] = int(record['iter'])
    training: dict[str, dict[int, float]] = {}
    validation: dict[str, dict[int, float]] = {}
    for record in records:
        step = int(record.get('iter', record.get('step', 0)))
        series = training if 'iter' in record else validation
        if series is validation:
            step = last_iteration.get(step, step)
        for name, value in record.items():
            if name not in _NOT_PLOTTED and isinstance(value, (int, float)):
                series.setdefault(name, {})[step] = float(value)
    tidy = lambda group: {
        name: (np.array(sorted(points)), np.array([points[s] for s in sorted(points)]))
        for name, points in group.items()
    }
    return tidy(training), tidy(validation)


def plot_training_curves(scalars: str | Path | Sequence[Mapping], path: str | Path) -> Path:
    """Loss terms, their sum, the learning rate and the validation metrics over iterations, one panel each.

    Args:
        scalars: mmengine's ``vis_data/scalars.json``, or its records.
        path: Of the picture.

    Raises:
        UserError: Nothing to plot, or a file that cannot be read or written.
    """
    records = read_scalars(scalars) if isinstance(scalars, (str, Path)) else list(scalars)
    training, validation = split_scalars(records)
    losses = [name for name in training if name.startswith('loss')]
    if not losses and not validation:
        raise UserError(
            'no loss and no metric is recorded',
            file=scalars if isinstance(scalars, (str, Path)) else None,
            remedy='train for at least one logging interval first',
        )
    return save_figure(path, _curves_figure(training, validation))


def _curves_figure(training: dict, validation: dict) -> Figure:
    terms = sorted(name for name in training if name.startswith('loss') and name != 'loss')
    panels = [('total loss', 'loss', training)] if 'loss' in training else []
    panels += [(f'{name.removeprefix("loss_")} loss', name, training) for name in terms]
    panels += [(name, name, validation) for name in sorted(validation)]
    panels += [('learning rate', 'lr', training)] if 'lr' in training else []
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(3.6 * columns, 0.5 + 2.5 * rows)
    figure.suptitle('Training')
    for number, (title, name, group) in enumerate(panels):
        axes = figure.add_subplot(rows, columns, number + 1)
        if group is training:
            _draw_training(axes, *group[name], smooth=name != 'lr')
        else:
            _draw_validation(axes, *group[name])
        axes.set_title(_readable(title), fontsize=10)
        axes.set_xlabel('iteration', fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
        axes.margins(y=0.15)
    return figure


def _draw_training(axes: Axes, steps: np.ndarray, values: np.ndarray, smooth: bool) -> None:
    color = css(PERSON_COLORS[5])
    if smooth and len(steps) >= 20:
        axes.plot(steps, values, linewidth=1.2, color=color, alpha=0.45)
        axes.plot(steps, _smooth(values), linewidth=2, color=color)
    else:
        axes.plot(steps, values, '.-' if len(steps) < 20 else '-', linewidth=1.5, color=color)


def _draw_validation(axes: Axes, steps: np.ndarray, values: np.ndarray) -> None:
    axes.plot(steps, values, 'o-', markersize=3.5, linewidth=1.2, color=css(PERSON_COLORS[1]))
    axes.annotate(
        f'{values[-1]:.4g}', (steps[-1], values[-1]), textcoords='offset points', xytext=(0, 6), ha='right', fontsize=8
    )


def _readable(name: str) -> str:
    """``mpjpe_mm`` -> ``mpjpe (mm)``: the unit in brackets, underscores as spaces."""
    stem, unit = (name.removesuffix('_mm'), ' (mm)') if name.endswith('_mm') else (name, '')
    return stem.replace('_', ' ') + unit


def _smooth(values: np.ndarray) -> np.ndarray:
    """Centred running mean over about a fifteenth of the run, windows cut off at both ends."""
    half = max(1, len(values) // 30)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    low = np.maximum(np.arange(len(values)) - half, 0)
    high = np.minimum(np.arange(len(values)) + half + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def plot_metrics(metrics: Mapping[str, Mapping[str, float]], path: str | Path) -> Path:
    """Bars of each metric side by side, such as mean pose, before and after training.

    Args:
        metrics: condition -> metric name -> value, in the order to be drawn. The unit is read off the name:
            ``*_mm`` are millimetres, lower is better; other metrics are shares in [0, 1] or percentages as given.
            A value that is not finite is told as "none".
        path: Of the picture.

    Raises:
        UserError: No metric, or the path cannot be written.
    """
    names = list(dict.fromkeys(name for values in metrics.values() for name in values))
    if not names:
        raise UserError('there is no metric to plot', field='metrics', remedy='evaluate first')
    return save_figure(path, _metrics_figure(metrics, names))


def _metrics_figure(metrics: Mapping[str, Mapping[str, float]], names: list[str]) -> Figure:
    conditions = list(metrics)
    figure = new_figure(max(4.0, 2.1 * len(names)), 3.6)
    figure.suptitle('Evaluation')
    for number, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), number + 1)
        values = [float(metrics[condition].get(name, np.nan)) for condition in conditions]
        finite = [value for value in values if np.isfinite(value)]
        for i, value in enumerate(values):
            known = np.isfinite(value)
            axes.bar(i, value if known else 0, color=css(PERSON_COLORS[i % len(PERSON_COLORS)]), width=0.75)
            axes.annotate(
                f'{value:.3g}' if known else 'none',
                (i, max(value, 0) if known else 0),
                ha='center',
                va='bottom',
                textcoords='offset points',
                xytext=(0, 2),
                fontsize=8,
            )
        lower = any(word in name.lower().split('_') for word in _LOWER_IS_BETTER)
        axes.set_title(f'{_readable(name)}\n{"lower" if lower else "higher"} is better', fontsize=9)
        axes.set_ylim(min(0, *finite) if finite else 0, 1.15 * max(finite + [1e-6]))
        axes.set_xticks(
            range(len(conditions)), [c.replace('_', ' ') for c in conditions], rotation=30, ha='right', fontsize=8
        )
        axes.tick_params(axis='y', labelsize=8)
        for side in ('top', 'right'):
            axes.spines[side].set_visible(False)
    return figure
