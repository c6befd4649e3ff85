"""Meshes and joints of one person a crop, by the protocols of HMR's family."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from das_mm.registry import METRICS

from ..functional.pck import auc, pck
from ..functional.person_mesh import person_errors, vertex_errors
from ..readers.person_reader import predicted_meshes, true_meshes
from ..readers.protocol_joints import PROTOCOLS, ProtocolJoints
from ..readers.sample_reader import as_dict
from .choices import check_choice
from .metric_bodies import build_bodies

_NAMES = ('MPJPE', 'PA-MPJPE', 'PVE', 'PVE-pelvis')


@METRICS.register_module()
class PersonMeshMetric(BaseMetric):
    """MPJPE, PA-MPJPE, PVE, PCK and AUC of one person a crop, mm and percent.

    Predicted joints are regressed from the predicted mesh by Human3.6M's regressor, or ProHMR's, and lose its pelvis.
    True joints come from labels as they are stored, minus the labelled pelvis (Human3.6M, MPI-INF-3DHP); or of the true
    mesh, posed by the body of the person's gender where ``true_bodies`` has it, minus its own pelvis (3DPW).

    Reads of ``pred_instances`` ``mesh_vertices_m`` (1, V, 3), untranslated, or else ``smpl_global_orient``,
    ``smpl_body_pose`` and ``smpl_betas``; of ``gt_instances`` what :class:`.PackPersonInputs` packs. A prediction that
    is not finite, or that there is none of, is wrong in PCK and left out of the means; ``num_not_finite`` counts them.
    People without the truth that is asked for are left out; means without anybody are NaN. PCK and AUC (0, 5, …,
    150 mm) count errors *below* the threshold, pooled over joints.

    Args:
        body_model: Body of the predictions; the generated one by default. Its ``regressors`` name the files.
        true_bodies: Gender ('m', 'f') -> body of true people of that gender; ``body_model`` for the others.
        joints: ``j14`` (LSP's order; Human3.6M, 3DPW) or ``j17`` (MPI-INF-3DHP), the head that of Human3.6M; or
            ProHMR's by J19 and about MPII's pelvis: ``prohmr14``, ``prohmr17``, ``prohmr17_top`` (MPI-INF-3DHP).
        truth: 'labels' or 'mesh'.
        threshold_mm: Of PCK.
        labels_3d: 'keypoints_3d', or 'keypoints_3d_univ', bodies scaled to one height (MPI-INF-3DHP).
        collect_device, prefix: As in mmengine's ``BaseMetric``; names have no prefix by default.

    Raises:
        UserError: Unknown options, or samples that lack a field.
    """

    def __init__(
        self,
        body_model: Mapping | None = None,
        true_bodies: Mapping[str, Mapping] | None = None,
        joints: str = 'j14',
        truth: str = 'labels',
        threshold_mm: float = 150.0,
        labels_3d: str = 'keypoints_3d',
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ):
        super().__init__(collect_device=collect_device, prefix=prefix)
        check_choice(joints, tuple(PROTOCOLS), 'joints')
        check_choice(truth, ('labels', 'mesh'), 'truth')
        check_choice(labels_3d, ('keypoints_3d', 'keypoints_3d_univ'), 'labels_3d')
        self.body, self.true_bodies = build_bodies(body_model, true_bodies)
        self.protocol = ProtocolJoints(self.body, joints)
        self.truth, self.threshold_mm, self.labels_3d = truth, threshold_mm, labels_3d

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Errors of the people of a batch; no mesh is kept."""
        samples = [as_dict(sample) for sample in data_samples]
        pred = predicted_meshes(samples, self.body)  # (n, V, 3) m
        meshes, has_mesh = true_meshes(samples, self.body, self.true_bodies)
        pred_joints, pred_pelvis = self.protocol.of_meshes(pred)
        finite = np.isfinite(pred_joints).all((1, 2)) & np.isfinite(pred).all((1, 2))
        if self.truth == 'mesh':
            gt_joints, gt_pelvis = self.protocol.of_meshes(meshes)
            valid = np.repeat(has_mesh[:, None], gt_joints.shape[1], axis=1)
        else:
            source = (self.dataset_meta or {}).get('keypoint_set', 'gt24')
            gt_joints, valid = self.protocol.of_labels(samples, source, self.labels_3d)
            gt_pelvis = self.protocol.of_meshes(meshes)[1]
        errors = person_errors(np.where(finite[:, None, None], pred_joints, 0), gt_joints, valid)
        vertices = vertex_errors(1e3 * np.where(finite[:, None, None], pred, 0), 1e3 * meshes, pred_pelvis, gt_pelvis)
        for n in range(len(samples)):
            wrong = np.where(valid[n], np.inf, np.nan)
            self.results.append(
                dict(
                    finite=bool(finite[n]),
                    **{name: errors[name][n] if finite[n] else np.nan for name in ('MPJPE', 'PA-MPJPE')},
                    **{name: errors[name][n] if finite[n] else wrong for name in ('joints', 'PA-joints')},
                    **{name: v[n] if finite[n] and has_mesh[n] else np.nan for name, v in vertices.items()},
                )
            )

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Means over people."""
        table = {name: _mean([result[name] for result in results]) for name in _NAMES}
        for prefix in ('', 'PA-'):
            errors = np.stack([result[f'{prefix}joints'] for result in results]) if results else np.zeros((0, 1))
            valid = ~np.isnan(errors)
            table[f'{prefix}PCK'], table[f'{prefix}AUC'] = pck(errors, valid, self.threshold_mm), auc(errors, valid)
        bad = sum(not result['finite'] for result in results)
        table.update(num_people=float(len(results)), num_not_finite=float(bad))
        if bad:
            print_log(
                f'{bad} of {len(results)} predictions are missing or not finite: wrong in PCK, left out of the means',
                logger='current',
                level=logging.WARNING,
            )
        print_log(
            f'one person a crop, body {self.body.source!r}, {self.protocol.num_joints} joints, '
            f'truth from {self.truth}: ' + ', '.join(f'{name} {value:.2f}' for name, value in table.items()),
            logger='current',
        )
        return table


def _mean(values: list[float]) -> float:
    known = np.array(values, float)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else float('nan')
