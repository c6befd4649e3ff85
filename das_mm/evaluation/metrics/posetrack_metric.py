"""PoseTrack: AP and MOTA per joint as its evaluation server has them, at several thresholds."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from das_mm.engine import check_writable
from das_mm.errors import UserError
from das_mm.registry import METRICS
from das_mm.structures.keypoint_conversion import convert_keypoints
from das_mm.structures.keypoint_sets import KEYPOINT_SETS, KeypointSet
from das_mm.structures.people import People

from ..files.posetrack_file import posetrack_image, write_posetrack_files
from ..functional.posetrack import (
    JOINT_GROUPS,
    NUM_JOINTS,
    PoseTrackFrame,
    average_precision,
    by_group,
    count_joints,
    head_sizes,
    without_ignored,
)
from ..functional.tracking import TrackingCounts
from ..readers.protocol_reader import source_set
from ..readers.sample_reader import as_dict, keypoint_indices, resolve_root
from ..readers.tracking_reader import TrackedImage, in_sequences, read_tracked_image
from .tables import format_table

_GROUPS = (*JOINT_GROUPS, 'total')
_RATIOS = ('mota', 'motp', 'precision', 'recall', 'idf1')
_COUNTS = ('switches', 'misses', 'false_positives', 'objects')


@METRICS.register_module()
class PoseTrackMetric(BaseMetric):
    """PoseTrack18 by the rules of leonid-pishchulin/poseval (:mod:`das_mm.evaluation.functional.posetrack`).

    ========================================  =========================================================================
    ``ap/total``, ``ap/head`` …               average precision of joints, of all predictions whatever their score
    ``mota/total``, ``mota/head`` …           MOTA of joints, of predictions with identity scored ``score_thr`` or more
    ``motp, precision, recall, idf1/total``   of the same; IDF1 and the next are no part of poseval
    ``num_switches`` …                        switches, misses, false positives, objects: sums over the 15 joints
    ``mota@0.50/total``, ``num_switches@…``   at further thresholds
    ========================================  =========================================================================

    Groups are head, shoulder, elbow, wrist, hip, knee, ankle; numbers of a group are plain means over its joints. The
    last labelled frame of each video counts for AP only. Frames without annotated people count for nothing.

    Joints are those of ``poseval15``, found by name; a predicted joint at (0, 0) is none.

    Args:
        score_thr: Least score of the people who count for MOTA. False positives cost there as much as misses, so a
            threshold chosen on other data belongs to every published number; the papers do not tell theirs.
        joint_score_thr: Least score of a joint, likewise.
        more_score_thrs: Further thresholds in place of ``score_thr``.
        result_dir: Where to write all predictions, one json a video, for poseval or the evaluation server. These know
            no threshold: what they should not count must be kept back by the model's own (``test_cfg.score_thr``).
        collect_device, prefix, collect_dir: As in mmengine's ``BaseMetric``.

    Raises:
        UserError: Samples without ``seq`` and ``frame``, people without a box of the head or without identity; a
            ``result_dir`` that cannot be written.
    """

    default_prefix = 'posetrack'

    def __init__(
        self,
        score_thr: float = 0.0,
        joint_score_thr: float = 0.0,
        more_score_thrs: Sequence[float] = (),
        result_dir: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ):
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.score_thr, self.joint_score_thr = score_thr, joint_score_thr
        self.more_score_thrs = tuple(more_score_thrs)
        self.result_dir = result_dir
        if result_dir is not None:
            check_writable(result_dir, 'result_dir')
        self.keypoint_set = KEYPOINT_SETS['poseval15']

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """The joints of each image's people, without what lies in ignored regions."""
        keypoints = keypoint_indices(self.dataset_meta)
        source, root = source_set(list(keypoints)), resolve_root(None, keypoints)
        for sample in data_samples:
            sample = as_dict(sample)
            image = read_tracked_image(sample, root, len(keypoints), needs_3d=False)
            written = None if self.result_dir is None else posetrack_image(sample, image, source)
            self.results.append(
                dict(
                    sequence=image.sequence,
                    frame=image.frame,
                    people=self._frame(image, source),
                    written=written,
                    not_finite=int((~image.predictions.data['usable']).sum()),
                )
            )

    def _frame(self, image: TrackedImage, source: KeypointSet) -> PoseTrackFrame | None:
        """The 15 joints; None where nobody is annotated, which is decided before regions are looked at."""
        true, found = image.ground_truth.select(image.ground_truth.data['annotated']), image.predictions
        if not len(true):
            return None
        true_px, flags = convert_keypoints(true.keypoints_px, true.data['flags'], source, self.keypoint_set)
        known = np.isfinite(found.keypoints_px).all(-1) & (found.keypoints_px != 0).any(-1)
        px = np.where(known[..., None], found.keypoints_px, 0)
        px_and_scores = np.concatenate([px, found.keypoint_scores[..., None]], axis=-1)
        joints, present = convert_keypoints(px_and_scores, known.astype(int), source, self.keypoint_set)
        frame = PoseTrackFrame(
            People(
                keypoints_px=true_px,
                keypoints_valid=flags > 0,
                track_ids=true.track_ids,
                data=dict(head_sizes_px=self._head_sizes(image, true, flags > 0)),
            ),
            People(
                scores=found.scores,
                track_ids=found.track_ids,
                keypoints_px=joints[..., :2],
                keypoints_valid=present > 0,
                keypoint_scores=joints[..., 2],
            ),
        )
        return without_ignored(frame, image.polygons)

    @staticmethod
    def _head_sizes(image: TrackedImage, people: People, annotated: np.ndarray) -> np.ndarray:
        boxes = people.data.get('head_bboxes_px')
        sizes = np.full(len(people), np.nan) if boxes is None else head_sizes(boxes)
        if not (sizes[annotated.any(1)] > 0).all():
            raise UserError(
                f'frame {image.frame} of {image.sequence} has a person without a box of the head, by which '
                'distances are measured',
                field='head_bbox',
                remedy='convert the original annotations of PoseTrack18, or use TrackingMetric',
            )
        return sizes

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """AP and MOTA by group, and the table of thresholds."""
        sequences = in_sequences(results)
        if self.result_dir is not None:
            write_posetrack_files(
                self.result_dir, {name: [frame['written'] for frame in frames] for name, frames in sequences.items()}
            )
        videos = [[frame['people'] for frame in frames if frame['people'] is not None] for frames in sequences.values()]
        videos = [video for video in videos if video]
        precision = average_precision([frame for video in videos for frame in video])
        table = {f'ap/{name}': value for name, value in by_group(precision.ap).items()}
        lines = {'AP': list(by_group(precision.ap).values())}
        for threshold in dict.fromkeys((self.score_thr, *self.more_score_thrs)):
            numbers = self._tracking(videos, threshold)
            suffix = '' if threshold == self.score_thr else f'@{threshold:.2f}'
            table |= {f'{name}{suffix}{group}': value for (name, group), value in numbers.items()}
            lines[f'MOTA, score >= {threshold:.2f}'] = [numbers['mota', f'/{group}'] for group in _GROUPS]
        print_log(format_table('PoseTrack', _GROUPS, lines), logger='current')
        self._warn(results, videos)
        frames = sum(map(len, videos))
        return {**table, 'num_videos': float(len(videos)), 'num_frames': float(frames)}

    def _tracking(self, videos: list[list[PoseTrackFrame]], score_thr: float) -> dict[tuple[str, str], float]:
        """(name, '' or '/' and a group) -> number."""
        joints = [TrackingCounts()] * NUM_JOINTS
        for video in videos:
            counts = count_joints([frame.tracked(score_thr, self.joint_score_thr) for frame in video])
            joints = [total + count for total, count in zip(joints, counts)]
        values = {name: by_group(np.array([getattr(joint, name) for joint in joints])) for name in _RATIOS}
        numbers = {('mota', f'/{group}'): value for group, value in values['mota'].items()}
        numbers |= {(name, '/total'): values[name]['total'] for name in _RATIOS[1:]}
        return numbers | {(f'num_{name}', ''): float(sum(getattr(joint, name) for joint in joints)) for name in _COUNTS}

    @staticmethod
    def _warn(results: list[dict], videos: list[list[PoseTrackFrame]]) -> None:
        not_finite = sum(result['not_finite'] for result in results)
        if not_finite:
            print_log(
                f'{not_finite} predictions hold numbers that are not finite: those joints are left out',
                logger='current',
                level=logging.WARNING,
            )
        single = sum(len(video) == 1 for video in videos)
        if single:
            print_log(
                f'{single} of {len(videos)} videos have one labelled frame and do not count for MOTA, which '
                'leaves out the last of each',
                logger='current',
                level=logging.WARNING,
            )
