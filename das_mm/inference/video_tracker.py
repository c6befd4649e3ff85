"""Who is who from frame to frame: a tracker on top of any model, smoothing, and the seam to an earlier run."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from das_mm.bodies.posable_body import body_roots_mm
from das_mm.errors import UserError
from das_mm.models.task_modules.trackers import NearestPoseTracker
from das_mm.structures import get_keypoint_set
from das_mm.structures.people import People
from das_mm.structures.task_fields import fields_of

from .predictor import Predictor
from .resume import Earlier
from .sources import Frame, Source

if TYPE_CHECKING:
    from .people_smoother import PeopleSmoother


class VideoTracker:
    """Follows the people of videos through a run, one video after the other.

    Args:
        predictor: One that remembers follows people itself; on others a tracker is put.
        track: Follow at all.
        smooth: Smooth people over time, who must be followed for that; see :mod:`.people_smoother`.
        birth_thr: Score from which a person gets an identity; None for the tracker's own.
        earlier: What an earlier run left of some sources: tracker and smoothing go on from what they remembered then.
    """

    def __init__(
        self,
        predictor: Predictor,
        track: bool,
        smooth: bool,
        earlier: Mapping[Source, Earlier],
        birth_thr: float | None = None,
    ):
        self._predictor, self._max_gap, self._birth_thr = predictor, predictor.max_frame_gap, birth_thr
        self.track = track or smooth or self._max_gap is not None
        self.smooth = smooth
        self._tracker = NearestPoseTracker() if self.track and self._max_gap is None else None
        predictor.forget()
        # of the predictor, one that has not this attribute keeps what it does to itself
        self._followed_by = self._tracker if self._tracker is not None else getattr(predictor, 'tracker', None)
        self._smoother = _smoother(predictor) if smooth else None
        self._earlier = earlier if self.track else {}
        self._last: Frame | None = None
        self._seam: _Seam | None = None
        self._highest_identity = -1

    @contextmanager
    def running(self) -> Iterator[None]:
        """While a run lasts, identities begin at the run's score; at its end it is said who could not be followed.

        Raises:
            UserError: The predictor does not say how it follows people.
        """
        followed_by, birth_thr = self._followed_by, self._birth_thr
        if birth_thr is not None and self.track and followed_by is None:
            raise UserError(
                'this predictor follows people by itself', field='track_thr', remedy='leave the threshold out'
            )
        own = None if followed_by is None else followed_by.birth_score
        try:
            if birth_thr is not None and followed_by is not None:
                followed_by.birth_score = birth_thr
            yield
            self._say_who_is_not_followed()
        finally:
            if followed_by is not None and own is not None:
                followed_by.birth_score = own

    def _say_who_is_not_followed(self) -> None:
        """Of a video in which people were found and nobody got an identity."""
        if self._last is None or not self._num_found or self._highest_identity >= 0 or not self.track:
            return
        begins = '' if self._followed_by is None else f', and identities begin at {self._followed_by.birth_score:g}'
        logging.getLogger('das_mm').warning(
            f'{self._last.source.name}: nobody is followed: the best score of the {self._num_found} people found is '
            f'{self._best_score:.2f}{begins} (--track-thr, birth_thr)'
        )

    def first_needed(self, source: Source) -> int:
        """The first frame of a source that the predictor must see, so that people are followed as in one run."""
        earlier = self._earlier.get(source)
        if earlier is None or earlier.state is None:
            return 0
        return earlier.state_frame + (0 if self._remembers(source) else 1)

    def begins_at(self, frame: Frame) -> bool:
        """The predictor sees this frame only to know what it looks like: what was made of it then is known."""
        earlier = self._earlier.get(frame.source)
        if earlier is None or earlier.state is None or not self._remembers(frame.source):
            return False
        return frame.index == earlier.state_frame

    def _remembers(self, source: Source) -> bool:
        """The predictor itself looks at the frame before."""
        return source.is_sequence and self._max_gap is not None

    def follow(self, frame: Frame, people: People) -> People:
        """The people of a frame with their ``track_ids`` (None where nobody can be followed), smoothed.

        Args:
            frame: The next frame of its video, new or seen again after an earlier run.
            people: What the predictor found in it.
        """
        self._turn_to(frame)
        if frame.index is None:
            return replace(people, track_ids=None)  # photographs are no film, whatever the model thinks
        if self.begins_at(frame):
            self._restore(self._earlier[frame.source].state or {})
            return people
        if self._tracker is not None:
            people = replace(people, track_ids=self._tracker.update(people, frame.time_s))
        if self._smoother is not None:
            assert frame.time_s is not None  # as of every frame of a video
            people = self._smoothed(self._smoother, people, frame.time_s)
        if self._seam is not None:
            people = replace(people, track_ids=self._seam.renumbered(people.track_ids))
        if self.track:
            self._num_found += len(people)
            self._best_score = max(self._best_score, *people.scores.tolist(), 0.0)
            self._highest_identity = max(self._highest_identity, *people.track_ids.tolist(), -1)
        return people

    def state(self) -> dict[str, np.ndarray] | None:
        """What is remembered after the last frame, for a run that goes on after it; None where nobody can tell."""
        if not self.track or self._followed_by is None:
            return None
        parts = dict(tracker=self._followed_by.state())
        if self._smoother is not None:
            parts['smoother'] = self._smoother.state()
        if self._seam is not None:
            parts['seam'] = self._seam.state()
        state = {f'{name}.{key}': value for name, part in parts.items() for key, value in part.items()}
        return dict(state, highest_identity=np.array(self._highest_identity))

    def _restore(self, state: Mapping[str, np.ndarray]) -> None:
        part = lambda name: {
            key.removeprefix(f'{name}.'): value for key, value in state.items() if key.startswith(f'{name}.')
        }
        assert self._followed_by is not None  # or there were no state
        self._followed_by.restore(part('tracker'))
        if self._smoother is not None:
            self._smoother.restore(part('smoother'))
        self._seam = _Seam.of(part('seam')) if part('seam') else None
        self._highest_identity = int(state['highest_identity'])

    def _smoothed(self, smoother: PeopleSmoother, people: People, time_s: float) -> People:
        people = smoother.smooth(people, time_s)
        body = self._predictor.body
        if body is None or not len(people):
            return people
        described = next(task.body for task in self._predictor.tasks.values() if task.body is not None)
        data = dict(people.data)
        angles = np.concatenate([data['smpl_global_orient'][:, None], data['smpl_body_pose']], axis=1)
        data['smpl_root_mm'] = body_roots_mm(body, described['root'], angles, data['smpl_betas']).astype(np.float32)
        return replace(people, data=data)

    def _turn_to(self, frame: Frame) -> None:
        if self._last is not None and self._last.source is not frame.source:
            self._say_who_is_not_followed()
        last, self._last = self._last, replace(frame, image=None)
        if last is not None and last.source is frame.source:
            step = 0 if frame.index is None or last.index is None else frame.index - last.index
            if self._max_gap is not None and step > self._max_gap:
                self._seam = _Seam(self._highest_identity)  # the model has forgotten everybody, and counts from 0 again
            return
        for one in (self._tracker, self._smoother):
            if one is not None:
                one.reset()
        self._seam, self._highest_identity, self._num_found, self._best_score = None, -1, 0, 0.0
        earlier = self._earlier.get(frame.source)
        if earlier is not None and earlier.state is not None and not self._remembers(frame.source):
            self._restore(earlier.state)


def _smoother(predictor: Predictor) -> PeopleSmoother:
    from .people_smoother import PeopleSmoother  # its rotations take half a second to load

    root = get_keypoint_set(predictor.keypoint_set).root_sources
    return PeopleSmoother(root, fields=fields_of(predictor.tasks.values()))


class _Seam:
    """Numbers of a model that has forgotten everybody, and counts from 0 again, to numbers that nobody had."""

    def __init__(self, highest_identity: int):
        self._next = highest_identity + 1
        self._numbers: dict[int, int] = {}

    def renumbered(self, track_ids: np.ndarray) -> np.ndarray:
        """(n,) for (n,) identities; -1 stays."""
        for identity in track_ids[track_ids >= 0].tolist():
            if identity not in self._numbers:
                self._numbers[identity] = self._next
                self._next += 1
        return np.array([self._numbers.get(identity, -1) for identity in track_ids.tolist()], dtype=np.int64)

    def state(self) -> dict[str, np.ndarray]:
        numbers = np.array([*self._numbers.items()], np.int64).reshape(-1, 2)
        return dict(next=np.array(self._next), numbers=numbers)

    @classmethod
    def of(cls, state: Mapping[str, np.ndarray]) -> _Seam:
        seam = cls(int(state['next']) - 1)
        seam._numbers = dict(state['numbers'].tolist())
        return seam
