"""Who is who from frame to frame: a tracker on top of any model, smoothing, and the seam to an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from scipy.optimize import linear_sum_assignment

from das_mm.bodies.numpy_body import body_roots_mm
from das_mm.models.heads.branches.mesh_branch import MeshBranch
from das_mm.models.pose_estimators import DAS
from das_mm.models.pose_estimators.tracking_das import TrackingDAS
from das_mm.registry import TASK_UTILS
from das_mm.structures import People, get_keypoint_set

from .resume import Earlier
from .smoothing import PeopleSmoother
from .sources import Frame, Source

# frames before the end of an earlier run that are looked at again, so that people are known when new ones come
_WARM_UP_FRAMES = 15
_NEAR = 0.5  # mean distance of the keypoints of one person found twice, by the size of the box


class Follower:
    """Follows the people of videos through a run, one video after the other.

    Args:
        model: A :class:`TrackingDAS` follows people itself; on others a tracker is put.
        track: Follow at all.
        smooth: Smooth people over time, who must be followed for that; see :mod:`.smoothing`.
        earlier: What an earlier run left of some sources. Identities go on from there: people are compared with the
            earlier results over the last frames of it, and whoever is not among them is new (so is who is out of sight
            for all of these frames and comes back).
    """

    def __init__(self, model: DAS, track: bool, smooth: bool, earlier: Mapping[Source, Earlier]):
        self.track = track or smooth or isinstance(model, TrackingDAS)
        self.smooth = smooth
        self._tracker = self._max_gap = None
        if isinstance(model, TrackingDAS):
            model.forget()
            self._max_gap = model.max_frame_gap
        elif self.track:
            self._tracker = TASK_UTILS.build(dict(type='das_mm.NearestPoseTracker'))
        root = get_keypoint_set(model.dataset_meta['keypoint_set']).root_sources
        self._smoother = PeopleSmoother(root) if smooth else None
        self._mesh = next((branch for branch in model.head.branches.values() if isinstance(branch, MeshBranch)), None)
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

    def follow(self, frame: Frame, sample: PoseDataSample, known: Mapping[str, Any] | None = None) -> None:
        """Put ``track_ids`` (n,) on the sample's ``pred_instances`` (off it where nobody can be followed); smooth it.

        Args:
            frame: The next frame of its video.
            sample: What the model found in it.
            known: The result that an earlier run had of this frame: then the frame is only looked at to learn from it.
        """
        self._turn_to(frame)
        found = sample.pred_instances
        if frame.index is None:
            found.pop('track_ids', None)  # photographs are no film, whatever the model thinks
            return
        if self._tracker is not None:
            found.track_ids = self._tracker.update(People.from_instances(found), frame.time_s)
        if self._smoother is not None:
            found.update(self._smoothed(found, frame.time_s))
        if known is not None:
            self._seam.learn(found, known)
            return
        if self._seam is not None:
            self._seam.renumber(found)
        if self.track:
            self._highest_identity = max(self._highest_identity, *np.asarray(found.track_ids).tolist(), -1)

    def _smoothed(self, found: InstanceData, time_s: float) -> InstanceData:
        given = {
            name: values for name, values in found.items() if name != 'keypoints_sigma' or values.shape[-1] == 3
        }  # a model of the image plane knows no depth's
        fields = self._smoother(given, time_s)
        if self._mesh is not None and len(found):
            angles = np.concatenate([fields['smpl_global_orient'][:, None], fields['smpl_body_pose']], axis=1)
            body, root = self._mesh.body, self._mesh.describe().body['root']
            fields['smpl_root_mm'] = body_roots_mm(body, root, angles, fields['smpl_betas']).astype(np.float32)
        return InstanceData(**fields)

    def _turn_to(self, frame: Frame) -> None:
        last, self._last = self._last, replace(frame, image=None)
        if last is not None and last.source is frame.source:
            if self._max_gap is not None and frame.index is not None and frame.index - last.index > self._max_gap:
                self._seam = _Seam(self._highest_identity)  # the model has forgotten everybody, and counts from 0 again
            return
        for one in (self._tracker, self._smoother):
            if one is not None:
                one.reset()
        self._seam = self._seams.get(frame.source)
        self._highest_identity = -1


class _Seam:
    """Numbers of this run to numbers of the run before."""

    def __init__(self, highest_identity: int):
        self._next = highest_identity + 1
        self._numbers: dict[int, int] = {}

    def learn(self, ours: InstanceData, theirs: Mapping[str, Any]) -> None:
        """Of people who are at the same place, in the same frame."""
        ours = ours[np.asarray(ours.track_ids) >= 0]
        theirs = [person for person in theirs['people'] if person['track_id'] is not None]
        if not len(ours) or not theirs:
            return
        points = np.array([person['keypoints_px'] for person in theirs])
        distance = np.linalg.norm(ours.keypoints[:, None] - points, axis=-1).mean(-1)
        sizes = np.sqrt((ours.bboxes[:, 2:] - ours.bboxes[:, :2]).clip(1).prod(1))
        for row, column in zip(*linear_sum_assignment(distance)):
            if distance[row, column] <= _NEAR * sizes[row]:
                number = theirs[column]['track_id']
                self._numbers = {key: value for key, value in self._numbers.items() if value != number}
                self._numbers[int(ours.track_ids[row])] = number

    def renumber(self, found: InstanceData) -> None:
        """Who is not known from the run before gets a number that it did not use."""
        for identity in found.track_ids[found.track_ids >= 0].tolist():
            if identity not in self._numbers:
                self._numbers[identity] = self._next
                self._next += 1
        numbers = [self._numbers.get(identity, -1) for identity in found.track_ids.tolist()]
        found.track_ids = np.array(numbers, dtype=np.int64)
