"""The learned density of keypoint errors beside the errors themselves (DAS journal Fig. 8, CVPR Fig. 4).

One flow is shared by all keypoints; a keypoint's own density is that of z stretched by its scale σ (Eq. 9). What is
drawn for a keypoint is therefore the shared density at the keypoint's typical (median) σ, and each actual error is
drawn as z times that σ, so that people with another σ fall on the same picture. Letters: M people, K keypoints,
D = 3 coordinates (x px, y px, depth mm) or 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from das_mm.structures.arrays import to_numpy

from .figures import new_figure, save_figure
from .palette import PERSON_COLORS, css

_REGIONS = (0.5, 0.9)  # share of the mass inside the contours
_ERROR_COLOR, _LEARNED_COLOR, _PRIOR_COLOR = css(PERSON_COLORS[1]), css(PERSON_COLORS[5]), '#444444'
_VIEW_SIGMAS = 4.0
_MAX_SCATTER = 400


class DensityOnGrid(Protocol):
    """A normalised density of z: ``axes``, the cells' centres of each dimension; ``density`` on their product."""

    axes: Sequence[Any]
    density: Any


def plot_error_density(
    density_xy: DensityOnGrid,
    density_depth: DensityOnGrid | None,
    errors: np.ndarray,
    sigmas: np.ndarray,
    valid: np.ndarray,
    names: Sequence[str],
    path: str | Path,
    *,
    title: str = 'Learned density of keypoint errors',
) -> Path:
    """One panel a keypoint: contours of the learned density in the image plane, its depth profile below.

    The grids are those of ``error_density_grid(loss, dims=(0, 1))`` and ``error_density_grid(loss, dims=(2,))`` of
    :mod:`das_mm.models.losses.density`; any object with the same two attributes will do. The Laplace prior is drawn
    dashed. A panel's title tells the typical σ and what share of the errors lies within the 90 % region (xy) of the
    learned density, a check of calibration that is 90 % when the density is right.

    Args:
        density_xy: Density of (z_x, z_y).
        density_depth: Density of z_depth; ``None`` for people in 2D.
        errors: (M, K, D) truth minus prediction: px, px, mm.
        sigmas: (M, K, D) predicted scales in the same units, > 0.
        valid: (M, K) bool, keypoints that have a truth (in every coordinate drawn).
        names: K names.
        path: Of the picture.

    Raises:
        ValueError: A density that does not integrate to 1, or arrays that do not fit each other.
        UserError: The path cannot be written.
    """
    if errors.shape != sigmas.shape or errors.shape[:2] != valid.shape or errors.shape[1] != len(names):
        raise ValueError(
            f'errors {errors.shape}, sigmas {sigmas.shape}, valid {valid.shape} and {len(names)} names '
            'do not fit each other'
        )
    xy = _checked(density_xy, 2)
    depth = None if density_depth is None else _checked(density_depth, 1)
    if depth is not None and errors.shape[2] < 3:
        raise ValueError('a depth density needs errors with a third coordinate')
    return save_figure(path, _figure(xy, depth, errors, sigmas, np.asarray(valid) > 0, names, title))


def _checked(grid: DensityOnGrid, dims: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Axes and density as float64 arrays; ValueError unless it is a density over ``dims`` dimensions."""
    axes = [to_numpy(axis, np.float64) for axis in grid.axes]
    density = to_numpy(grid.density, np.float64)
    if len(axes) != dims or density.shape != tuple(len(axis) for axis in axes):
        raise ValueError(f'a density over {dims} dimensions was expected, got {density.shape} on {len(axes)} axes')
    total = density.sum() * np.prod([axis[1] - axis[0] for axis in axes])
    if not abs(total - 1) < 0.01:
        raise ValueError(f'the density integrates to {total:.4f}, not to 1: normalise it first')
    return axes, density


def region_levels(density: np.ndarray, shares: Sequence[float]) -> list[float]:
    """Thresholds t so that the cells with density >= t hold the given shares of the whole mass."""
    ordered = np.sort(density.ravel())[::-1]
    mass = np.cumsum(ordered) / ordered.sum()
    return [float(ordered[np.searchsorted(mass, share)]) for share in shares]


def coverage(axes: Sequence[np.ndarray], density: np.ndarray, z: np.ndarray, share: float = 0.9) -> float:
    """Share of the residuals z (M, dims) inside the smallest region that holds ``share`` of a density; NaN if none."""
    if not len(z):
        return float('nan')
    level = region_levels(density, [share])[0]
    cells = [np.round((z[:, i] - axis[0]) / (axis[1] - axis[0])).astype(int) for i, axis in enumerate(axes)]
    inside = np.all([(cell >= 0) & (cell < len(axis)) for cell, axis in zip(cells, axes)], axis=0)
    values = np.zeros(len(z))
    values[inside] = density[tuple(cell[inside] for cell in cells)]
    return float((values >= level).mean())


def _figure(
    xy: tuple,
    depth: tuple | None,
    errors: np.ndarray,
    sigmas: np.ndarray,
    valid: np.ndarray,
    names: Sequence[str],
    title: str,
) -> Figure:
    unknown = np.full(errors.shape[2], np.nan)
    typical = np.array(
        [np.median(sigmas[valid[:, k], k], axis=0) if valid[:, k].any() else unknown for k in range(len(names))]
    )
    # one scale for all panels, so that a wide density looks wide
    view_px = _VIEW_SIGMAS * _largest(typical[:, :2])
    view_mm = None if depth is None else _VIEW_SIGMAS * _largest(typical[:, 2])
    columns = min(5, len(names))
    rows = -(-len(names) // columns)
    width, height = 2.75 * columns, 0.8 + (3.15 if depth is None else 4.2) * rows
    figure = new_figure(width, height, layout=None)
    figure.suptitle(title, fontsize=13, y=1 - 0.1 / height)
    grid = figure.add_gridspec(
        rows,
        columns,
        left=0.5 / width,
        right=1 - 0.1 / width,
        bottom=0.85 / height,
        top=1 - 0.8 / height,
        wspace=0.28,
        hspace=0.3 if depth is None else 0.26,
    )
    for k, name in enumerate(names):
        cell = grid[k // columns, k % columns].subgridspec(
            1 if depth is None else 2, 1, hspace=0.24, height_ratios=[1] if depth is None else [2.4, 1]
        )
        axes = figure.add_subplot(cell[0])
        used = valid[:, k] & np.isfinite(errors[:, k]).all(-1)
        z = errors[used, k] / sigmas[used, k]
        _panel_xy(axes, xy, z, typical[k], view_px, name)
        if depth is not None and view_mm is not None:
            _panel_depth(figure.add_subplot(cell[1]), depth, z[:, 2], typical[k, 2], view_mm)
    figure.legend(
        handles=[
            Patch(facecolor=_LEARNED_COLOR, alpha=0.45, label='learned density (50 % and 90 % regions)'),
            Line2D([], [], color=_PRIOR_COLOR, linestyle='--', label='Laplace prior (same regions)'),
            Line2D([], [], color=_ERROR_COLOR, marker='.', linestyle='none', label='actual errors at the typical σ'),
        ],
        loc='lower center',
        ncols=3,
        fontsize=9,
        frameon=False,
    )
    return figure


def _largest(sigmas: np.ndarray) -> float:
    finite = sigmas[np.isfinite(sigmas)]
    return float(finite.max()) if finite.size else 1.0


def _panel_xy(axes: Axes, grid: tuple, z: np.ndarray, sigma: np.ndarray, view: float, name: str) -> None:
    axes.set_title(_panel_title(grid, z, sigma, name), fontsize=8.5)
    axes.set_xlim(-view, view)
    axes.set_ylim(view, -view)  # image y points down
    axes.set_aspect('equal')
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel('x error (px)', fontsize=7, labelpad=1)
    axes.set_ylabel('y error (px)', fontsize=7, labelpad=1)
    axes.tick_params(labelsize=7)
    if not np.isfinite(sigma[:2]).all():
        return
    (axis_x, axis_y), density = grid
    x, y = axis_x * sigma[0], axis_y * sigma[1]
    levels = sorted(set(region_levels(density, _REGIONS)))
    axes.contourf(
        x,
        y,
        density.T,
        levels=[*levels, density.max() * 1.001],
        colors=[(_LEARNED_COLOR, 0.15), (_LEARNED_COLOR, 0.4)][-len(levels) :],
    )
    axes.contour(x, y, density.T, levels=levels, colors=_LEARNED_COLOR, linewidths=1.4)
    prior = np.exp(-np.abs(axis_x)[:, None] - np.abs(axis_y)[None]) / 4
    axes.contour(
        x,
        y,
        prior.T,
        levels=sorted(region_levels(prior, _REGIONS)),
        colors=_PRIOR_COLOR,
        linewidths=0.9,
        linestyles='--',
    )
    shown = z[:: -(-len(z) // _MAX_SCATTER) or 1]
    axes.plot(
        shown[:, 0] * sigma[0],
        shown[:, 1] * sigma[1],
        '.',
        color=_ERROR_COLOR,
        markersize=4,
        alpha=0.6,
        markeredgewidth=0,
    )


def _panel_title(grid: tuple, z: np.ndarray, sigma: np.ndarray, name: str) -> str:
    if not len(z):
        return f'{name.replace("_", " ")}\nno truth'
    scales = f'σ {np.mean(sigma[:2]):.1f} px' + (f', {sigma[2]:.0f} mm' if len(sigma) > 2 else '')
    axes, density = grid
    inside = coverage(axes, density, z[:, :2])
    return f'{name.replace("_", " ")}: {scales}\n{100 * inside:.0f} % of {len(z)} in the 90 % region'


def _panel_depth(axes: Axes, grid: tuple, z: np.ndarray, sigma_mm: float, view: float) -> None:
    axes.set_xlim(-view, view)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel('depth error (mm)', fontsize=7, labelpad=1)
    axes.tick_params(labelsize=7)
    if not np.isfinite(sigma_mm):
        return
    (axis,), density = grid
    if len(z):
        axes.hist(
            np.clip(z * sigma_mm, -view, view),
            bins=31,
            range=(-view, view),
            density=True,
            color=_ERROR_COLOR,
            alpha=0.45,
        )
    axes.fill_between(axis * sigma_mm, density / sigma_mm, color=_LEARNED_COLOR, alpha=0.25, linewidth=0)
    axes.plot(axis * sigma_mm, density / sigma_mm, color=_LEARNED_COLOR, linewidth=1.4)
    axes.plot(axis * sigma_mm, np.exp(-np.abs(axis)) / (2 * sigma_mm), '--', color=_PRIOR_COLOR, linewidth=0.9)
    axes.set_ylim(bottom=0)
