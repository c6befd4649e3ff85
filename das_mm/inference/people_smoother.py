"""Smoothing of tracked people over time, each identity for itself, by One-Euro filters.

For looking at: evaluation takes people as they were predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from das_mm.bodies.smpl_fields import SMPL_FIELDS
from das_mm.errors import UserError
from das_mm.structures.people import People
from das_mm.structures.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from das_mm.structures.task_fields import TaskField

from .one_euro import OneEuro, PointFilter, RotationFilter

_DEPTH = 2
_POSE = ('keypoints', 'roots_px', 'keypoints_3d', 'root_depths_mm', 'root_depths_norm', 'relative_depths_mm')


@dataclass(frozen=True)
class SmoothingSettings:
    """Strengths for all that is known of a person.

    Attributes:
        root: Of roots, mm. ``pose``: of keypoints relative to the root, mm. ``image``: of keypoints in the image, by
            the person's size. ``rotation``: of rotations of tasks, rad. ``shape``: of shapes of tasks, such as SMPL's
            betas.
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


class PeopleSmoother:
    """Smooths the people of a video, frame by frame, each identity for itself.

    Roots and root-relative keypoints in camera space are smoothed apart, both more strongly along the viewing ray where
    the predicted depth (``keypoints_sigma``) is unsure. Keypoints in the image are smoothed on their own: they are
    surer than a projection of the former. Rotations turn on the shortest way; surfaces (``vertices``) have to be
    computed again.

    Args:
        root: Keypoints whose mean is the root.
        settings: Strengths.
        fields: What tasks tell beside poses, with the way it is smoothed.
    """

    def __init__(
        self,
        root: Sequence[int],
        settings: SmoothingSettings = SmoothingSettings(),
        fields: Sequence[TaskField] = SMPL_FIELDS,
    ):
        self.root, self.settings = list(root), settings
        self.fields = [one for one in fields if one.smoothed is not None]
        self.reset()

    def reset(self) -> None:
        """Before another video, and at a cut: everybody begins anew."""
        strengths, gap_s = self.settings, self.settings.max_gap_s
        kinds = dict(keypoints='image', roots_px='image', root='root', relative='pose')
        kinds.update({one.name: one.smoothed for one in self.fields if one.smoothed is not None})
        self._points = {
            name: PointFilter(getattr(strengths, kind), gap_s) for name, kind in kinds.items() if kind != 'rotation'
        }
        self._rotations = {
            name: RotationFilter(strengths.rotation, gap_s) for name, kind in kinds.items() if kind == 'rotation'
        }
        self._seats: dict[int, int] = {}  # identity -> its place in the memory of the filters
        self._seen_s: dict[int, float] = {}
        self._time_s = -np.inf

    def state(self) -> dict[str, np.ndarray]:
        """What is remembered of the people, as arrays that nothing changes any more."""
        known = {
            f'{name}.{part}': values
            for name, one in {**self._points, **self._rotations}.items()
            for part, values in one.state().items()
        }
        identities = list(self._seats)
        return dict(
            known,
            identities=np.array(identities, np.int64),
            seats=np.array([self._seats[one] for one in identities], np.int64),
            seen_s=np.array([self._seen_s[one] for one in identities], np.float64),
            time_s=np.array(self._time_s),
        )

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a :meth:`state`."""
        for name, one in {**self._points, **self._rotations}.items():
            parts = {key.rpartition('.')[2]: value for key, value in state.items() if key.rpartition('.')[0] == name}
            one.restore(parts)
        identities = state['identities'].tolist()
        self._seats = dict(zip(identities, state['seats'].tolist()))
        self._seen_s = dict(zip(identities, state['seen_s'].tolist()))
        self._time_s = float(state['time_s'])

    def __call__(self, instances: Mapping[str, np.ndarray], time_s: float) -> dict[str, np.ndarray]:
        """The people of the next frame.

        Args:
            instances: Fields of ``pred_instances``: ``track_ids`` (n,), and whichever are there of ``keypoints``,
                ``roots_px``, ``keypoints_3d`` (with ``root_depths_mm``, ``root_depths_norm`` and
                ``relative_depths_mm``, which follow), ``keypoints_sigma`` and the fields of tasks. People without
                identity (-1) stay as they are.
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
        given = {name: instances.get(name) for name in (*_POSE, *(one.name for one in self.fields))}
        out = {name: np.array(value) for name, value in given.items() if value is not None}
        identities = np.asarray(instances.get('track_ids'), dtype=np.int64)
        people = np.flatnonzero(identities >= 0)
        seats = self._take_seats(identities[people].tolist(), time_s)
        if not len(people):
            return out
        slowness = self._slowness(instances.get('keypoints_sigma'), people)
        sizes = np.array([_extent(out['keypoints'][row]) if 'keypoints' in out else 1.0 for row in people])
        for name in ('keypoints', 'roots_px'):
            self._in_image(out, name, people, seats, time_s, sizes)
        self._in_camera_space(out, people, seats, time_s, slowness)
        for one in self.fields:
            if one.name not in out:
                continue
            if one.smoothed == 'rotation':
                self._rotation(out, one.name, people, seats, time_s)
            elif one.smoothed == 'image':
                self._in_image(out, one.name, people, seats, time_s, sizes)
            else:
                self._vectors(out, one, people, seats, time_s, slowness)
        return out

    def smooth(self, people: People, time_s: float) -> People:
        """The same for the people of the next frame in their container."""
        fields = people.instances()
        known = dict(fields)
        if people.keypoints_sigma is not None and people.keypoints_sigma.shape[-1] != 3:
            del known['keypoints_sigma']  # a model of the image plane knows no depth's
        return People.from_instances({**fields, **self(known, time_s)})

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

    def _in_image(
        self,
        out: dict[str, np.ndarray],
        name: str,
        people: np.ndarray,
        seats: np.ndarray,
        time_s: float,
        sizes: np.ndarray,
    ) -> None:
        if name in out:
            points = out[name][people].reshape(len(people), -1, 2)
            smooth = self._points_of(name, points, seats, time_s, unit=sizes[:, None])
            out[name][people] = smooth.reshape(out[name][people].shape)

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

    def _rotation(
        self, out: dict[str, np.ndarray], name: str, people: np.ndarray, seats: np.ndarray, time_s: float
    ) -> None:
        angles = out[name][people].reshape(len(people), -1, 3)
        matrices = axis_angle_to_matrix(angles.reshape(-1, 3).astype(np.float64))
        smooth = self._rotations[name](matrices, time_s, rows=_rows(seats, angles.shape[1]))
        out[name][people] = matrix_to_axis_angle(smooth).reshape(out[name][people].shape)

    def _vectors(
        self,
        out: dict[str, np.ndarray],
        field: TaskField,
        people: np.ndarray,
        seats: np.ndarray,
        time_s: float,
        slowness: np.ndarray,
    ) -> None:
        """A shape, all numbers of a person as one point; or places (mm), which are surer across the viewing ray."""
        of_place = field.smoothed == 'root'
        vectors = out[field.name][people].reshape(len(people), *((-1, 3) if of_place else (1, -1)))
        options = dict(ray=_unit(vectors), ray_slowness=_mean(slowness)) if of_place else {}
        smooth = self._points_of(field.name, vectors, seats, time_s, **options)
        out[field.name][people] = smooth.reshape(out[field.name][people].shape)


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
