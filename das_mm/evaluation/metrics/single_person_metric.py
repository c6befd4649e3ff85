"""What the metrics of the single-person sets, MPI-INF-3DHP and Human3.6M, have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..functional.single_person import CHOICE_RULES, SinglePersonPoses
from ..readers.sample_reader import as_dict
from .choices import check_choice
from .protocol_metric import ProtocolMetric


class SinglePersonMetric(ProtocolMetric):
    """Base of the metrics of single-person sets: one prediction is chosen by a named rule.

    The rule is said in the log, and in the names of the results (before all else) unless it is the default. People in
    an image without predictions are *missed*: wrong in every PCK, left out of the errors in mm (``recall`` tells how
    many were found) but for ``mpjpe_all_mm``, where they stand in the mean pose of the truth.

    Args:
        choice: ``'highest_score'`` (default) or ``'nearest_in_image'``, which looks at the truth:
            :mod:`das_mm.evaluation.functional.single_person`.
        keypoint_set, truth, score_thr, collect_device, prefix, collect_dir: See :class:`ProtocolMetric`.
    """

    def __init__(
        self,
        keypoint_set: str,
        truth: str,
        choice: str,
        score_thr: float,
        collect_device: str,
        prefix: str | None,
        collect_dir: str | None,
    ):
        super().__init__(keypoint_set, truth, score_thr, collect_device, prefix, collect_dir)
        check_choice(choice, CHOICE_RULES, 'choice')
        self.choice = choice

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Choose the prediction of each image's person and keep both poses."""
        for sample in data_samples:
            image = self._read(sample)
            people = image.ground_truth
            chosen = CHOICE_RULES[self.choice](people, image.predictions)  # (N,)
            pred = np.full(people.keypoints_cam_mm.shape, np.nan)
            pred[chosen >= 0] = image.predictions.keypoints_cam_mm[chosen[chosen >= 0]]
            self.results.append(
                dict(
                    name=image.name,
                    activity=int(as_dict(sample).get('activity') or 0),
                    gt=people.keypoints_cam_mm,
                    valid=people.keypoints_cam_valid,
                    pred=pred,
                    found=chosen >= 0,
                    available=image.available,
                    in_image=(people.keypoints_valid | ~image.available).all(1),
                    num_not_finite=image.num_not_finite,
                )
            )

    def _poses(self, results: Sequence[dict]) -> SinglePersonPoses:
        """The people of all images in one."""
        k = self.keypoint_set.num_keypoints

        def stack(name: str, *shape: int) -> np.ndarray:
            return np.concatenate([np.zeros((0, *shape)), *(result[name] for result in results)])

        return SinglePersonPoses(
            stack('gt', k, 3),
            stack('pred', k, 3),
            stack('valid', k) > 0,
            stack('found') > 0,
            self.keypoint_set.index(self.keypoint_set.root),
        )

    @staticmethod
    def _per_person(results: Sequence[dict], name: str) -> list:
        """A field of the images, once for each of their people."""
        return [result[name] for result in results for _ in result['found']]

    def _named(self, table: dict[str, float]) -> dict[str, float]:
        prefix = '' if self.choice == 'highest_score' else f'{self.choice}/'
        return {f'{prefix}{name}': value for name, value in table.items()}
