"""One-Euro smoothing of tracked people (Casiez, Roussel and Vogel, CHI 2012), each identity for itself.

A low-pass filter whose cutoff grows with speed: little jitter at rest, little lag in motion. Frames may be irregular in
time. For looking at: evaluation takes people as they were predicted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.rotations import axis_angle_to_matrix, matrix_to_axis_angle

_DEPTH = 2
_SMOOTHED = (
    'keypoints',
    'roots_px',
    'keypoints_3d',
    'root_depths_mm',
    'root_depths_norm',
    'relative_depths_mm',
    'smpl_global_orient',
    'smpl_body_pose',
    'smpl_betas',
    'smpl_transl_mm',
)


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


@dataclass(frozen=True)
class SmoothingSettings:
    """Strengths for all that is known of a person.

    Attributes:
        root: Of roots, mm. ``pose``: of keypoints relative to the root, mm. ``image``: of keypoints in the image, by
            the person's size. ``rotation``: of SMPL's rotations, rad. ``shape``: of SMPL's betas.
        depth_sigma_mm: Predicted standard error of the depth that halves the cutoff along the viewing ray.
        max_gap_s: Who, or which keypoint, was not seen for longer begins anew.
    """

    root: OneEuro = OneEuro(1.0, 0.007)
    pose: OneEuro = OneEuro(1.5, 0.007)
    image: OneEuro = OneEuro(1.5, 5.0)
    rotation: OneEuro = OneEuro(1.5, 1.0)
    shape: OneEuro = OneEuro(0.2, 0.0)
    depth_sigma_mm: float = 100.0
    max_gap_s: float = 0.5


class _Filter(ABC):
    """Memory of a filter: a row for each of its values, which all have a clock of their own.

    A value that is not finite is given back as it is and changes nothing; seen again within ``max_gap_s`` it goes on,
    later it begins anew. So does every value when the time runs backwards.
    """

    def __init__(self, settings: OneEuro, max_gap_s: float = 0.5):
        self.settings, self.max_gap_s = settings, max_gap_s
        self._last = self._smooth = self._speed = np.zeros((0, 0))  # as measured; smoothed; change a second
        self._time_s = np.zeros(0)

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


class PeopleSmoother:
    """Smooths the people of a video, frame by frame, each identity for itself.

    Roots and root-relative keypoints in camera space are smoothed apart, both more strongly along the viewing ray where
    the predicted depth (``keypoints_sigma``) is unsure. Keypoints in the image are smoothed on their own: they are
    surer than a projection of the former. SMPL's rotations turn on the shortest way; surfaces (``vertices``) have to be
    computed again.

    Args:
        root: Keypoints whose mean is the root.
        settings: Strengths.
    """

    def __init__(self, root: Sequence[int], settings: SmoothingSettings = SmoothingSettings()):
        self.root, self.settings = list(root), settings
        self.reset()

    def reset(self) -> None:
        """Before another video, and at a cut: everybody begins anew."""
        kinds = dict(
            keypoints='image', roots_px='image', root='root', relative='pose', smpl_betas='shape', smpl_transl_mm='root'
        )
        strengths, gap_s = self.settings, self.settings.max_gap_s
        self._points = {name: PointFilter(getattr(strengths, kind), gap_s) for name, kind in kinds.items()}
        self._rotations = {
            name: RotationFilter(strengths.rotation, gap_s) for name in ('smpl_global_orient', 'smpl_body_pose')
        }
        self._seats: dict[int, int] = {}  # identity -> its place in the memory of the filters
        self._seen_s: dict[int, float] = {}
        self._time_s = -np.inf

    def __call__(self, instances: Mapping[str, np.ndarray], time_s: float) -> dict[str, np.ndarray]:
        """The people of the next frame.

        Args:
            instances: Fields of ``pred_instances``: ``track_ids`` (n,), and whichever are there of ``keypoints``,
                ``roots_px``, ``keypoints_3d`` (with ``root_depths_mm``, ``root_depths_norm`` and
                ``relative_depths_mm``, which follow), ``keypoints_sigma``, ``smpl_global_orient``, ``smpl_body_pose``,
                ``smpl_betas`` and ``smpl_transl_mm``. People without identity (-1) stay as they are.
            time_s: Time of the frame; when it runs backwards everybody begins anew.

        Returns:
            New arrays of the fields that were smoothed.

        Raises:
            UserError: There are no identities, or the time is no number.
        """
        if instances.get('track_ids') is None:
            raise UserError('only tracked people can be smoothed', field='track_ids', remedy='use a tracker')
        if not np.isfinite(time_s):
            raise UserError(f'{time_s} is no time', field='time_s', remedy='give the time of the frame in seconds')
        if time_s < self._time_s:
            self.reset()
        self._time_s = time_s
        given = {name: instances.get(name) for name in _SMOOTHED}
        out = {name: np.array(value) for name, value in given.items() if value is not None}
        identities = np.asarray(instances.get('track_ids'), dtype=np.int64)
        people = np.flatnonzero(identities >= 0)
        seats = self._take_seats(identities[people].tolist(), time_s)
        if not len(people):
            return out
        slowness = self._slowness(instances.get('keypoints_sigma'), people)
        self._in_image(out, people, seats, time_s)
        self._in_camera_space(out, people, seats, time_s, slowness)
        self._body(out, people, seats, time_s, slowness)
        return out

    def _slowness(self, sigma: np.ndarray | None, people: np.ndarray) -> np.ndarray:
        """(n, K) what the cutoff along the viewing ray is divided by; (n, 1) ones where nothing is known."""
        if sigma is None:
            return np.ones((len(people), 1))
        return 1 + np.abs(np.asarray(sigma, dtype=np.float64)[people, :, _DEPTH]) / self.settings.depth_sigma_mm

    def _take_seats(self, identities: list[int], time_s: float) -> np.ndarray:
        """(n,) places of identities; those of people who are gone for long are free again, so memory does not grow."""
        gone = [identity for identity, seen_s in self._seen_s.items() if time_s - seen_s > self.settings.max_gap_s]
        for identity in gone:
            del self._seen_s[identity], self._seats[identity]
        for identity in identities:
            if identity not in self._seats:  # who had the seat is gone for longer than filters wait: they begin anew
                taken = set(self._seats.values())
                self._seats[identity] = next(seat for seat in range(len(taken) + 1) if seat not in taken)
            self._seen_s[identity] = time_s
        return np.array([self._seats[identity] for identity in identities], dtype=np.int64)

    def _points_of(
        self, name: str, points: np.ndarray, seats: np.ndarray, time_s: float, **options: np.ndarray
    ) -> np.ndarray:
        """Points (n, K, D) of n people, smoothed; options are broadcast to (n, K, …)."""
        count, each = points.shape[:2]
        options = {
            key: np.broadcast_to(option, (count, each, *option.shape[2:])).reshape(-1, *option.shape[2:])
            for key, option in options.items()
        }
        flat = points.reshape(count * each, points.shape[-1])
        return self._points[name](flat, time_s, rows=_rows(seats, each), **options).reshape(points.shape)

    def _in_image(self, out: dict[str, np.ndarray], people: np.ndarray, seats: np.ndarray, time_s: float) -> None:
        sizes = np.array([_extent(out['keypoints'][row]) if 'keypoints' in out else 1.0 for row in people])
        for name in ('keypoints', 'roots_px'):
            if name in out:
                points = out[name][people].reshape(len(people), -1, 2)
                out[name][people] = self._points_of(name, points, seats, time_s, unit=sizes[:, None]).reshape(
                    out[name][people].shape
                )

    def _in_camera_space(
        self, out: dict[str, np.ndarray], people: np.ndarray, seats: np.ndarray, time_s: float, slowness: np.ndarray
    ) -> None:
        if 'keypoints_3d' not in out:
            return
        points = out['keypoints_3d'][people].astype(np.float64)
        known = np.isfinite(points[:, self.root]).all((1, 2))  # others have nothing to be relative to
        people, seats, points, slowness = people[known], seats[known], points[known], slowness[known]
        roots = points[:, self.root].mean(1, keepdims=True)  # (n, 1, 3)
        rays = _unit(roots)
        relative = self._points_of('relative', points - roots, seats, time_s, ray=rays, ray_slowness=slowness)
        relative -= relative[:, self.root].mean(1, keepdims=True)  # the root is theirs, smoothed or not
        smooth = self._points_of('root', roots, seats, time_s, ray=rays, ray_slowness=_mean(slowness))
        out['keypoints_3d'][people] = smooth + relative
        depths = smooth[:, 0, _DEPTH]
        if 'root_depths_norm' in out:
            out['root_depths_norm'][people] *= depths / roots[:, 0, _DEPTH]
        if 'root_depths_mm' in out:
            out['root_depths_mm'][people] = depths
        if 'relative_depths_mm' in out:
            out['relative_depths_mm'][people] = relative[..., _DEPTH]

    def _body(
        self, out: dict[str, np.ndarray], people: np.ndarray, seats: np.ndarray, time_s: float, slowness: np.ndarray
    ) -> None:
        for name, rotations in self._rotations.items():
            if name in out:
                angles = out[name][people].reshape(len(people), -1, 3)
                matrices = axis_angle_to_matrix(angles.reshape(-1, 3).astype(np.float64))
                smooth = rotations(matrices, time_s, rows=_rows(seats, angles.shape[1]))
                out[name][people] = matrix_to_axis_angle(smooth).reshape(out[name][people].shape)
        if 'smpl_betas' in out:
            out['smpl_betas'][people] = self._points_of(
                'smpl_betas', out['smpl_betas'][people][:, None], seats, time_s
            )[:, 0]
        if 'smpl_transl_mm' in out:
            places = out['smpl_transl_mm'][people][:, None]
            out['smpl_transl_mm'][people] = self._points_of(
                'smpl_transl_mm', places, seats, time_s, ray=_unit(places), ray_slowness=_mean(slowness)
            )[:, 0]


def _rows(seats: np.ndarray, each: int) -> np.ndarray:
    """(n · each,) places in a memory that has ``each`` rows a seat."""
    return (seats[:, None] * each + np.arange(each)).ravel()


def _extent(points_px: np.ndarray) -> float:
    """Diagonal of the finite points, at least 1 px."""
    known = points_px[np.isfinite(points_px).all(-1)]
    return max(float(np.linalg.norm(np.ptp(known, axis=0))), 1.0) if len(known) else 1.0


def _mean(slowness: np.ndarray) -> np.ndarray:
    """(n, 1) over what is finite of (n, K); 1 without any."""
    known = np.isfinite(slowness)
    total = np.where(known, slowness, 0).sum(1, keepdims=True)
    return np.divide(total, known.sum(1, keepdims=True), out=np.ones_like(total), where=known.any(1, keepdims=True))


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Unit vectors; those of no length stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros(vectors.shape), where=length > 0)
