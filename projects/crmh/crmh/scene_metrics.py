"""The published protocols of MuPoTS-3D and CMU Panoptic on bodies: joints of Human3.6M's regressor on the meshes
(thesis §5.4, and the released evaluation). Letters: n predicted and N true people of an image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from das_mm.evaluation.functional.sequences import panoptic_activity
from das_mm.evaluation.metrics import MuPoTSMetric
from das_mm.evaluation.metrics.metric_bodies import build_bodies
from das_mm.evaluation.readers.mesh_reader import read_predicted_bodies
from das_mm.evaluation.readers.protocol_reader import sequence_text
from das_mm.evaluation.readers.sample_reader import as_dict, keypoint_indices, read_ground_truth, resolve_root
from das_mm.models.body_models import SuperJoints
from das_mm.registry import METRICS
from das_mm.structures.arrays import to_numpy
from das_mm.structures.cameras import project
from das_mm.structures.keypoint_conversion import convert_keypoints
from das_mm.structures.keypoint_sets import KEYPOINT_SETS
from das_mm.structures.tensor_rotations import axis_angle_to_matrix

from .panoptic_pairing import mean_error, pelvis_centred_errors

#: joints of Human3.6M's regressor in the order of MuPoTS' 17: head top, neck, right and left arm, right and left leg,
#: pelvis, spine, head
H36M_OF_MUPOTS = (10, 8, 14, 15, 16, 11, 12, 13, 4, 5, 6, 1, 2, 3, 0, 7, 9)
_PELVIS = 0


class H36MJoints:
    """17 joints of predicted bodies, in the order of Human3.6M's regressor (left leg first).

    Args:
        body_model: Config of the body; None: the generated one, and errors are not comparable with published ones.
    """

    def __init__(self, body_model: Mapping[str, Any] | None) -> None:
        self.body, _ = build_bodies(body_model, None, 'cpu')
        self.joints = SuperJoints(self.body, 'h36m17_left')

    @torch.no_grad()
    def __call__(self, sample: Mapping[str, Any]) -> np.ndarray:
        """(n, 17, 3) mm, camera frame, of everybody in ``pred_instances``."""
        instances = as_dict(sample['pred_instances'])
        people = read_predicted_bodies(sample, len(instances['scores']))
        if not len(people):
            return np.zeros((0, len(H36M_OF_MUPOTS), 3))
        columns = (people.global_orient, people.body_pose, people.betas)
        orient, pose, betas = (torch.from_numpy(np.ascontiguousarray(column)).float() for column in columns)
        posed = self.body(axis_angle_to_matrix(orient), axis_angle_to_matrix(pose), betas)
        found = self.joints(posed.vertices).numpy().astype(np.float64)
        return 1000 * found + people.transl_mm[:, None]


@METRICS.register_module()
class CRMHMuPoTSMetric(MuPoTSMetric):
    """MuPoTS-3D's official protocol (:class:`.MuPoTSMetric`) of the bodies' joints; ``pck_rel`` is the thesis' 3DPCK,
    ``pck_rel_matched`` that of the people who were found.

    Args:
        body_model: Config of the body, with Human3.6M's regressor for published numbers.
        kwargs: Those of :class:`.MuPoTSMetric`.
    """

    def __init__(self, body_model: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.regressed = H36MJoints(body_model)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """As there; the data set must give its keypoints as MuPoTS has them."""
        super().process(data_batch, [self._with_joints(as_dict(sample)) for sample in data_samples])

    def _with_joints(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        joints = self.regressed(sample)[:, list(H36M_OF_MUPOTS)]
        found = dict(as_dict(sample['pred_instances']))
        K, dist = np.asarray(sample['camera']['K'], np.float64), sample['camera'].get('dist')
        found.update(keypoints=project(joints, K, dist), keypoints_3d=joints)
        found['keypoint_scores'] = np.ones(joints.shape[:2])
        for name in ('roots_px', 'root_depths_mm', 'root_depths_norm', 'relative_depths_mm'):
            found.pop(name, None)  # those of other keypoints
        return {**sample, 'pred_instances': found}


@METRICS.register_module()
class CRMHPanopticMetric(BaseMetric):
    """CMU Panoptic as CRMH was measured: everybody is compared with the prediction of the most similar pelvis-centred
    pose, whichever and however often; joints that are not annotated count as no error.

    ``mpjpe_mm`` is the mean of the four activities' means where there are several, ``<activity>/mpjpe_mm`` each.
    ``num_without_prediction`` people are in images where nobody was found, and are in no mean, as in the released code.

    Args:
        body_model: Config of the body.
        score_thr: Predictions scored below are dropped.
        collect_device, prefix, collect_dir: As in mmengine's ``BaseMetric``.
    """

    default_prefix = 'crmh_panoptic'

    def __init__(
        self,
        body_model: Mapping[str, Any] | None = None,
        score_thr: float = 0.0,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.regressed, self.score_thr = H36MJoints(body_model), score_thr

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Errors of the people of each image."""
        indices = keypoint_indices(self.dataset_meta)
        source = KEYPOINT_SETS[self.dataset_meta['keypoint_set']]
        target = KEYPOINT_SETS['h36m17_left']
        for sample in map(as_dict, data_samples):
            truth = read_ground_truth(sample, resolve_root(None, indices), 'valid', len(indices))
            points, known = convert_keypoints(truth.keypoints_cam_mm, truth.keypoints_cam_valid, source, target)
            known = known.astype(bool)
            chosen = known[:, _PELVIS]
            scores = to_numpy(as_dict(sample['pred_instances'])['scores'], np.float64)
            found = self.regressed(sample)[scores >= self.score_thr]
            self.results.append(
                dict(
                    activity=panoptic_activity(sequence_text(sample)),
                    errors=pelvis_centred_errors(points[chosen], known[chosen], found),
                    missed=int(chosen.sum()) if not len(found) else 0,
                )
            )

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Means in mm, and counts."""
        names = sorted({result['activity'] for result in results})
        table = {
            f'{name}/mpjpe_mm': mean_error([one['errors'] for one in results if one['activity'] == name])
            for name in names
        }
        means = [value for value in table.values() if np.isfinite(value)]
        table['mpjpe_mm'] = float(np.mean(means)) if means else float('nan')
        table['num_without_prediction'] = float(sum(result['missed'] for result in results))
        return table
