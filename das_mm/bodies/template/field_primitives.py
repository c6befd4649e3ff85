"""Fields of which a body is joined: lofts, rounded cones, ellipsoids, and their smooth union.

Values are negative inside and near the surface roughly the distance in metres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
from scipy.interpolate import PchipInterpolator

Field = Callable[[np.ndarray], np.ndarray]  # points (N, 3) m -> (N,) m


def smooth_min(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    """Smaller of two fields, rounded where they differ by less than ``width`` (metres)."""
    blend = np.maximum(width - np.abs(a - b), 0.0) / width
    return np.minimum(a, b) - blend * blend * blend * width / 6.0


def smooth_max(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    return -smooth_min(-a, -b, width)


def union(*fields: Field, width: float) -> Field:
    return lambda points: reduce(lambda a, b: smooth_min(a, b, width), (field(points) for field in fields))


def loft(
    axis: int, table: Sequence[tuple[float, ...]], exponent: float = 2.0, caps: tuple[float, float] = (0.03, 0.03)
) -> Field:
    """A body along a coordinate axis.

    Args:
        axis: The axis the stations lie on; the two others, in the order x, y, z, are called 1 and 2.
        table: Rows (station, centre 1, centre 2, radius towards -1, towards +1, towards -2, towards +2), metres.
        exponent: 2 is an ellipse, more is squarer.
        caps: How far the rounded ends reach beyond the first and the last station.
    """
    stations, *columns = (np.asarray(column, float) for column in zip(*sorted(table)))
    curves = [PchipInterpolator(stations, column) for column in columns]
    others = [i for i in range(3) if i != axis]

    def field(points: np.ndarray) -> np.ndarray:
        along = np.clip(points[:, axis], stations[0], stations[-1])
        centre1, centre2, low1, high1, low2, high2 = (curve(along) for curve in curves)
        d1, d2 = points[:, others[0]] - centre1, points[:, others[1]] - centre2
        r1, r2 = np.where(d1 < 0, low1, high1), np.where(d2 < 0, low2, high2)
        beyond = points[:, axis] - along
        beyond = beyond / np.where(beyond < 0, *caps)
        q1, q2 = np.abs(d1) / r1, np.abs(d2) / r2
        rho = ((q1**exponent + q2**exponent) ** (2 / exponent) + beyond**2) ** 0.5
        # metres from relative radius: the radius in the direction of the point
        reach = np.sqrt(d1**2 + d2**2 + (points[:, axis] - along) ** 2)
        return np.where(rho > 1e-6, reach * (1 - 1 / np.maximum(rho, 1e-6)), -np.minimum(r1, r2))

    return field


def cone(start: tuple[float, ...], end: tuple[float, ...], start_radius: float, end_radius: float) -> Field:
    """Rounded cone between two points."""
    foot = np.asarray(start)
    axis = np.asarray(end) - foot

    def field(points: np.ndarray) -> np.ndarray:
        t = np.clip((points - foot) @ axis / (axis @ axis), 0, 1)
        radius = start_radius + (end_radius - start_radius) * t
        return np.linalg.norm(points - foot - t[:, None] * axis, axis=1) - radius

    return field


def ellipsoid(
    centre: tuple[float, ...], radii: tuple[float, ...], tilt_deg: tuple[float, float, float] = (0, 0, 0)
) -> Field:
    """Ellipsoid whose own axes are turned by ``tilt_deg`` about x, then y, then z."""
    middle, half_axes = np.asarray(centre), np.asarray(radii)
    cx, cy, cz = np.cos(np.radians(tilt_deg))
    sx, sy, sz = np.sin(np.radians(tilt_deg))
    rotation = (
        np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
        @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    )

    def field(points: np.ndarray) -> np.ndarray:
        local = (points - middle) @ rotation
        rho = np.linalg.norm(local / half_axes, axis=1)
        gradient = np.linalg.norm(local / half_axes**2, axis=1)
        return np.where(gradient > 1e-9, rho * (rho - 1) / np.maximum(gradient, 1e-9), -half_axes.min())

    return field
