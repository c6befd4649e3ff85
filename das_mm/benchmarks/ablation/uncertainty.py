"""Predicted standard deviations and the errors that were made, gathered from a model's evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from das_mm.evaluation.functional.calibration import Calibration, calibrate, lateral_and_depth_errors, plain_density
from das_mm.evaluation.functional.matching import OneToOneMatcher
from das_mm.evaluation.functional.pairing import pair_people
from das_mm.evaluation.readers.sample_reader import (
    as_dict,
    has_3d,
    keypoint_indices,
    read_ground_truth,
    read_predictions,
    resolve_root,
)
from das_mm.models.heads import DASHead, stage_losses
from das_mm.models.losses import residual_spread
from das_mm.structures.arrays import to_numpy

_NUM_SAMPLES = 4000


class SigmaCollector(BaseMetric):
    """A metric that keeps errors and σ (mm) of found people, see :func:`.calibration.lateral_and_depth_errors`.

    People are paired as :class:`MultiPerson3DMetric` pairs them by default, and the same keypoints count, but for the
    root, whose relative depth is nobody's prediction. It gives no numbers: they are in :attr:`errors` and
    :attr:`sigma` after the evaluation.

    Attributes:
        errors, sigma: (N, D) mm.
    """

    def __init__(self):
        super().__init__(prefix='sigma')
        self.matcher = OneToOneMatcher()
        self.errors, self.sigma = np.zeros((0, 3)), np.zeros((0, 3))

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Pair the people of each image."""
        keypoints = keypoint_indices(self.dataset_meta)
        root = resolve_root(None, keypoints)
        for sample in map(as_dict, data_samples):
            found = self._of_image(sample, root, len(keypoints)) if has_3d(sample) else None
            if found is not None:
                self.results.append(found)

    def _of_image(
        self, sample: Mapping[str, Any], root: tuple[int, ...], num_keypoints: int
    ) -> tuple[np.ndarray, ...] | None:
        ground_truth = read_ground_truth(sample, root, 'valid_in_image', num_keypoints)
        predictions = read_predictions(sample, 0.0, needs_3d=True, num_keypoints=num_keypoints)
        if not predictions.data['usable'].any():
            return None
        pairs = pair_people(self.matcher, ground_truth, predictions, predictions.data['usable'], root)
        judged = pairs.found & ground_truth.data['has_pose'][pairs.evaluated]
        people, found = ground_truth.select(pairs.evaluated[judged]), pairs.partner[judged]
        if not len(found):
            return None
        K = to_numpy(sample['camera']['K'], np.float64)
        sigma = to_numpy(sample['pred_instances']['keypoints_sigma'], np.float64)
        errors, scale = lateral_and_depth_errors(
            predictions.keypoints_px[found],
            predictions.keypoints_cam_mm[found],
            sigma[found],
            people.keypoints_px,
            people.keypoints_cam_mm,
            np.tile([K[0, 0], K[1, 1]], (len(found), 1)),
            root,
        )
        counts = people.keypoints_cam_valid & people.keypoints_valid
        if len(root) == 1:
            counts[:, root] = False
        return errors[counts], scale[counts]

    def compute_metrics(self, results: list[tuple[np.ndarray, np.ndarray]]) -> dict:
        """Gather the results; there are no numbers to tell."""
        if results:
            self.errors, self.sigma = (np.concatenate(values) for values in zip(*results))
        return {}


def learned_density(head: DASHead, num: int = _NUM_SAMPLES) -> np.ndarray:
    """Samples (S, D) of error / σ as the head's last offsets have learnt them; σ in the units of ``keypoints_sigma``.

    With a flow it is mostly the flow's own density (see :class:`~das_mm.models.losses.RLELoss`).
    """
    loss = list(stage_losses(head).values())[-1]
    generator = torch.Generator(head.scales.device).manual_seed(0)
    spread = residual_spread(loss, generator=generator, num_dims=head.dims)
    with torch.no_grad():
        samples = loss.fitted_density().sample_residuals(num, generator, head.dims)
    return (samples.to(spread) / spread).cpu().numpy().astype(np.float64)


def judge_sigma(collector: SigmaCollector, head: DASHead) -> dict[str, Calibration] | None:
    """The calibration of the gathered errors, by axis; None where nobody was found."""
    if not len(collector.errors):
        return None
    dims = collector.errors.shape[1]
    densities = dict(
        learned=learned_density(head), laplace=plain_density('laplace', dims), gaussian=plain_density('gaussian', dims)
    )
    return calibrate(collector.errors, collector.sigma, densities)
