"""The tables as a picture: ours beside the paper's, row by row, each on its own scale."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from das_mm.visualization.figures import new_figure, save_figure
from das_mm.visualization.palette import PERSON_COLORS, css

_OURS, _PAPER = css(PERSON_COLORS[5]), css(PERSON_COLORS[1])
_ROW_IN, _HEAD_IN, _PANEL_IN, _LABEL_IN = 0.34, 0.95, 2.3, 3.2


def plot_tables(report: Mapping[str, Any], path: str | Path) -> Path:
    """One line of panels a table: for each of the paper's metrics ours (mean, standard deviation) and the paper's.

    Tables of which nothing is finished are left out, unless there is no other.

    Args:
        report: Of :func:`.report.make_report`.
        path: Of the picture.

    Raises:
        UserError: The path cannot be written.
    """
    tables = [table for table in report['tables'] if any(row['ours'] for row in table['rows'])] or report['tables']
    most = max(len(table['metrics']) for table in tables)
    heights = [_HEAD_IN + _ROW_IN * len(table['rows']) for table in tables]
    figure = new_figure(_LABEL_IN + 2 * _PANEL_IN * most, 0.4 + sum(heights))
    figure.suptitle(f'Ablations on synthetic scenes, size {report["size"]}')
    lines = figure.subfigures(len(tables), 1, height_ratios=heights, squeeze=False)[:, 0]
    for line, table in zip(lines, tables):
        line.suptitle(f'Table {table["number"]}: {table["title"]}', fontsize=10, x=0.01, ha='left')
        panels = line.subplots(1, 2 * most, squeeze=False)[0]
        for number, metric in enumerate(table['metrics']):
            ours, paper = panels[2 * number : 2 * number + 2]
            _draw_ours(ours, table, metric)
            _draw_paper(paper, table, metric)
        for panel in panels[2 * len(table['metrics']) :]:
            panel.set_visible(False)
        panels[0].set_yticks(range(len(table['rows'])), [row['label'] for row in table['rows']], fontsize=8)
    return save_figure(path, figure)


def _draw_ours(axes: Axes, table: Mapping[str, Any], metric: Mapping[str, Any]) -> None:
    for position, row in enumerate(table['rows']):
        found = row['ours'].get(metric['name'])
        if found is not None:
            axes.errorbar(found['mean'], position, xerr=found['std'], fmt='o', color=_OURS, markersize=5, capsize=3)
    _finish(axes, table, metric, 'ours, synthetic')


def _draw_paper(axes: Axes, table: Mapping[str, Any], metric: Mapping[str, Any]) -> None:
    for position, row in enumerate(table['rows']):
        if metric['name'] in row['paper']:
            axes.plot(row['paper'][metric['name']], position, 'D', color=_PAPER, markersize=5)
    _finish(axes, table, metric, f'paper, {table["data"]}')


def _finish(axes: Axes, table: Mapping[str, Any], metric: Mapping[str, Any], whose: str) -> None:
    axes.set_title(f'{metric["name"]} {"↓" if metric["lower_is_better"] else "↑"} ({whose})', fontsize=8)
    axes.set_ylim(len(table['rows']) - 0.5, -0.5)
    axes.set_yticks(range(len(table['rows'])), [])
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    axes.margins(x=0.15)
    if not axes.has_data():
        axes.set_xticks([])
