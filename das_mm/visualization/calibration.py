"""Predicted standard deviations beside the errors that were made: reliability curves, and how many errors the
predicted intervals hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from das_mm.evaluation.functional.calibration import LEVELS, Calibration

from .figures import new_figure, save_figure
from .palette import PERSON_COLORS, css

_TITLES = dict(x='across, x', y='down, y', z='depth to the root, z', norm='length of the error')
_RMS_COLOR, _ABS_COLOR, _DIAGONAL = css(PERSON_COLORS[5]), css(PERSON_COLORS[0]), '#444444'
# by position, so that the model's own density (the first) looks the same everywhere
_DENSITY_STYLES = ((css(PERSON_COLORS[1]), '-'), (css(PERSON_COLORS[2]), '--'), (css(PERSON_COLORS[3]), ':'))


def plot_calibration(
    axes: Mapping[str, Calibration], path: str | Path, title: str = 'Predicted and actual errors of keypoints'
) -> Path:
    """One column an axis: its reliability curve above, the coverage of its intervals below.

    Args:
        axes: What :func:`das_mm.evaluation.functional.calibration.calibrate` gives.
        path: Of the picture.
        title: Of the picture.

    Raises:
        UserError: The path cannot be written.
    """
    figure = new_figure(3.4 * len(axes), 7.2)
    figure.suptitle(title)
    for column, (name, found) in enumerate(axes.items()):
        above = figure.add_subplot(2, len(axes), column + 1)
        _draw_reliability(above, found)
        above.set_title(
            f'{_TITLES.get(name, name)}\nENCE {found.ence:.2f}, RMS error / σ {found.factor:.2f}, '
            f'rank corr. {found.rank_correlation:.2f}',
            fontsize=9,
        )
        below = figure.add_subplot(2, len(axes), len(axes) + column + 1)
        _draw_coverage(below, found)
        if column == 0:
            above.set_ylabel('actual error, mm', fontsize=9)
            below.set_ylabel('errors inside the interval, %', fontsize=9)
            above.legend(fontsize=8, loc='upper left')
        below.legend(fontsize=7, loc='best', title='density (mean miss)', title_fontsize=7)
    return save_figure(path, figure)


def _draw_reliability(axes: Axes, found: Calibration) -> None:
    curve = found.reliability
    end = 1.08 * max(*curve.sigma, *curve.error_rms)
    axes.plot([0, end], [0, end], color=_DIAGONAL, linewidth=1, label='honest σ')
    axes.plot(curve.sigma, curve.error_rms, 'o-', color=_RMS_COLOR, markersize=4, label='root mean square')
    axes.plot(curve.sigma, curve.error_abs, 's-', color=_ABS_COLOR, markersize=3, linewidth=1, label='mean')
    axes.set(xlim=(0, end), ylim=(0, end), aspect='equal')
    axes.set_xlabel('predicted σ, mm', fontsize=9)
    _tidy(axes)


def _draw_coverage(axes: Axes, found: Calibration) -> None:
    levels = 100 * np.array(LEVELS)
    axes.plot([0, 100], [0, 100], color=_DIAGONAL, linewidth=1)
    for number, (name, held) in enumerate(found.coverage.items()):
        color, line = _DENSITY_STYLES[number % len(_DENSITY_STYLES)]
        axes.plot(
            levels,
            100 * np.array(held),
            line,
            color=color,
            linewidth=1.8,
            label=f'{name} ({100 * found.coverage_error[name]:.1f})',
        )
    axes.set(xlim=(0, 100), ylim=(0, 100), aspect='equal')
    axes.set_xlabel('errors that should be inside, %', fontsize=9)
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
