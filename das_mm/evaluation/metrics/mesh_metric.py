"""Errors of the meshes of all the people in an image, with recall and precision beside them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from das_mm.registry import METRICS
from das_mm.structures.people import People
from das_mm.structures.tensor_rotations import axis_angle_to_matrix

from ..files.result_file import check_ending
from ..files.row_file import write_rows
from ..functional.alignment import Root
from ..functional.matching import MATCHERS, NearestRootMatcher, build_matcher
from ..functional.mesh import LSP14, MESH_ERRORS, BodyParameters, PosedBodies, mean_body, mesh_errors
from ..functional.pairing import pair_people
from ..functional.summary import summarise_detection
from ..readers.mesh_reader import read_scored_bodies, read_true_bodies
from ..readers.sample_reader import as_dict, has_3d, keypoint_indices, read_ground_truth, read_predictions, resolve_root
from .choices import check_choice
from .metric_bodies import build_bodies
from .tables import format_table

_CHUNK = 32  # people posed at once: some 20 MB
# where a mean body stands is no prediction, so its absolute error would mean nothing
_ERRORS_OF_ALL = tuple(name for name in MESH_ERRORS if name != 'pve_abs_mm')


@METRICS.register_module()
class MeshMetric(BaseMetric):
    """Multi-person mesh metric: MPJPE and PA-MPJPE over LSP's 14 joints taken from the mesh, PVE, recall, precision.

    Reads ``smpl_global_orient``, ``smpl_body_pose`` (axis-angle, rad, camera frame), ``smpl_betas`` and
    ``smpl_transl_mm`` of ``gt_instances`` (with ``has_smpl``) and ``pred_instances``, and what
    :class:`.MultiPerson3DMetric` reads to tell who is who, by the same rules. The numbers, in mm over *found* people
    with SMPL truth: :func:`das_mm.evaluation.functional.mesh_errors`. ``…_all_mm`` are over *all* people with SMPL
    truth; those not found have the mean body of the truth, so that missing the difficult ones does not pay.

    People without SMPL truth count for recall and precision only. A prediction with a number that is not finite is
    never found but counts against precision. Numbers without a person to take them from are NaN.

    Joints are those of Human3.6M's regressor where ``body_model`` has its file (published numbers), else landmarks of
    the body; the log says which.

    Args:
        body_model: The body of predictions, and of truth unless ``true_bodies`` says otherwise; None:
            ``dict(type='SMPLBody')``, the generated body.
        true_bodies: Gender (``'m'``, ``'f'``) -> the body of true people of that gender (SPIN's protocol); by default
            the truth's numbers go through ``body_model`` whatever the gender (ROMP's protocol on 3DPW). The two differ
            by several mm of PVE.
        matching: As in :class:`.MultiPerson3DMetric`, and ``'nearest_root'``, ROMP's.
        score_thr: Predictions scored below are dropped before anything else.
        root: Root of the keypoint set, for who is ignored and who is who; see :class:`.MultiPerson3DMetric`.
        person_file: Where to write the errors of each true person with SMPL, ``*.csv`` or ``*.json``.
        device: Where bodies are posed.
        collect_device, prefix, collect_dir: As in mmengine's ``BaseMetric``.

    Raises:
        UserError: Unknown matching, wrong file ending, bodies of different topology, samples that lack a field.
    """

    default_prefix = 'mesh'

    def __init__(
        self,
        body_model: Mapping | None = None,
        true_bodies: Mapping[str, Mapping] | None = None,
        matching: str | dict = 'one_to_one',
        score_thr: float = 0.0,
        root: Root | str | None = None,
        person_file: str | None = None,
        device: str = 'cpu',
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ):
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        name = matching if isinstance(matching, str) else matching.get('type')
        check_choice(name, [*MATCHERS, 'nearest_root'], 'matching')
        if person_file is not None:
            check_ending(person_file, ('.csv', '.json'), 'person_file')
        self.matcher = NearestRootMatcher() if name == 'nearest_root' else build_matcher(matching)
        self.body, self.true_bodies = build_bodies(body_model, true_bodies, device)
        self.score_thr, self.root, self.person_file, self.device = score_thr, root, person_file, device

    # ---------------------------------------------------------------- each image

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Pair the people of each image and keep their parameters (one result per sample, numpy only)."""
        keypoints = keypoint_indices(self.dataset_meta)
        root = resolve_root(self.root, keypoints)
        for sample in map(as_dict, data_samples):
            ground_truth = read_ground_truth(sample, root, 'valid', len(keypoints) or None)
            known = ground_truth.keypoints_px.shape[1] or len(keypoints) or None
            predictions = read_predictions(sample, self.score_thr, self.matcher.needs_3d and has_3d(sample), known)
            self.results.append(self._judge(sample, ground_truth, predictions, root))

    def _judge(self, sample: Mapping, ground_truth: People, predictions: People, root: tuple[int, ...]) -> dict:
        """Result of one image."""
        true_bodies, has_smpl, genders = read_true_bodies(sample, len(ground_truth))
        bodies = read_scored_bodies(sample, self.score_thr)
        usable = predictions.data['usable'] & bodies.finite
        pairs = pair_people(self.matcher, ground_truth, predictions, usable, root)
        posed = has_smpl[pairs.evaluated]
        rows, partner = pairs.evaluated[posed], pairs.partner[posed]
        return dict(
            num_gt=len(pairs.evaluated),
            num_matched=int(pairs.found.sum()),
            num_used=pairs.num_used,
            num_pred=len(predictions) - pairs.num_covered,
            num_covered=pairs.num_covered,
            num_not_finite=int((~usable).sum()),
            truth=true_bodies[rows],
            genders=genders[rows],
            found=bodies[partner[partner >= 0]],
            partner=partner,
            gt_index=rows,
            image_id=[sample.get('img_id')] * len(rows),
            score=np.append(predictions.scores, np.nan)[partner],
            ann_id=ground_truth.data['ann_ids'][rows],
        )

    # ---------------------------------------------------------------- all images

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """The table of numbers over all images; writes the file asked for."""
        total = {
            name: sum(result[name] for result in results)
            for name in ('num_gt', 'num_matched', 'num_pred', 'num_used', 'num_covered', 'num_not_finite')
        }
        columns = {
            name: np.concatenate([np.zeros(0, int), *(result[name] for result in results)])
            for name in ('partner', 'gt_index', 'ann_id')
        }
        matched = columns['partner'] >= 0
        errors, errors_all = self._errors(results, matched)
        table = {name: _mean(values[matched]) for name, values in errors.items()}
        table.update({f'{name.removesuffix("_mm")}_all_mm': _mean(errors_all[name]) for name in _ERRORS_OF_ALL})
        table.update(summarise_detection(total['num_gt'], total['num_matched'], total['num_pred'], total['num_used']))
        table.update(
            num_gt_smpl=float(len(matched)),
            num_matched_smpl=float(matched.sum()),
            num_pred_on_ignored=float(total['num_covered']),
            num_pred_not_finite=float(total['num_not_finite']),
            num_images=float(len(results)),
        )
        self._log(table)
        if self.person_file is not None:
            write_rows(
                self.person_file,
                dict(
                    image_id=_flat(results, 'image_id'),
                    **columns,
                    gender=_flat(results, 'genders'),
                    score=_flat(results, 'score'),
                    matched=matched.astype(int),
                    **errors,
                ),
            )
        return table

    def _errors(self, results: list[dict], matched: np.ndarray) -> tuple[dict, dict]:
        """name -> (N,) mm of all people with SMPL truth: NaN for those not found, and with the mean body for them."""
        truth = BodyParameters.concatenate([result['truth'] for result in results], self.body.num_betas)
        found = BodyParameters.concatenate([result['found'] for result in results], self.body.num_betas)
        genders = np.array(_flat(results, 'genders'), dtype='<U1')
        errors = {name: np.full(len(truth), np.nan) for name in MESH_ERRORS}
        _put(errors, matched, self._measure(found, truth[matched], genders[matched]))
        errors_all = {name: values.copy() for name, values in errors.items()}
        if not matched.all():
            mean = mean_body(truth)[np.zeros((~matched).sum(), int)]
            _put(errors_all, ~matched, self._measure(mean, truth[~matched], genders[~matched]))
        return errors, errors_all

    def _measure(self, pred: BodyParameters, gt: BodyParameters, genders: np.ndarray) -> dict[str, np.ndarray]:
        """``mesh_errors`` of N pairs, posed a few at a time."""
        errors = {name: np.zeros(len(pred)) for name in MESH_ERRORS}
        bodies = np.array([gender if gender in self.true_bodies else '' for gender in genders], dtype='<U1')
        for gender in np.unique(bodies):
            rows = np.flatnonzero(bodies == gender)
            for chunk in np.split(rows, range(_CHUNK, len(rows), _CHUNK)):
                _put(
                    errors,
                    chunk,
                    mesh_errors(
                        self._pose(self.body, pred[chunk]),
                        self._pose(self.true_bodies.get(gender, self.body), gt[chunk]),
                    ),
                )
        return errors

    @torch.no_grad()
    def _pose(self, body: Any, people: BodyParameters) -> PosedBodies:
        orient, pose, betas = (
            torch.from_numpy(np.ascontiguousarray(column)).float().to(self.device)
            for column in (people.global_orient, people.body_pose, people.betas)
        )
        vertices, joints = body(axis_angle_to_matrix(orient), axis_angle_to_matrix(pose), betas)
        joints = body.keypoints(self._joint_names(body), vertices, joints)
        vertices_mm, joints_mm = (1000 * points.cpu().numpy().astype(np.float64) for points in (vertices, joints))
        return PosedBodies(vertices_mm, joints_mm, people.transl_mm)

    @staticmethod
    def _joint_names(body: Any) -> Sequence[str]:
        return body.evaluation_names('lsp14') if hasattr(body, 'evaluation_names') else LSP14

    def _log(self, table: dict[str, float]) -> None:
        if table['num_pred_not_finite']:
            print_log(
                f'{int(table["num_pred_not_finite"])} predictions hold numbers that are not finite: counted as wrong',
                logger='current',
                level=logging.WARNING,
            )
        joints = 'landmarks of the body' if self._joint_names(self.body) == LSP14 else "Human3.6M's regressor"
        lines = [
            f'meshes of the body {self.body.source!r}; 14 joints by {joints}'
            + ''.join(f'; true {gender} people: {body.source!r}' for gender, body in self.true_bodies.items())
        ]
        lines.append(
            format_table(
                'errors in mm',
                [name.removesuffix('_mm') for name in MESH_ERRORS],
                {
                    'found people': [table[name] for name in MESH_ERRORS],
                    'all people': [
                        table.get(f'{name.removesuffix("_mm")}_all_mm', float('nan')) for name in MESH_ERRORS
                    ],
                },
            )
        )
        false = table['num_pred'] * (1 - table['precision'] / 100) if table['num_pred'] else 0
        found, people, found_smpl, people_smpl = (
            int(table[f'num_{name}']) for name in ('matched', 'gt', 'matched_smpl', 'gt_smpl')
        )
        lines.append(
            f'found {found} of {people} people, {found_smpl} of the {people_smpl} with SMPL truth; missed '
            f'{people - found}, false {round(false)}'
        )
        print_log('\n'.join(lines), logger='current')


def _put(errors: dict[str, np.ndarray], rows: np.ndarray, values: dict[str, np.ndarray]) -> None:
    for name, column in errors.items():
        column[rows] = values[name]


def _flat(results: list[dict], name: str) -> list:
    return [value for result in results for value in result[name]]


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float('nan')
