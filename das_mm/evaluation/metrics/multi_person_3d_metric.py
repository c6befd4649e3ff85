"""3D pose errors of all the people in an image, with recall and precision beside them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from das_mm.registry import METRICS
from das_mm.structures.people import People

from ..files.result_file import check_ending, write_result_file
from ..files.row_file import write_rows
from ..functional.alignment import ALIGNMENTS, Root
from ..functional.errors import mean_over_joints
from ..functional.matching import MATCHERS, build_matcher
from ..functional.pairing import pair_people
from ..functional.pck import pck_per_joint
from ..functional.summary import PoseErrors, per_joint_table, pose_errors, summarise_detection, summarise_pose
from ..readers.sample_reader import (
    VISIBILITY_RULES,
    as_dict,
    has_3d,
    keypoint_indices,
    read_ground_truth,
    read_predictions,
    resolve_root,
)
from .choices import check_choice


@METRICS.register_module()
class MultiPerson3DMetric(BaseMetric):
    """Multi-person 3D pose metric: MPJPE, PA-MPJPE, PCK, AUC, MRPE, recall and precision.

    Reads ``gt_instances`` and ``pred_instances`` (px of the stored image; mm, camera frame) and the meta fields
    ``img_id``, ``ori_shape`` and, where given, ``has_3d`` of every sample. What the numbers mean:
    :func:`das_mm.evaluation.functional.summarise_pose`; errors in mm, all shares in percent.

    * People who are ``iscrowd``, not ``is_valid``, or whose root is unlabelled or out of the image are ignored:
      predictions on them are neither right nor wrong.
    * Images and people with 2D truth only count for recall and precision, not for 3D errors; a matching rule that
      works in 3D skips them. ``num_images_2d_only`` says how many there were.
    * A prediction with a number that is not finite is never found but counts against precision; one warning tells.
    * Without people, or without predictions, the numbers that have no meaning are NaN; PCK of people of whom none was
      found is 0.

    Args:
        matching: Who is who: ``'one_to_one'`` (in the image, default), ``'one_to_one_3d'``, ``'nearest'`` (protocol of
            the released DAS code), or a dict of the name as ``type`` and its arguments.
        alignments: Which mean errors to report: of ``'root'`` (``mpjpe_mm``), ``'none'`` (``mpjpe_abs_mm``),
            ``'procrustes'`` (``pa_mpjpe_mm``), ``'rigid'`` (``rigid_mpjpe_mm``).
        pck_threshold_mm: Threshold of the PCK family; AUC always takes 0, 5, …, 150 mm.
        visibility: Which true keypoints count in 3D: ``'valid_in_image'`` (3D valid, labelled, inside the image;
            default), ``'visible'`` (these and not occluded), ``'valid'`` (all with valid 3D).
        score_thr: Predictions scored below are dropped before anything else, so every number is about the same set.
        root: Index, indices or name of the root; the default is the middle of the hips by the names in the data set's
            meta information.
        result_file: Where to write all predictions that passed ``score_thr``, ``*.json`` or ``*.npz``
            (:mod:`das_mm.evaluation.files.result_file`).
        person_file: Where to write the errors of each true person with 3D, ``*.csv`` or ``*.json``.
        collect_device, prefix, collect_dir: As in mmengine's ``BaseMetric``.

    Raises:
        UserError: Unknown matching, alignment or visibility; wrong file ending; samples that lack a field.
    """

    default_prefix = 'pose3d'

    def __init__(
        self,
        matching: str | dict = 'one_to_one',
        alignments: Sequence[str] = ('root', 'none', 'procrustes'),
        pck_threshold_mm: float = 150.0,
        visibility: str = 'valid_in_image',
        score_thr: float = 0.0,
        root: Root | str | None = None,
        result_file: str | None = None,
        person_file: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ):
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        name = matching if isinstance(matching, str) else matching.get('type')
        check_choice(name, MATCHERS, 'matching')
        for alignment in alignments:
            check_choice(alignment, ALIGNMENTS, 'alignments')
        check_choice(visibility, VISIBILITY_RULES, 'visibility')
        if result_file is not None:
            check_ending(result_file, ('.json', '.npz'), 'result_file')
        if person_file is not None:
            check_ending(person_file, ('.csv', '.json'), 'person_file')
        self.matcher = build_matcher(matching)
        self.alignments = tuple(alignments)
        self.pck_threshold_mm = pck_threshold_mm
        self.visibility = visibility
        self.score_thr = score_thr
        self.root = root
        self.result_file = result_file
        self.person_file = person_file

    @property
    def keypoint_names(self) -> list[str]:
        """Names of the keypoints, empty when the data set does not tell."""
        return list(keypoint_indices(self.dataset_meta))

    def _root_indices(self) -> tuple[int, ...]:
        return resolve_root(self.root, keypoint_indices(self.dataset_meta))

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Pair the people of each image and keep what the numbers need (one result per sample, numpy only)."""
        root = self._root_indices()
        num_keypoints = len(self.keypoint_names) or None
        for sample in data_samples:
            sample = as_dict(sample)
            ground_truth = read_ground_truth(sample, root, self.visibility, num_keypoints)
            known = ground_truth.keypoints_px.shape[1] or num_keypoints
            predictions = read_predictions(sample, self.score_thr, needs_3d=has_3d(sample), num_keypoints=known)
            self.results.append(self._judge(sample, ground_truth, predictions, root))

    def _judge(self, sample: Mapping, ground_truth: People, predictions: People, root: tuple[int, ...]) -> dict:
        """Result of one image."""
        usable, only_2d = predictions.data['usable'], not has_3d(sample)
        result = dict(image_id=sample.get('img_id'), only_2d=only_2d, num_not_finite=int((~usable).sum()))
        if self.result_file is not None:
            result['persons'] = _persons(predictions, root)
        if only_2d and self.matcher.needs_3d:
            return result
        pairs = pair_people(self.matcher, ground_truth, predictions, usable, root)
        posed = ground_truth.data['has_pose'][pairs.evaluated]
        rows, partner = pairs.evaluated[posed], pairs.partner[posed]
        gt = ground_truth.select(rows)
        pred = np.full(gt.keypoints_cam_mm.shape, np.nan)
        pred[partner >= 0] = predictions.keypoints_cam_mm[partner[partner >= 0]]
        result.update(
            num_gt=len(pairs.evaluated),
            num_matched=int(pairs.found.sum()),
            num_used=pairs.num_used,
            num_covered=pairs.num_covered,
            num_pred=len(predictions) - pairs.num_covered,
            gt=gt.keypoints_cam_mm,
            valid=gt.keypoints_cam_valid,
            pred=pred,
            partner=partner,
            gt_index=rows,
            score=np.append(predictions.scores, np.nan)[partner],
            ann_id=gt.data['ann_ids'],
        )
        return result

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """The table of numbers over all images; writes the files asked for."""
        table, errors = self._summarise(results)
        self._log(table, errors)
        self._write_files(results, errors)
        return table

    def _summarise(self, results: list[dict]) -> tuple[dict[str, float], PoseErrors]:
        judged = [result for result in results if 'gt' in result]
        total = {
            name: sum(result[name] for result in judged)
            for name in ('num_gt', 'num_matched', 'num_pred', 'num_used', 'num_covered')
        }
        errors = self._pose_errors(judged, self._root_indices())
        not_finite = sum(result['num_not_finite'] for result in results)
        table = summarise_pose(errors, self.alignments, self.pck_threshold_mm)
        table.update(summarise_detection(total['num_gt'], total['num_matched'], total['num_pred'], total['num_used']))
        table.update(
            num_gt_3d=float(len(errors.matched)),
            num_matched_3d=float(errors.matched.sum()),
            num_pred_on_ignored=float(total['num_covered']),
            num_pred_not_finite=float(not_finite),
            num_images=float(len(results)),
            num_images_2d_only=float(sum(result['only_2d'] for result in results)),
        )
        return table, errors

    def _write_files(self, results: list[dict], errors: PoseErrors) -> None:
        if self.result_file is not None:
            write_result_file(
                self.result_file, [dict(image_id=result['image_id'], persons=result['persons']) for result in results]
            )
        if self.person_file is not None:
            columns = self._person_columns([result for result in results if 'gt' in result], errors)
            write_rows(self.person_file, columns)

    def _pose_errors(self, judged: list[dict], root: tuple[int, ...]) -> PoseErrors:
        """Errors of the people of all images in one array."""
        posed = [result for result in judged if len(result['gt'])]
        k = posed[0]['gt'].shape[1] if posed else max(len(self.keypoint_names), max(root) + 1)

        def stack(name: str, *shape: int) -> np.ndarray:
            return np.concatenate([np.zeros((0, *shape)), *(result[name] for result in posed)])

        return pose_errors(
            stack('pred', k, 3), stack('gt', k, 3), stack('valid', k) > 0, stack('partner') >= 0, root, self.alignments
        )

    def _log(self, table: dict[str, float], errors: PoseErrors) -> None:
        if table['num_pred_not_finite']:
            print_log(
                f'{int(table["num_pred_not_finite"])} predictions hold numbers that are not finite: counted as wrong',
                logger='current',
                level=logging.WARNING,
            )
        found = (
            f'found {int(table["num_matched"])} of {int(table["num_gt"])} people with '
            f'{int(table["num_pred"])} predictions'
        )
        if len(errors.matched) == 0:
            print_log(f'no 3D ground truth; {found}', logger='current')
            return
        joints = per_joint_table(errors, self.pck_threshold_mm)
        names = self.keypoint_names or [str(index) for index in range(len(joints['num_gt']))]
        width = max(map(len, names), default=5)
        lines = [f'{"keypoint":<{width}}  mpjpe_mm  pck_rel  num_gt']
        lines += [
            f'{name:<{width}}  {error:8.1f}  {share:7.1f}  {count:6d}'
            for name, error, share, count in zip(names, *joints.values())
        ]
        print_log('\n'.join(['3D errors by keypoint (root-aligned)', *lines, found]), logger='current')

    def _person_columns(self, judged: list[dict], errors: PoseErrors) -> dict:
        """Of the person file: one row a true person with 3D."""
        relative, no_root = errors.joint_mm['root'], errors.valid_no_root
        columns = dict(
            image_id=[result['image_id'] for result in judged for _ in result['partner']],
            gt_index=[index for result in judged for index in result['gt_index']],
            ann_id=[index for result in judged for index in result['ann_id']],
            pred_index=[index for result in judged for index in result['partner']],
            score=[score for result in judged for score in result['score']],
            matched=errors.matched.astype(int),
            mpjpe_mm=mean_over_joints(relative, errors.valid),
            mpjpe_abs_mm=mean_over_joints(errors.joint_mm['none'], errors.valid),
            root_error_mm=errors.root_mm,
            pck_rel=pck_per_joint(relative.T, no_root.T, self.pck_threshold_mm),
            num_keypoints=errors.valid.sum(1),
        )
        if 'procrustes' in errors.joint_mm:
            columns['pa_mpjpe_mm'] = mean_over_joints(errors.joint_mm['procrustes'], errors.valid)
        return columns


def _persons(people: People, root: tuple[int, ...]) -> list[dict]:
    """Predictions of one image in the layout of the result file."""
    persons = []
    for index in range(len(people)):
        x1, y1, x2, y2 = people.bboxes_px[index]
        person = dict(
            score=float(people.scores[index]),
            keypoints_3d=people.keypoints_cam_mm[index].tolist(),
            keypoints=np.column_stack([people.keypoints_px[index], people.keypoint_scores[index]]).tolist(),
            root_depth=float(people.keypoints_cam_mm[index, list(root), 2].mean()),
            bbox=[float(x1), float(y1), float(x2 - x1), float(y2 - y1)],
        )
        if people.track_ids is not None:
            person['track_id'] = int(people.track_ids[index])
        persons.append(person)
    return persons
