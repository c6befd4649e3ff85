"""What the metrics of single data sets have in common."""

from __future__ import annotations

import logging

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from das_mm.structures.keypoint_sets import KEYPOINT_SETS

from ..readers.protocol_reader import GROUND_TRUTHS, ProtocolImage, read_protocol_image, source_set
from ..readers.sample_reader import as_dict, keypoint_indices
from .choices import check_choice


class ProtocolMetric(BaseMetric):
    """Base of the metrics that follow the published protocol of one data set.

    Truth and predictions may be in any keypoint set of the package; they are carried over by name to that of the
    protocol. Keypoints that are lacking there are left out of every mean, and one warning says which.

    Args:
        keypoint_set: Keypoint set of the protocol.
        truth: ``'annot3'`` (metric) or ``'univ_annot3'`` (height-normalised), see ``protocol_reader.GROUND_TRUTHS``.
        score_thr: Predictions scored below are dropped before anything else.
        collect_device, prefix, collect_dir: As in mmengine's ``BaseMetric``.

    Raises:
        UserError: Unknown truth; samples that lack a field.
    """

    def __init__(
        self,
        keypoint_set: str,
        truth: str,
        score_thr: float,
        collect_device: str,
        prefix: str | None,
        collect_dir: str | None,
    ):
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        check_choice(truth, GROUND_TRUTHS, 'truth')
        self.keypoint_set = KEYPOINT_SETS[keypoint_set]
        self.truth = truth
        self.score_thr = score_thr

    def _read(self, sample) -> ProtocolImage:
        source = source_set(list(keypoint_indices(self.dataset_meta)))
        return read_protocol_image(as_dict(sample), source, self.keypoint_set, self.truth, self.score_thr)

    def _warn(self, results: list[dict]) -> None:
        """One warning for predictions that are no numbers, one for keypoints nobody has."""
        num_not_finite = sum(result['num_not_finite'] for result in results)
        if num_not_finite:
            print_log(
                f'{num_not_finite} predictions hold numbers that are not finite: left out',
                logger='current',
                level=logging.WARNING,
            )
        lacking = (
            [name for name, has in zip(self.keypoint_set.keypoints, results[0]['available']) if not has]
            if results
            else []
        )
        if lacking:
            print_log(
                f'{self.keypoint_set.name} has keypoints that the data set has not, left out of all means: '
                f'{", ".join(lacking)}; the numbers are not those of the benchmark',
                logger='current',
                level=logging.WARNING,
            )
