"""How good the best of some samples is, and whether their spread says how wrong the mode is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from das_mm.errors import UserError
from das_mm.evaluation.functional.calibration import calibrate
from das_mm.evaluation.functional.person_mesh import person_errors
from das_mm.evaluation.metrics.metric_bodies import build_bodies
from das_mm.evaluation.readers.person_reader import predicted_meshes, true_meshes
from das_mm.evaluation.readers.protocol_joints import ProtocolJoints
from das_mm.evaluation.readers.sample_reader import as_dict
from das_mm.registry import METRICS
from das_mm.structures.arrays import to_numpy

from .quantisation import quantise

_FIELD = 'sample_keypoints_cam_mm'


@METRICS.register_module()
class SampledPoseMetric(BaseMetric):
    """Errors of the best of n bodies, the mode and n - 1 samples, and the calibration of the samples' spread.

    Joints are regressed by J19 and lose MPII's pelvis. ``MPJPE-n`` and ``PA-MPJPE-n`` are means over people of the
    least error among the first n, each error for itself. For the calibration, of each joint about the pelvis and each
    axis, the spread is the root mean square distance of the samples from the mode; the error is that of the mode.
    ``spread`` and ``error`` are root mean squares over people and joints, mm, ``spread-factor`` is error over spread
    (1: honest), ``spread-rank`` Spearman's correlation of the two, ``spread-ENCE`` the expected normalised calibration
    error.

    Args:
        body_model, true_bodies, truth: As of ``PersonMeshMetric``.
        joints: ``prohmr14``, ``prohmr17`` or ``prohmr17_top``, as there.
        counts: Numbers n; those above what was sampled are an error. Or ``dict(first=…, quantised=…)``: of the second
            ``…-quantised-n`` is the least error among n bodies that stand for the mode and all samples (K-means, as the
            thesis measures n = 5, 10 and 25 on 4096 samples).
        gaussian_mm: In place of the samples the mode with normal noise of this standard deviation on each joint: the
            thesis' baseline.
        collect_device, prefix: As in mmengine's ``BaseMetric``.

    Raises:
        UserError: Samples of poses are missing, or too few.
    """

    default_prefix = 'samples'

    def __init__(
        self,
        body_model: Mapping | None = None,
        true_bodies: Mapping[str, Mapping] | None = None,
        joints: str = 'prohmr14',
        truth: str = 'labels',
        counts: Sequence[int] | Mapping[str, Sequence[int]] = (1, 5, 10, 25),
        gaussian_mm: float | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.body, self.true_bodies = build_bodies(body_model, true_bodies)
        self.protocol = ProtocolJoints(self.body, joints)
        counts = counts if isinstance(counts, Mapping) else dict(first=counts)
        self.counts, self.quantised = tuple(counts.get('first', ())), tuple(counts.get('quantised', ()))
        self.truth, self.gaussian_mm = truth, gaussian_mm

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Errors of the people of a batch."""
        samples = [as_dict(sample) for sample in data_samples]
        modes = self.protocol.of_meshes(predicted_meshes(samples, self.body))[0]
        truth, valid = self._truth(samples)
        for sample, mode, joints, known in zip(samples, modes, truth, valid):
            drawn = self._drawn(sample) if self.gaussian_mm is None else self._around(mode)
            if drawn is None or not known.any() or not np.isfinite(mode).all():
                continue
            bodies = np.concatenate([mode[None], drawn])
            repeated = (np.broadcast_to(value, (len(bodies), *value.shape)) for value in (joints, known))
            errors = person_errors(bodies, *repeated)
            groups = {f'{count}': slice(count) for count in self.counts}
            groups.update({f'quantised-{count}': quantise(bodies, count) for count in self.quantised})
            spread = np.sqrt(np.square(drawn - mode).mean(0)) if len(drawn) else np.full_like(mode, np.nan)
            self.results.append(
                dict(
                    best={
                        f'{name}-{group}': errors[name][rows].min()
                        for name in ('MPJPE', 'PA-MPJPE')
                        for group, rows in groups.items()
                    },
                    error=(mode - joints)[known],
                    spread=spread[known],
                )
            )

    @property
    def num_drawn(self) -> int:
        """Samples beside the mode that the numbers need at least."""
        return max((*self.counts, *self.quantised), default=1) - 1

    def _truth(self, samples: Sequence[Mapping]) -> tuple[np.ndarray, np.ndarray]:
        """(n, J, 3) mm about the pelvis, and which are known (n, J)."""
        if self.truth == 'mesh':
            meshes, has_mesh = true_meshes(samples, self.body, self.true_bodies)
            joints = self.protocol.of_meshes(meshes)[0]
            return joints, np.repeat(has_mesh[:, None], joints.shape[1], axis=1)
        return self.protocol.of_labels(samples, (self.dataset_meta or {}).get('keypoint_set', 'prohmr44'))

    def _drawn(self, sample: Mapping) -> np.ndarray | None:
        """(S, J, 3) mm about the pelvis; None where nobody was found."""
        found = as_dict(sample.get('pred_instances') or {}).get(_FIELD)
        needed = self.num_drawn
        if found is None or np.shape(found)[1] < needed:
            told = 'no samples' if found is None else f'{np.shape(found)[1]} samples'
            raise UserError(
                f'{sample.get("img_path")} has {told} beside the mode, {needed} are needed',
                field=f'pred_instances.{_FIELD}',
                remedy=f'set model.test_cfg.num_samples={needed}, or ask for fewer (counts)',
            )
        return self.protocol.of_points(to_numpy(found, np.float64)[0]) if len(found) else None

    def _around(self, mode: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng(len(self.results))
        return mode + self.gaussian_mm * rng.normal(size=(self.num_drawn, *mode.shape))

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Means over people; NaN without anybody."""
        groups = [*map(str, self.counts), *(f'quantised-{count}' for count in self.quantised)]
        names = [f'{name}-{group}' for name in ('MPJPE', 'PA-MPJPE') for group in groups]
        table = {
            name: float(np.mean([one['best'][name] for one in results])) if results else float('nan') for name in names
        }
        table.update(_calibration(results), num_people=float(len(results)))
        print_log(', '.join(f'{name} {value:.2f}' for name, value in table.items()), logger='current')
        return table


def _calibration(results: list[dict]) -> dict[str, float]:
    errors, spread = (
        np.concatenate([np.zeros((0, 3)), *(one[name] for one in results)]) for name in ('error', 'spread')
    )
    sound = np.isfinite(spread).all(1) & (spread > 0).all(1)
    if not sound.any():
        return {}
    judged = calibrate(errors[sound], spread[sound], {})['norm']
    rms = lambda values: float(np.sqrt(np.square(values[sound]).sum(1).mean()))
    return {
        'spread': rms(spread),
        'error': rms(errors),
        'spread-factor': judged.factor,
        'spread-rank': judged.rank_correlation,
        'spread-ENCE': judged.ence,
    }
