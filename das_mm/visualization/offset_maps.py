"""Joint offset maps in the image plane, before and after the recursive update (DAS journal Fig. 4).

An arrow leads from a point p of a level to the place it predicts for a keypoint, p + U_k[p]. Letters: K keypoints,
D coordinates of an offset (x, y in strides, then depth, which a 2D picture leaves out), h × w points of the level.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from .figures import new_figure, save_figure

_NEAR_STRIDES = 3.5
_TARGET_COLOR, _LANDING_COLOR = '#ffffff', '#ffc533'


def landing_points_px(offsets: np.ndarray, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of a level and where their offsets lead, both (h * w, ·, 2) in input px.

    Args:
        offsets: (K, D, h, w), x and y in strides.
        stride: Of the level, px.

    Returns:
        points (h * w, 2) at (i + 0.5) * stride - 0.5, and landings (h * w, K, 2).
    """
    height, width = offsets.shape[2:]
    y, x = np.mgrid[:height, :width]
    points = (np.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride - 0.5
    steps = offsets[:, :2].reshape(len(offsets), 2, -1).transpose(2, 0, 1) * stride  # (h * w, K, 2)
    return points, points[:, None] + steps


def plot_offset_maps(
    image_bgr: np.ndarray,
    initial: np.ndarray,
    stride: int,
    names: Sequence[str],
    path: str | Path,
    *,
    keypoints: Sequence[int],
    refined: np.ndarray | None = None,
    truth_px: np.ndarray | None = None,
    root: int | None = None,
) -> Path:
    """A row for each chosen keypoint: the initial map and, beside it, the map after the recursive update.

    With the truth only the points near a person's root and near the keypoint itself are drawn (the places Fig. 4 is
    about), and the title tells the median distance of their landings from the nearest true keypoint.

    Args:
        image_bgr: (H, W, 3) uint8, the network's input.
        initial: (K, D, h, w) offsets U.
        stride: Of the level, px.
        names: K names.
        path: Of the picture.
        keypoints: Rows of the picture, indices below K.
        refined: (K, D, h, w) offsets after the last layer.
        truth_px: (N, K, 2) true keypoints, input px; NaN where unknown.
        root: Index of the root keypoint, needed with the truth.

    Raises:
        ValueError: The truth without ``root``, or maps of different shapes.
        UserError: The path cannot be written.
    """
    if truth_px is not None and root is None:
        raise ValueError('the truth needs the index of the root')
    if refined is not None and refined.shape != initial.shape:
        raise ValueError(f'maps of different shapes {initial.shape} and {refined.shape}')
    maps = [('initial', initial)] + ([] if refined is None else [('after the recursive update', refined)])
    return save_figure(path, _figure(image_bgr, maps, stride, names, keypoints, truth_px, root))


def _figure(
    image_bgr: np.ndarray,
    maps: list[tuple[str, np.ndarray]],
    stride: int,
    names: Sequence[str],
    keypoints: Sequence[int],
    truth_px: np.ndarray | None,
    root: int | None,
) -> Figure:
    height, width = image_bgr.shape[:2]
    panel_width = 6.0
    figure = new_figure(panel_width * len(maps) + 0.6, (panel_width * height / width + 0.45) * len(keypoints) + 0.5)
    marks = '' if truth_px is None else '; ring = root, cross = true keypoint'
    figure.suptitle(
        f'Offset maps at stride {stride}: from each point to where it puts the keypoint (dot); '
        f'colour = direction{marks}',
        fontsize=10,
    )
    backdrop = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB).astype(np.float32) * 0.55 / 255
    for row, k in enumerate(keypoints):
        for column, (label, offsets) in enumerate(maps):
            axes = figure.add_subplot(len(keypoints), len(maps), row * len(maps) + column + 1)
            axes.imshow(backdrop, extent=(-0.5, width - 0.5, height - 0.5, -0.5))
            points, landings = landing_points_px(offsets[[k]], stride)
            targets = None if truth_px is None else truth_px[:, [root, k]]
            title = _draw_map(axes, points, landings[:, 0], targets, stride)
            axes.set_title(f'{names[k].replace("_", " ")}, {label}{title}', fontsize=9.5)
            axes.set_xlim(-0.5, width - 0.5)
            axes.set_ylim(height - 0.5, -0.5)
            axes.set_axis_off()
    _draw_wheel(figure)
    return figure


def _draw_map(axes: Axes, points: np.ndarray, landings: np.ndarray, targets: np.ndarray | None, stride: int) -> str:
    """Arrows of one map; returns what the title adds. ``targets`` (N, 2 = root and keypoint, 2) px."""
    note = ''
    keep = np.isfinite(landings).all(-1)
    if targets is not None and (known := targets[np.isfinite(targets).all((1, 2))]).size:
        near = np.linalg.norm(points[:, None, None] - known, axis=-1).min((1, 2)) <= _NEAR_STRIDES * stride
        keep &= near
        miss = np.linalg.norm(landings[keep, None] - known[:, 1], axis=-1).min(1)
        note = f': median {np.median(miss):.1f} px from the truth' if len(miss) else ''
    points, landings = points[keep], landings[keep]
    colors = _direction_colors(landings - points)
    axes.add_collection(
        LineCollection(list(np.stack([points, landings], 1)), colors=colors, linewidths=0.8, alpha=0.75)
    )
    axes.scatter(*points.T, s=3, c=colors, linewidths=0)
    axes.scatter(*landings.T, s=15, c=_LANDING_COLOR, edgecolors='black', linewidths=0.5, zorder=4)
    if targets is not None:
        axes.scatter(*targets[:, 1].T, s=160, marker='+', c=_TARGET_COLOR, linewidths=1.8, zorder=3)
        axes.scatter(
            *targets[:, 0].T, s=60, marker='o', facecolors='none', edgecolors=_TARGET_COLOR, linewidths=1.5, zorder=3
        )
    return note


def _direction_colors(steps: np.ndarray) -> np.ndarray:
    """RGBA by direction, 0 = to the right, clockwise in the image."""
    return colormaps['hsv'](np.arctan2(steps[:, 1], steps[:, 0]) / (2 * np.pi) % 1.0)


def _draw_wheel(figure: Figure) -> None:
    """Legend of the directions, in the upper left corner."""
    axes = figure.add_axes(
        (0.003, 0.997 - 0.55 / figure.get_figheight(), 0.55 / figure.get_figwidth(), 0.55 / figure.get_figheight())
    )
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    wheel = _direction_colors(np.stack([x.ravel(), y.ravel()], 1)).reshape(64, 64, 4)
    wheel[np.hypot(x, y) > 1, 3] = 0
    axes.imshow(wheel)
    axes.set_axis_off()
