"""Pictures of what was measured: stages of every variant, and ratios against their goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from das_mm.visualization.figures import new_figure
from das_mm.visualization.palette import PERSON_COLORS, css

from .report import duration, goal_words, ratio_words
from .stages import OTHER, STAGES

_ROW_IN, _LEAST_LABELLED = 0.42, 0.06
_DARK = ('backward', 'optimizer', 'sigma', 'neck', 'assign')
_MET, _MISSED = css(PERSON_COLORS[2]), css(PERSON_COLORS[1])
_COLORS = {
    stage: css(color)
    for stage, color in zip(
        [stage for stage in STAGES if stage != OTHER],
        [*PERSON_COLORS, (120, 120, 120), (150, 90, 60), (240, 160, 160), (60, 60, 120), (20, 20, 20)],
    )
}
_COLORS[OTHER] = '#bbbbbb'


def draw_speed(groups: Mapping[str, Sequence[Mapping[str, Any]]], title: str) -> Figure:
    """A panel for inference, one for training; a bar a variant, made of its stages, and the latency's quartiles."""
    groups = {name: cases for name, cases in groups.items() if cases}
    rows = [len(cases) + 1.5 for cases in groups.values()]
    figure = new_figure(11, 1.6 + _ROW_IN * sum(rows))
    panels = figure.subplots(len(groups), 1, squeeze=False, gridspec_kw=dict(height_ratios=rows))[:, 0]
    for axes, (name, cases) in zip(panels, groups.items()):
        _draw_bars(
            axes,
            [
                (case['label'], _scaled(case), case['latency_s']['quartile_3'], duration(case['latency_s']['median']))
                for case in cases
            ],
        )
        for index, case in enumerate(cases):
            low, middle, high = (1000 * case['latency_s'][name] for name in ('quartile_1', 'median', 'quartile_3'))
            axes.errorbar(middle, index + 0.42, xerr=[[middle - low], [high - middle]], color='black', capsize=3)
        axes.set_title(f'{name}: median latency, its quartiles, and its stages', fontsize=10, loc='left')
    _draw_legend(figure, [stages for cases in groups.values() for stages in (case['stages_s'] for case in cases)])
    figure.suptitle(title, fontsize=11)
    return figure


def _scaled(case: Mapping[str, Any]) -> dict[str, float]:
    """Shares are the clock's; the length of the bar is the latency without the clock."""
    stretch = case['latency_s']['median'] / sum(case['stages_s'].values())
    return {stage: stretch * seconds for stage, seconds in case['stages_s'].items()}


def draw_dense(result: Mapping[str, Any], title: str) -> Figure:
    """Above: the ratios against their goals. Below: where the head's time goes, dense and sparse."""
    rows, stages = result['rows'], result['stages']
    heights = [len(rows) + 2, len(stages) + 2]
    figure = new_figure(13, 1.4 + _ROW_IN * sum(heights))
    above, below = figure.subplots(2, 1, gridspec_kw=dict(height_ratios=heights))
    for index, row in enumerate(rows):
        # of a goal to be reached the inverse is drawn: left of the line is better everywhere
        reached = row['ratio']['median'] / row['goal']
        above.barh(index, reached if row['at_most'] else 1 / reached, color=_MET if row['met'] else _MISSED, height=0.7)
        words = f' {ratio_words(row["ratio"]["median"])}  (goal {goal_words(row)})'
        above.text(0.01, index, words, va='center', fontsize=8)
    above.axvline(1, color='black', linewidth=1.5)
    above.set_yticks(range(len(rows)), [f'{row["what"]}\n{row["scene"]}' for row in rows], fontsize=7)
    above.invert_yaxis()
    above.set_xlabel('share of the goal that is used up: left of the line it is met')
    above.set_xlim(0, max(1.25, *(1.05 * patch.get_width() for patch in above.patches)))
    totals_s = [sum(one['stages_s'].values()) for one in stages]
    _draw_bars(
        below,
        [
            (f'{one["way"]}: {one["scene"]}', one['stages_s'], total_s, duration(total_s))
            for one, total_s in zip(stages, totals_s)
        ],
    )
    below.set_title('inference of the head, one run of each', fontsize=10, loc='left')
    _draw_legend(figure, [one['stages_s'] for one in stages])
    figure.suptitle(title, fontsize=11)
    return figure


def _draw_bars(axes: Axes, bars: Sequence[tuple[str, Mapping[str, float], float, str]]) -> None:
    """Label, seconds of stages, seconds that must be in the picture, and words at the end of each bar."""
    longest = max(max(end, sum(stages.values())) for _, stages, end, _ in bars)
    for index, (_, stages, end, words) in enumerate(bars):
        left = 0.0
        for stage in STAGES:
            width = 1000 * stages.get(stage, 0.0)
            axes.barh(index, width, left=left, color=_COLORS[stage], height=0.7, edgecolor='white', linewidth=0.5)
            if width > _LEAST_LABELLED * 1000 * longest:
                axes.text(
                    left + width / 2,
                    index,
                    f'{width:.0f}' if width >= 10 else f'{width:.1f}',
                    ha='center',
                    va='center',
                    fontsize=8,
                    color='white' if stage in _DARK else 'black',
                )
            left += width
        axes.text(max(left, 1000 * end) + 15 * longest, index, words, va='center', fontsize=9)
    axes.set_yticks(range(len(bars)), [label for label, *_ in bars], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1180 * longest)
    axes.set_xlabel('ms')
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)


def _draw_legend(figure: Figure, stages: Sequence[Mapping[str, float]]) -> None:
    shown = [stage for stage in STAGES if any(one.get(stage) for one in stages)]
    figure.legend(
        handles=[Patch(color=_COLORS[stage], label=stage) for stage in shown],
        loc='outside lower center',
        ncols=8,
        fontsize=8,
        frameon=False,
    )
