"""Pictures of what MAR sees: heat maps, part affinity fields, and both depths of everybody beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from das_mm.visualization import contact_sheet, save_image
from das_mm.visualization.figures import new_figure, save_figure

_COLOURS = dict(regression='#4c78a8', geometry='#e45756', told='#222222')


def heatmap_overlay(image: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8: the greatest of the heat maps (K, h, w) over the darkened image."""
    height, width = image.shape[:2]
    value = cv2.resize(heatmaps.max(0).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    value = np.clip(value, 0, 1)[..., None]
    colour = cv2.applyColorMap((255 * value[..., 0]).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return (0.35 * image * (1 - value) + colour * value).clip(0, 255).astype(np.uint8)


def field_overlay(image: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8: of the fields (M, 2, h, w) the strongest at each place, direction as hue, over the image."""
    height, width = image.shape[:2]
    strength = np.linalg.norm(fields, axis=1)
    strongest = strength.argmax(0)
    rows, columns = np.indices(strongest.shape)
    x, y = fields[strongest, 0, rows, columns], fields[strongest, 1, rows, columns]
    hue = (np.degrees(np.arctan2(y, x)) % 360 / 2).astype(np.uint8)
    hsv = np.stack([hue, np.full_like(hue, 220), np.full_like(hue, 255)], -1)
    colour = cv2.resize(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), (width, height), interpolation=cv2.INTER_NEAREST)
    value = np.clip(cv2.resize(strength.max(0).astype(np.float32), (width, height)), 0, 1)[..., None]
    return (0.35 * image * (1 - value) + colour * value).clip(0, 255).astype(np.uint8)


def save_map_sheet(path: Path, rows: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
    """A row for each image (H, W, 3), its heat maps (K, h, w) and fields (2 M, h, w): image, heat maps, fields."""
    pictures, titles = [], []
    for number, (image, heatmaps, fields) in enumerate(rows):
        pictures += [
            image,
            heatmap_overlay(image, heatmaps),
            field_overlay(image, fields.reshape(-1, 2, *fields.shape[1:])),
        ]
        titles += [f'unseen scene {number}', 'heat maps', 'part affinity fields, direction as hue']
    save_image(path, contact_sheet(pictures, 3, titles, cell_width_px=360))


def save_depth_plot(
    path: Path, true_mm: np.ndarray, depths: dict[str, np.ndarray], sigmas: dict[str, np.ndarray]
) -> None:
    """Errors of depths (n,) of people by their true depth (n,), with σ as bars where it is known.

    Args:
        path: Of the picture.
        true_mm: (n,).
        depths: By name out of 'regression', 'geometry' and 'told': (n,) mm, NaN where there is none.
        sigmas: The same of σ.
    """
    figure = new_figure(9, 4.2)
    axes = figure.subplots()
    for index, (name, depth) in enumerate(depths.items()):
        rows = np.isfinite(depth)
        error = (depth - true_mm)[rows] / 1000
        where = true_mm[rows] / 1000 + 0.012 * (index - 1)
        bars = sigmas[name][rows] / 1000 if name in sigmas else None
        label = f'{name}: median |error| {1000 * np.median(np.abs(error)):.0f} mm' if rows.any() else f'{name}: none'
        axes.errorbar(
            where, error, bars, fmt='o', ms=4, lw=1, alpha=0.75, color=_COLOURS.get(name), label=label.replace('_', ' ')
        )
    axes.axhline(0, color='#888888', lw=1)
    axes.set(xlabel='true depth of the root, m', ylabel='error, m; bars: σ')
    axes.legend(frameon=False, fontsize=9)
    save_figure(path, figure)
