"""Tracking on any data with identities: people are paired whole, in the image or in 3D."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from das_mm.errors import UserError
from das_mm.registry import METRICS
from das_mm.structures.arrays import to_numpy
from das_mm.structures.people import People

from ..files.result_file import check_ending
from ..files.row_file import write_rows
from ..functional.alignment import Root
from ..functional.pairing import covered_by_ignored
from ..functional.tracking import (
    TRACKING_DISTANCES,
    TrackingCounts,
    TrackingFrame,
    build_tracking_distance,
    count_tracking,
    inside_polygons,
)
from ..readers.sample_reader import as_dict, keypoint_indices, resolve_root
from ..readers.tracking_reader import TrackedImage, in_sequences, read_tracked_image
from .choices import check_choice
from .tables import format_table

_COLUMNS = (
    'mota',
    'idf1',
    'recall',
    'precision',
    'num_switches',
    'num_misses',
    'num_false_positives',
    'num_objects',
    'num_frames',
)
_ROWS_LOGGED = 40


@METRICS.register_module()
class TrackingMetric(BaseMetric):
    """MOTA, IDF1, identity switches, misses and false positives, over all sequences and for each.

    ========================  =========================================================================================
    ``mota``                  100 (1 − (misses + switches + false positives) / people), pooled over the sequences
    ``idf1``                  share of people and predictions with the right identity throughout
    ``recall, precision``     share of the people found, of the predictions that are somebody
    ``num_switches`` …        counts: switches, misses, false positives, objects (people in frames), frames, sequences
    ``num_ignored``           predictions on ignored people or in ignored regions: neither right nor wrong
    ========================  =========================================================================================

    Frames are brought in order by ``seq``, ``view`` and ``frame`` of the samples. Ignored are people who are crowds,
    not valid, whose root is not labelled or out of the image, or whose identity is not known (-1); predictions that
    could be nobody else and fall on them are left out, as are those with half of their keypoints in ``ignore_regions``.
    Predictions without identity (-1) do not count at all. Those that are not finite are false positives.

    Args:
        distance: How far a prediction is from a person, and up to where it may be the same: ``'oks'`` (1 − OKS, up to
            0.5), ``'keypoints_px'`` (mean distance by size, up to 0.5), ``'root_mm'`` (3D, up to 500 mm), or a dict
            with the ``type`` and its ``gate`` (``gate_mm``).
        score_thr: Predictions scored below are left out.
        root: As in :class:`MultiPerson3DMetric`.
        sequence_file: csv or json for the numbers of every sequence.
        collect_device, prefix, collect_dir: As in mmengine's ``BaseMetric``.

    Raises:
        UserError: Unknown distance, wrong file ending, samples without ``seq`` and ``frame`` or without identities.
    """

    default_prefix = 'tracking'

    def __init__(
        self,
        distance: str | dict = 'oks',
        score_thr: float = 0.0,
        root: Root | str | None = None,
        sequence_file: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ):
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        check_choice(distance if isinstance(distance, str) else distance.get('type'), TRACKING_DISTANCES, 'distance')
        if sequence_file is not None:
            check_ending(sequence_file, ('.csv', '.json'), 'sequence_file')
        self.distance = build_tracking_distance(distance)
        self.score_thr, self.root, self.sequence_file = score_thr, root, sequence_file

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Distances between the people of each image."""
        keypoints = keypoint_indices(self.dataset_meta)
        root = resolve_root(self.root, keypoints)
        for sample in data_samples:
            image = read_tracked_image(as_dict(sample), root, len(keypoints), self.distance.needs_3d)
            frame, ignored = self._frame(image, root)
            self.results.append(
                dict(
                    sequence=image.sequence,
                    frame=image.frame,
                    people=frame,
                    ignored=ignored,
                    not_finite=int((~image.predictions.data['usable']).sum()),
                )
            )

    def _frame(self, image: TrackedImage, root: tuple[int, ...]) -> tuple[TrackingFrame, int]:
        """Who counts, and how many predictions were left out as they fall on what is ignored."""
        everybody, found = _with_areas(image.ground_truth), image.predictions
        counts = everybody.data['has_pose' if self.distance.needs_3d else 'evaluated'] & (everybody.track_ids >= 0)
        people, ignored_people = everybody.select(counts), everybody.select(~counts)
        found = found.select((found.track_ids >= 0) & ~(found.scores < self.score_thr))
        usable = found.data['usable']
        distances = np.full((len(people), len(found)), np.nan)
        distances[:, usable] = self.distance(people, found.select(usable), root, self._sigmas())
        spare = usable & ~np.isfinite(distances).any(0)
        nobody = found.select(spare)
        ignored = np.zeros(len(found), dtype=bool)
        ignored[spare] = covered_by_ignored(ignored_people, nobody)
        ignored[spare] |= inside_polygons(nobody.keypoints_px, image.polygons).mean(1) >= 0.5
        return TrackingFrame(people.track_ids, found.track_ids[~ignored], distances[:, ~ignored]), int(ignored.sum())

    def _sigmas(self) -> np.ndarray:
        sigmas = (self.dataset_meta or {}).get('sigmas')
        if sigmas is None:
            if self.distance.needs_3d or not isinstance(self.distance, TRACKING_DISTANCES['oks']):
                return np.zeros(0)
            raise UserError('the data set has no sigmas', field='dataset_meta', remedy="use distance='keypoints_px'")
        return to_numpy(sigmas, np.float64)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """The numbers over all sequences; those of each are logged, and written where asked for."""
        sequences = in_sequences(results)
        counts = {name: count_tracking([frame['people'] for frame in frames]) for name, frames in sequences.items()}
        rows = {name: _numbers(counts[name], len(frames)) for name, frames in sequences.items()}
        total = _numbers(sum(counts.values(), TrackingCounts()), len(results))
        self._log(rows, total)
        if self.sequence_file is not None:
            columns = {'sequence': list(rows), **{name: [row[name] for row in rows.values()] for name in _COLUMNS}}
            write_rows(self.sequence_file, columns)
        not_finite = sum(result['not_finite'] for result in results)
        if not_finite:
            print_log(
                f'{not_finite} predictions hold numbers that are not finite: they are false positives',
                logger='current',
                level=logging.WARNING,
            )
        return {
            **total,
            'num_sequences': float(len(rows)),
            'num_ignored': float(sum(result['ignored'] for result in results)),
        }

    @staticmethod
    def _log(rows: dict[str, dict[str, float]], total: dict[str, float]) -> None:
        shown = dict(list(rows.items())[:_ROWS_LOGGED])
        lines = {name: list(row.values()) for name, row in {**shown, 'total': total}.items()}
        more = f'\n({len(rows) - _ROWS_LOGGED} more sequences are not shown)' if len(rows) > _ROWS_LOGGED else ''
        print_log(format_table('sequence', _COLUMNS, lines) + more, logger='current')


def _with_areas(people: People) -> People:
    """With ``areas_px2``, of the annotation where it has them."""
    return replace(people, data={'areas_px2': people.sizes_px() ** 2, **people.data})


def _numbers(counts: TrackingCounts, frames: int) -> dict[str, float]:
    values = (
        counts.mota,
        counts.idf1,
        counts.recall,
        counts.precision,
        counts.switches,
        counts.misses,
        counts.false_positives,
        counts.objects,
        frames,
    )
    return dict(zip(_COLUMNS, map(float, values)))
