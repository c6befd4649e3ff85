"""3D pose errors of all the people in an image, with recall and precision beside them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from das_mm.registry import METRICS

from ..files.result_file import check_ending, write_result_file
from ..files.row_file import write_rows
from ..functional.alignment import ALIGNMENTS, Root
from ..functional.errors import mean_over_joints
from ..functional.matching import MATCHING_RULES, build_matching, covered_by_ignored
from ..functional.pck import pck_per_joint
from ..functional.summary import PoseErrors, per_joint_table, pose_errors, summarise_detection, summarise_pose
from ..readers.sample_reader import (
    VISIBILITY_RULES,
    Predictions,
    Truth,
    as_dict,
    has_3d,
    read_predictions,
    read_truth,
    resolve_root,
)
from ._tables import check_choice


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
        check_choice(name, MATCHING_RULES, 'matching')
        for alignment in alignments:
            check_choice(alignment, ALIGNMENTS, 'alignments')
        check_choice(visibility, VISIBILITY_RULES, 'visibility')
        if result_file is not None:
            check_ending(result_file, ('.json', '.npz'), 'result_file')
        if person_file is not None:
            check_ending(person_file, ('.csv', '.json'), 'person_file')
        self.rule = build_matching(matching)
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
        names = (self.dataset_meta or {}).get('keypoint_id2name', {})
        return [names[index] for index in range(len(names))]

    def _root_indices(self) -> tuple[int, ...]:
        return resolve_root(self.root, {name: index for index, name in enumerate(self.keypoint_names)})

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Pair the people of each image and keep what the numbers need (one result per sample, numpy only)."""
        root = self._root_indices()
        num_keypoints = len(self.keypoint_names) or None
        for sample in data_samples:
            sample = as_dict(sample)
            truth = read_truth(sample, root, self.visibility, num_keypoints)
            known = truth.people.keypoints_px.shape[1] or num_keypoints
            only_2d = not has_3d(sample)
            predictions = read_predictions(sample, self.score_thr, needs_3d=not only_2d, num_keypoints=known)
            self.results.append(self._judge(sample, truth, predictions, root, only_2d))

    def _judge(self, sample, truth: Truth, predictions: Predictions, root: tuple[int, ...], only_2d: bool) -> dict:
        """Result of one image."""
        result = dict(image_id=sample.get('img_id'), only_2d=only_2d, num_not_finite=int((~predictions.usable).sum()))
        if self.result_file is not None:
            result['persons'] = _persons(predictions, root)
        if only_2d and self.rule.needs_3d:
            return result
        # who has no 3D pose cannot be found in 3D: such people are ignored by rules that work there
        is_evaluated = truth.has_pose if self.rule.needs_3d else truth.evaluated
        evaluated = np.flatnonzero(is_evaluated)
        usable = np.flatnonzero(predictions.usable)
        pairs = self.rule.match(truth.people[evaluated], predictions.people[usable], root)  # (N,)
        found = pairs >= 0
        used = np.unique(usable[pairs[found]])
        spare = np.setdiff1d(usable, used)
        covered = covered_by_ignored(
            truth.people[~is_evaluated], truth.is_region[~is_evaluated], predictions.people[spare]
        )
        posed = truth.has_pose[evaluated]
        partner = np.append(usable, -1)[pairs][posed]  # index of the prediction, -1 (the last entry) for none
        gt = truth.people[evaluated[posed]]
        pred = np.full(gt.keypoints_3d.shape, np.nan)
        pred[partner >= 0] = predictions.people.keypoints_3d[partner[partner >= 0]]
        result.update(
            num_gt=len(evaluated),
            num_matched=int(found.sum()),
            num_used=len(used),
            num_covered=int(covered.sum()),
            num_pred=len(predictions.people) - int(covered.sum()),
            gt=gt.keypoints_3d,
            valid=gt.valid_3d,
            pred=pred,
            partner=partner,
            gt_index=evaluated[posed],
            score=np.append(predictions.scores, np.nan)[partner],
            ann_id=np.full(len(partner), -1) if truth.ann_ids is None else truth.ann_ids[evaluated[posed]],
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
            self._write_person_file([result for result in results if 'gt' in result], errors)

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
            print_log(f'no 3D truth; {found}', logger='current')
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

    def _write_person_file(self, judged: list[dict], errors: PoseErrors) -> None:
        """One row a true person with 3D."""
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
        write_rows(self.person_file, columns)


def _persons(predictions: Predictions, root: tuple[int, ...]) -> list[dict]:
    """Predictions of one image in the layout of the result file."""
    people = predictions.people
    persons = []
    for index in range(len(people)):
        x1, y1, x2, y2 = predictions.bboxes[index]
        person = dict(
            score=float(predictions.scores[index]),
            keypoints_3d=people.keypoints_3d[index].tolist(),
            keypoints=np.column_stack([people.keypoints_px[index], predictions.keypoint_scores[index]]).tolist(),
            root_depth=float(people.keypoints_3d[index, list(root), 2].mean()),
            bbox=[float(x1), float(y1), float(x2 - x1), float(y2 - y1)],
        )
        if predictions.track_ids is not None:
            person['track_id'] = int(predictions.track_ids[index])
        persons.append(person)
    return persons
