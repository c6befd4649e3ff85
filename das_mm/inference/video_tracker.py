"""Who is who from frame to frame: a tracker on top of any model, smoothing, and the seam to an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from das_mm.bodies.posable_body import body_roots_mm
from das_mm.models.task_modules.trackers import NearestPoseTracker
from das_mm.structures import get_keypoint_set
from das_mm.structures.people import People
from das_mm.structures.task_fields import fields_of

from .predictor import Predictor
from .resume import Earlier
from .sources import Frame, Source

if TYPE_CHECKING:
    from .people_smoother import PeopleSmoother

# frames before the end of an earlier run that are looked at again, so that people are known when new ones come
_WARM_UP_FRAMES = 15
_NEAR = 0.5  # mean distance of the keypoints of one person found twice, by the size of the box


class VideoTracker:
    """Follows the people of videos through a run, one video after the other.

    Args:
        predictor: One that remembers follows people itself; on others a tracker is put.
        track: Follow at all.
        smooth: Smooth people over time, who must be followed for that; see :mod:`.people_smoother`.
        earlier: What an earlier run left of some sources. Identities go on from there: people are compared with the
            earlier results over the last frames of it, and whoever is not among them is new (so is who is out of sight
            for all of these frames and comes back).
    """

    def __init__(self, predictor: Predictor, track: bool, smooth: bool, earlier: Mapping[Source, Earlier]):
        self._predictor, self._max_gap = predictor, predictor.max_frame_gap
        self.track = track or smooth or self._max_gap is not None
        self.smooth = smooth
        self._tracker = NearestPoseTracker() if self.track and self._max_gap is None else None
        predictor.forget()
        self._smoother = _smoother(predictor) if smooth else None
        self._seams = {
            source: _Seam(one.highest_identity())
            for source, one in earlier.items()
            if self.track and one.last is not None
        }
        self._last: Frame | None = None
        self._seam: _Seam | None = None
        self._highest_identity = -1

    def warm_up(self, source: Source) -> int:
        """Frames of an earlier run that must go through the network again."""
        return _WARM_UP_FRAMES if source.is_sequence and self.track else 0

    def follow(self, frame: Frame, people: People, known: Mapping[str, Any] | None = None) -> People:
        """The people of a frame with their ``track_ids`` (None where nobody can be followed), smoothed.

        Args:
            frame: The next frame of its video.
            people: What the predictor found in it.
            known: The result that an earlier run had of this frame: then the frame is only looked at to learn from it.
        """
        self._turn_to(frame)
        if frame.index is None:
            return replace(people, track_ids=None)  # photographs are no film, whatever the model thinks
        if self._tracker is not None:
            people = replace(people, track_ids=self._tracker.update(people, frame.time_s))
        if self._smoother is not None:
            assert frame.time_s is not None  # as of every frame of a video
            people = self._smoothed(self._smoother, people, frame.time_s)
        if known is not None:
            assert self._seam is not None  # results are known where an earlier run ends
            self._seam.learn(people, known)
            return people
        if self._seam is not None:
            people = replace(people, track_ids=self._seam.renumbered(people.track_ids))
        if self.track:
            self._highest_identity = max(self._highest_identity, *people.track_ids.tolist(), -1)
        return people

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
        last, self._last = self._last, replace(frame, image=None)
        if last is not None and last.source is frame.source:
            step = 0 if frame.index is None or last.index is None else frame.index - last.index
            if self._max_gap is not None and step > self._max_gap:
                self._seam = _Seam(self._highest_identity)  # the model has forgotten everybody, and counts from 0 again
            return
        for one in (self._tracker, self._smoother):
            if one is not None:
                one.reset()
        self._seam = self._seams.get(frame.source)
        self._highest_identity = -1


def _smoother(predictor: Predictor) -> PeopleSmoother:
    from .people_smoother import PeopleSmoother  # its rotations take half a second to load

    root = get_keypoint_set(predictor.keypoint_set).root_sources
    return PeopleSmoother(root, fields=fields_of(predictor.tasks.values()))


class _Seam:
    """Numbers of this run to numbers of the run before."""

    def __init__(self, highest_identity: int):
        self._next = highest_identity + 1
        self._numbers: dict[int, int] = {}

    def learn(self, ours: People, theirs: Mapping[str, Any]) -> None:
        """Of people who are at the same place, in the same frame."""
        ours = ours.select(ours.track_ids >= 0)
        known = [person for person in theirs['people'] if person['track_id'] is not None]
        if not len(ours) or not known:
            return
        points = np.array([person['keypoints_px'] for person in known])
        distance = np.linalg.norm(ours.keypoints_px[:, None] - points, axis=-1).mean(-1)
        sizes = np.sqrt((ours.bboxes_px[:, 2:] - ours.bboxes_px[:, :2]).clip(1).prod(1))
        from scipy.optimize import linear_sum_assignment  # half a second, for runs that go on after another only

        for row, column in zip(*linear_sum_assignment(distance)):
            if distance[row, column] <= _NEAR * sizes[row]:
                number = known[column]['track_id']
                self._numbers = {key: value for key, value in self._numbers.items() if value != number}
                self._numbers[int(ours.track_ids[row])] = number

    def renumbered(self, track_ids: np.ndarray) -> np.ndarray:
        """(n,) the same people by the numbers of the run before; who is not known from it gets one that it did not
        use.
        """
        for identity in track_ids[track_ids >= 0].tolist():
            if identity not in self._numbers:
                self._numbers[identity] = self._next
                self._next += 1
        return np.array([self._numbers.get(identity, -1) for identity in track_ids.tolist()], dtype=np.int64)
