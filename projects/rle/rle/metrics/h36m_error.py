"""Human3.6M as RLE's authors compute it: back-projection by the true depth of the root, 17 keypoints, no thorax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from das_mm.errors import UserError
from das_mm.evaluation.functional.errors import mpjpe
from das_mm.evaluation.functional.sequences import h36m_capture
from das_mm.registry import METRICS
from das_mm.structures.arrays import to_numpy

from .confidence_correlation import pearson

# recordings of S9 that the authors leave out, by subject, action and take of the released annotation files
LEFT_OUT = ('s_09_act_05_subact_02_ca', 's_09_act_10_subact_02_ca', 's_09_act_13_subact_01_ca')
PROTOCOLS = {1: (11,), 2: (9, 11)}


@METRICS.register_module()
class RegressedH36MError(BaseMetric):
    """MPJPE and PA-MPJPE in mm of crops by the true boxes.

    Keypoints are back-projected with the root at its true depth and the true focal length and principal point, and
    compared relative to the pelvis. The means are over 17 keypoints: the pelvis, whose error is 0, is among them, the
    thorax (the eighteenth) is not. Protocol 1 is subject 11, protocol 2 subjects 9 and 11; ``all`` takes everybody
    (synthetic people). Numbers are ``mpjpe_mm``, ``pa_mpjpe_mm``, ``mpjpe_<action>_mm``, and ``pearson``, the
    correlation of a person's confidence (Eq. 9) with minus the error: as Table 4's, of 3D.

    Args:
        protocol: 1, 2 or 'all'.
        num_evaluated: Keypoints that count, the first ones.
    """

    default_prefix = 'rle_h36m'

    def __init__(
        self, protocol: int | str = 2, num_evaluated: int = 17, collect_device: str = 'cpu', prefix: str | None = None
    ):
        super().__init__(collect_device=collect_device, prefix=prefix)
        if protocol not in (1, 2, 'all'):
            raise UserError(f'there is no protocol {protocol!r}', field='protocol', remedy="use 1, 2 or 'all'")
        self.num_evaluated = num_evaluated
        self.subjects = None if protocol == 'all' else PROTOCOLS[int(protocol)]

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keeps the poses of the people that the protocol takes.

        Raises:
            UserError: A sample without a true position or a predicted one.
        """
        for sample in data_samples:
            if sample.get('keypoints_cam_mm') is None or 'keypoints_3d' not in sample['pred_instances']:
                raise UserError(
                    'a person without a true or a predicted position in space',
                    file=sample.get('img_path'),
                    field='keypoints_3d',
                    remedy='give a set with 3D labels (with_depth=True, and the keys in PackPoseInputs.meta_keys) and '
                    'a head with dims=3',
                )
            name = str(sample['img_path'])
            action = 'all'
            if self.subjects is not None:
                capture = h36m_capture(name)
                if capture.subject not in self.subjects or any(part in name for part in LEFT_OUT):
                    continue
                action = capture.action
            pred = to_numpy(sample['pred_instances']['keypoints_3d'])[0, : self.num_evaluated].astype(np.float64)
            true = np.asarray(sample['keypoints_cam_mm'], dtype=np.float64)[: self.num_evaluated]
            scores = sample['pred_instances'].get('keypoint_scores')
            confidence = 1.0 if scores is None else float(to_numpy(scores).mean())
            self.results.append((action, pred, true, confidence))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The numbers; NaN where the protocol takes nobody."""
        if not results:
            return dict(mpjpe_mm=float('nan'), pa_mpjpe_mm=float('nan'), pearson=float('nan'))
        actions = np.array([action for action, *_ in results])
        pred, true = (np.stack([row[i] for row in results]) for i in (1, 2))
        valid = np.isfinite(true).all(axis=2)
        true = np.nan_to_num(true)
        errors = mpjpe(pred, true, valid, alignment='root', root=0)
        numbers = dict(
            mpjpe_mm=float(errors.mean()),
            pa_mpjpe_mm=float(mpjpe(_rooted(pred), _rooted(true), valid, alignment='procrustes').mean()),
            pearson=pearson(np.array([row[3] for row in results]), -errors),
        )
        if self.subjects is not None:
            numbers.update(
                {f'mpjpe_{action}_mm': float(errors[actions == action].mean()) for action in np.unique(actions)}
            )
        return numbers


def _rooted(poses: np.ndarray) -> np.ndarray:
    return poses - poses[:, :1]
