"""The ways of people over the floor, drawn from above."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from .figures import new_figure, save_figure
from .palette import css, limb_color, person_color

_MARGIN_M = 0.7
_SIZE_IN = (4.5, 11.0)  # least and greatest side of the plot
_M_PER_IN = 1.0
_GREATEST_FIELD_DEG = 170.0
_JUMP_M = 1.5  # between two frames nobody goes so far: the line has a gap there


def draw_floor_paths(
    path: str | Path, ways_m: Mapping[int, np.ndarray], title: str, field_of_view_deg: tuple[float, float] | None = None
) -> Path:
    """Write the picture: the camera below, looking up, and each person's way from a dot to an arrow head.

    Args:
        path: ``.png``, ``.pdf`` or ``.svg``.
        ways_m: Of each identity (T, 2): x and z in the world frame (:mod:`das_mm.structures.world_frame`), m; NaN
            where the person was not found.
        title: Of the picture.
        field_of_view_deg: To the left and to the right of the optical axis.

    Raises:
        UserError: The path cannot be written.
    """
    places = np.concatenate([way[np.isfinite(way).all(1)] for way in ways_m.values()] or [np.zeros((0, 2))])
    places = np.concatenate([places * [1, -1], [[0.0, 0.0]]])  # away from the camera is up
    low, high = places.min(0) - _MARGIN_M, places.max(0) + _MARGIN_M
    size = np.clip((high - low) / _M_PER_IN, *_SIZE_IN)
    figure = new_figure(size[0] + 0.8, size[1] + 0.9)
    axes: Axes = figure.add_subplot()
    _draw_camera(axes, field_of_view_deg, float(np.abs([low, high]).max()) * 3)
    for identity, way in sorted(ways_m.items()):
        _draw_way(axes, identity, way * [1, -1])
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_aspect('equal')
    axes.set_axisbelow(True)
    axes.grid(color='#dddddd', linewidth=0.6)
    axes.set_xlabel('to the right of the camera, m')
    axes.set_ylabel('away from the camera, m')
    axes.set_title(title, fontsize=9)
    return save_figure(path, figure)


def _draw_camera(axes: Axes, field_of_view_deg: tuple[float, float] | None, reach_m: float) -> None:
    axes.plot(0, 0, marker='^', color='black', markersize=9, clip_on=False)
    axes.annotate('camera', (0, 0), (8, -4), textcoords='offset points', fontsize=8)
    for sign, angle_deg in zip((-1, 1), field_of_view_deg or ()):
        angle = np.radians(min(angle_deg, _GREATEST_FIELD_DEG / 2))
        end = reach_m * np.array([sign * np.sin(angle), np.cos(angle)])
        axes.plot([0, end[0]], [0, end[1]], color='#888888', linewidth=0.8, linestyle='--')


def _draw_way(axes: Axes, identity: int, way: np.ndarray) -> None:
    known = way[np.isfinite(way).all(1)]
    if not len(known):
        return
    color = person_color(identity)
    line = way.copy()
    line[1:][np.linalg.norm(np.diff(way, axis=0), axis=1) > _JUMP_M] = np.nan
    axes.plot(*line.T, color=css(color), linewidth=2)
    axes.plot(*known[0], marker='o', color=css(color), markersize=5)
    before = next((place for place in known[::-1] if np.linalg.norm(place - known[-1]) > 0.1), None)
    if before is not None:
        axes.annotate(
            '', known[-1], before, arrowprops=dict(arrowstyle='-|>', color=css(color), lw=2, mutation_scale=14)
        )
    axes.annotate(
        f'#{identity}' if identity >= 0 else '?',
        known[-1],
        (5, 5),
        textcoords='offset points',
        fontsize=9,
        color=css(limb_color(color, 'right')),
    )
