"""One-Euro filters of points and rotations (Casiez, Roussel and Vogel, CHI 2012).

Low-pass filters whose cutoff grows with speed: little jitter at rest, little lag in motion. Values may come irregularly
in time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from das_mm.structures.rotations import axis_angle_to_matrix, matrix_to_axis_angle

_MEMORY = ('last', 'smooth', 'speed', 'time_s')


@dataclass(frozen=True)
class OneEuro:
    """Strength of one filter.

    Attributes:
        cutoff_hz: Cutoff at rest; lower is smoother.
        beta: Hz by which a speed of 1 unit a second raises it; higher lags less.
        speed_cutoff_hz: Cutoff of the speed itself.
    """

    cutoff_hz: float
    beta: float
    speed_cutoff_hz: float = 1.0


class _Filter(ABC):
    """Memory of a filter: a row for each of its values, which all have a clock of their own.

    A value that is not finite is given back as it is and changes nothing; seen again within ``max_gap_s`` it goes on,
    later it begins anew. So does every value when the time runs backwards.
    """

    def __init__(self, settings: OneEuro, max_gap_s: float = 0.5):
        self.settings, self.max_gap_s = settings, max_gap_s
        self._last = self._smooth = self._speed = np.zeros((0, 0))  # as measured; smoothed; change a second
        self._time_s = np.zeros(0)

    def state(self) -> dict[str, np.ndarray]:
        """What is remembered, as arrays that nothing changes any more."""
        return {name: getattr(self, f'_{name}').copy() for name in _MEMORY}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a :meth:`state`."""
        self._last, self._smooth, self._speed, self._time_s = (np.array(state[name]) for name in _MEMORY)

    def _next(self, values: np.ndarray, time_s: float, rows: np.ndarray | None, options: dict) -> np.ndarray:
        """Smoothed values (P, …); ``options`` are arrays with a row for each value."""
        given = np.asarray(values)
        values = given.astype(np.float64)
        rows = np.arange(len(values)) if rows is None else rows
        self._make_room(int(rows.max(initial=-1)) + 1, values.shape[1:])
        known = np.isfinite(values).all(tuple(range(1, values.ndim)))
        elapsed = time_s - self._time_s[rows]
        goes_on = known & (elapsed >= 0) & (elapsed <= self.max_gap_s)  # NaN, of rows that were never used, is not
        begins = known & ~goes_on
        self._smooth[rows[begins]], self._speed[rows[begins]] = values[begins], 0.0
        moves = goes_on & (elapsed > 0)
        if moves.any():
            chosen = {name: option[moves] for name, option in options.items()}
            self._advance(rows[moves], values[moves], elapsed[moves, None], **chosen)
        self._last[rows[known]], self._time_s[rows[known]] = values[known], time_s
        smooth = np.where(known.reshape(-1, *[1] * (values.ndim - 1)), self._smooth[rows], values)
        return smooth.astype(given.dtype if given.dtype.kind == 'f' else np.float64)

    @abstractmethod
    def _advance(self, rows: np.ndarray, values: np.ndarray, elapsed_s: np.ndarray, **options: np.ndarray) -> None:
        """Updates smooth values and speeds of some rows; ``elapsed_s`` (P, 1) is positive."""

    def _make_room(self, count: int, shape: tuple[int, ...]) -> None:
        if self._last.shape[1:] != shape:
            self._last = self._smooth = np.zeros((0, *shape))
            self._speed, self._time_s = np.zeros((0, shape[-1])), np.zeros(0)
        more = count - len(self._last)
        if more > 0:
            self._last, self._smooth = (
                np.concatenate([old, np.zeros((more, *shape))]) for old in (self._last, self._smooth)
            )
            self._speed = np.concatenate([self._speed, np.zeros((more, shape[-1]))])
            self._time_s = np.concatenate([self._time_s, np.full(more, np.nan)])

    def _follow_speed(self, rows: np.ndarray, measured: np.ndarray, elapsed_s: np.ndarray) -> np.ndarray:
        self._speed[rows] += smoothing_share(self.settings.speed_cutoff_hz, elapsed_s) * (measured - self._speed[rows])
        return self._speed[rows]

    def _cutoff_hz(self, speed: np.ndarray) -> np.ndarray:
        """(P, 1) for speeds (P, D)."""
        return self.settings.cutoff_hz + self.settings.beta * np.linalg.norm(speed, axis=-1, keepdims=True)


class PointFilter(_Filter):
    """One-Euro filter of P points in D dimensions.

    Args:
        settings: Strength.
        max_gap_s: A point that was not seen for longer begins anew.

    Example:
        >>> filter = PointFilter(OneEuro(cutoff_hz=1., beta=0.))
        >>> filter(np.array([[0.]]), 0.).item(), round(filter(np.array([[1.]]), 1 / (2 * np.pi)).item(), 3)
        (0.0, 0.5)
    """

    def __call__(
        self,
        points: np.ndarray,
        time_s: float,
        *,
        rows: np.ndarray | None = None,
        unit: np.ndarray | float = 1.0,
        ray: np.ndarray | None = None,
        ray_slowness: np.ndarray | float = 1.0,
    ) -> np.ndarray:
        """The next points.

        Args:
            points: (P, D).
            time_s: When.
            rows: (P,) places of the points in the filter's memory, 0 to P - 1 by default.
            unit: (P,) length that counts as 1 in the speed.
            ray: (P, D) or (D,) unit vectors of a direction that is smoothed otherwise.
            ray_slowness: (P,) what the cutoff along it is divided by; 1 where it is not finite.

        Returns:
            (P, D) of the dtype of ``points``.
        """
        count = len(points)
        ray = np.zeros(np.shape(points)) if ray is None else np.broadcast_to(np.nan_to_num(ray), np.shape(points))
        slowness = np.broadcast_to(np.where(np.isfinite(ray_slowness), ray_slowness, 1.0), count)[:, None]
        return self._next(
            points, time_s, rows, dict(unit=np.broadcast_to(unit, count)[:, None], ray=ray, slowness=slowness)
        )

    def _advance(
        self,
        rows: np.ndarray,
        values: np.ndarray,
        elapsed_s: np.ndarray,
        *,
        unit: np.ndarray,
        ray: np.ndarray,
        slowness: np.ndarray,
    ) -> None:
        speed = self._follow_speed(rows, (values - self._last[rows]) / elapsed_s / unit, elapsed_s)
        step = values - self._smooth[rows]
        speed_along, step_along = ((vectors * ray).sum(-1, keepdims=True) * ray for vectors in (speed, step))
        across, along = self._cutoff_hz(speed - speed_along), self._cutoff_hz(speed_along) / slowness
        self._smooth[rows] += (
            smoothing_share(across, elapsed_s) * (step - step_along) + smoothing_share(along, elapsed_s) * step_along
        )


class RotationFilter(_Filter):
    """The same for P rotations: they turn part of the way to the measured one, about the axis between both."""

    def __call__(self, matrices: np.ndarray, time_s: float, *, rows: np.ndarray | None = None) -> np.ndarray:
        """The next rotations (P, 3, 3); ``rows`` as in :class:`PointFilter`."""
        return self._next(matrices, time_s, rows, {})

    def _advance(self, rows: np.ndarray, values: np.ndarray, elapsed_s: np.ndarray) -> None:
        turned, left = matrix_to_axis_angle(  # in the frames of the last and of the smooth rotation
            np.swapaxes(np.stack([self._last[rows], self._smooth[rows]]), -2, -1) @ values
        )
        speed = self._follow_speed(rows, turned / elapsed_s, elapsed_s)
        share = smoothing_share(self._cutoff_hz(speed), elapsed_s)
        self._smooth[rows] = self._smooth[rows] @ axis_angle_to_matrix(share * left)


def smoothing_share(cutoff_hz: np.ndarray | float, elapsed_s: np.ndarray | float) -> np.ndarray:
    """Share of the way to a new measurement: 1 / (1 + 1 / (2π · cutoff · elapsed)).

    Example:
        >>> float(smoothing_share(1 / (2 * np.pi), np.array(1.)))
        0.5
    """
    angle = 2 * np.pi * np.asarray(cutoff_hz) * elapsed_s
    return angle / (angle + 1)
