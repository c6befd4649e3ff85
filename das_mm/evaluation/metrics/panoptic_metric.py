"""CMU Panoptic: our default beside the protocol of the literature and that of the released code, by activity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from mmengine.logging import print_log

from das_mm.errors import UserError
from das_mm.registry import METRICS
from das_mm.structures.arrays import to_numpy
from das_mm.structures.cameras import back_project
from das_mm.structures.people import People

from ..functional.nearest_pose import (
    PosedImage,
    literature_mpjpe,
    mean_pose_of,
    nearest_pose_errors,
    released_code_mpjpe,
)
from ..functional.sequences import PANOPTIC_ACTIVITIES, panoptic_activity
from ..readers.protocol_reader import sequence_text
from ..readers.sample_reader import as_dict, read_ground_truth, read_predictions
from .multi_person_3d_metric import MultiPerson3DMetric
from .tables import format_table

# of our default's numbers, those also given for each activity
_BY_ACTIVITY = ('mpjpe_mm', 'mpjpe_abs_mm', 'mrpe_mm', 'recall', 'precision', 'num_gt')
_NAMES = dict(literature=('mpjpe_mm', 'num_fallback'), released_code=('mpjpe_mm', 'mpjpe_no_root_mm', 'num_fallback'))


@METRICS.register_module()
class PanopticMetric(MultiPerson3DMetric):
    """CMU Panoptic: three protocols, each named in the result, by activity and as the mean over activities.

    ====================================  =============================================================================
    ``one_to_one/mpjpe_mm`` …             our default: one-to-one pairs by position, so that recall and precision mean
                                          something; every number of :class:`MultiPerson3DMetric`
    ``literature/mpjpe_mm``               as the papers state it
    ``released_code/mpjpe_mm``            the arithmetic of the released DAS code;
    ``released_code/mpjpe_no_root_mm``    the same without the root's zeros
    ``…/num_fallback``                    people compared with a mean pose as their image has no prediction
    ``<protocol>/<activity>/…``           haggling, mafia, ultimatum, pizza, other (from the name of the sequence)
    ====================================  =============================================================================

    The last two protocols compare every person with the nearest root-aligned prediction, wherever it is and however
    often it is used; see :mod:`das_mm.evaluation.functional.nearest_pose`. Numbers without an activity in their name
    are plain means over the activities that have people with truth, counts (``num_…``) are sums; ``other`` has a say
    only where there is none of the four. An activity without a number makes the mean NaN.

    Args:
        mask_nose: ``released_code`` leaves out the keypoint called ``nose``: in the files with 19 joints the code never
            uses it. (Index 1 of the older files is a head top; evaluate those with the set ``panoptic15_mpi``.)
        ignore_distortion: ``released_code`` takes both poses from pixels and depth with the intrinsics alone, as the
            code does; off, from the exact truth and the undistorted prediction. No difference without distortion.
        **options: Of :class:`MultiPerson3DMetric`, but for ``matching``, which is one-to-one in the image.

    Raises:
        UserError: Samples that lack a field, distortion without intrinsics among them.
    """

    default_prefix = 'panoptic'

    def __init__(self, mask_nose: bool = True, ignore_distortion: bool = True, **options):
        super().__init__(matching='one_to_one', **options)
        self.mask_nose = mask_nose
        self.ignore_distortion = ignore_distortion

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Our default's pairs, and the poses that the other protocols compare."""
        super().process(data_batch, data_samples)
        for sample, result in zip(data_samples, self.results[len(self.results) - len(data_samples) :]):
            sample = as_dict(sample)
            result['activity'] = panoptic_activity(sequence_text(sample))
            if not result['only_2d']:
                result.update(self._poses(sample, result))

    def _poses(self, sample: Mapping, result: dict) -> dict:
        """People of one image as the nearest-pose protocols see them."""
        root = self._root_indices()
        ground_truth = read_ground_truth(sample, root, self.visibility, len(self.keypoint_names) or None)
        k = ground_truth.keypoints_cam_mm.shape[1] or len(self.keypoint_names)
        found = read_predictions(sample, self.score_thr, needs_3d=True, num_keypoints=k)
        found = found.select(found.data['usable'])
        rotation = (sample.get('camera') or {}).get('R')
        rotation = None if rotation is None else to_numpy(rotation, np.float64)
        # everybody annotated, in the image or not, makes the mean pose of the code
        anybody = read_ground_truth(sample, root, 'valid', k)
        anybody = anybody.select(anybody.data['annotated'])
        posed = ground_truth.select(ground_truth.data['has_pose'])
        return dict(
            literature=PosedImage(posed.keypoints_cam_mm, posed.keypoints_cam_valid, found.keypoints_cam_mm, rotation),
            released_code=PosedImage(
                self._flattened(posed, sample),
                posed.keypoints_cam_valid & self._counted(k),
                self._flattened(found, sample),
                rotation,
            ),
            annotated=PosedImage(anybody.keypoints_cam_mm, anybody.keypoints_cam_valid, np.zeros((0, k, 3)), rotation),
        )

    def _counted(self, num_keypoints: int) -> np.ndarray:
        """(K,) bool, keypoints that the released code evaluates."""
        counted = np.ones(num_keypoints, dtype=bool)
        if self.mask_nose and 'nose' in self.keypoint_names:
            counted[self.keypoint_names.index('nose')] = False
        return counted

    def _flattened(self, people: People, sample: Mapping) -> np.ndarray:
        """(N, K, 3) mm: the poses, or what the intrinsics alone make of their pixels and depths."""
        camera = sample.get('camera') or {}
        dist = camera.get('dist')
        if not self.ignore_distortion or dist is None or not np.any(to_numpy(dist, np.float64)):
            return people.keypoints_cam_mm
        if camera.get('K') is None:
            raise UserError(
                f'image {sample.get("img_id")} has distortion but no intrinsics',
                field='camera',
                remedy='give the intrinsics, or the metric ignore_distortion=False',
            )
        flat = back_project(
            people.keypoints_px.reshape(-1, 2),
            people.keypoints_cam_mm[..., 2].reshape(-1),
            to_numpy(camera['K'], np.float64),
        )
        return flat.reshape(people.keypoints_cam_mm.shape)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Numbers of the three protocols; the log gets them by activity, and our default's by joint."""
        whole, errors = self._summarise(results)
        self._log(whole, errors)
        self._write_files(results, errors)
        activities = [
            name
            for name in (*PANOPTIC_ACTIVITIES, 'other')
            if any(result['activity'] == name and result.get('num_gt') for result in results)
        ]
        members = {name: [result for result in results if result['activity'] == name] for name in activities}
        averaged = [name for name in activities if name != 'other'] or activities
        rows = {name: self._summarise(group)[0] for name, group in members.items()}
        counts = {key: value for key, value in whole.items() if _is_count(key)}  # images without people count too
        means = {**_over_activities(rows, averaged, whole), **counts}
        table = {f'one_to_one/{key}': value for key, value in means.items()}
        table.update({f'one_to_one/{name}/{key}': row[key] for name, row in rows.items() for key in _BY_ACTIVITY})
        lines = {name: [row[key] for key in _BY_ACTIVITY] for name, row in {**rows, 'mean': means}.items()}
        for protocol, measure in (('literature', self._literature), ('released_code', self._released_code)):
            rows = measure(members)
            means = _over_activities(rows, averaged, _NAMES[protocol])
            table.update({f'{protocol}/{key}': value for key, value in means.items()})
            table.update({f'{protocol}/{name}/{key}': row[key] for name, row in rows.items() for key in row})
            for name, row in {**rows, 'mean': means}.items():
                lines[name] += [row['mpjpe_mm'], row['num_fallback']]
        columns = (
            'mpjpe_mm',
            'mpjpe_abs_mm',
            'mrpe_mm',
            'recall',
            'precision',
            'people',
            'literature_mpjpe_mm',
            'fallbacks',
            'released_code_mpjpe_mm',
            'fallbacks',
        )
        print_log(format_table('activity', columns, lines), logger='current')
        return table

    def _num_keypoints(self, images: Sequence[PosedImage]) -> int:
        return images[0].gt.shape[1] if images else max(len(self.keypoint_names), max(self._root_indices()) + 1)

    def _literature(self, members: dict[str, list[dict]]) -> dict[str, dict[str, float]]:
        root = self._root_indices()
        everything = [image for group in members.values() for image in _images(group, 'literature')]
        mean = mean_pose_of(everything, root, self._num_keypoints(everything))
        rows = {}
        for name, group in members.items():
            errors = nearest_pose_errors(_images(group, 'literature'), mean, root)
            rows[name] = dict(mpjpe_mm=literature_mpjpe(errors), num_fallback=float(errors.num_fallback))
        return rows

    def _released_code(self, members: dict[str, list[dict]]) -> dict[str, dict[str, float]]:
        """One activity at a time, as the code is run; its mean pose is one of the world."""
        root = self._root_indices()
        rows = {}
        for name, group in members.items():
            annotated = _images(group, 'annotated')
            world = all(image.rotation is not None for image in annotated)
            mean = mean_pose_of(annotated, root, self._num_keypoints(annotated), world=world)
            errors = nearest_pose_errors(_images(group, 'released_code'), mean, root, world=world)
            rows[name] = dict(
                mpjpe_mm=released_code_mpjpe(errors),
                mpjpe_no_root_mm=released_code_mpjpe(errors, without_root=True),
                num_fallback=float(errors.num_fallback),
            )
        return rows


def _images(results: Sequence[dict], name: str) -> list[PosedImage]:
    return [result[name] for result in results if name in result]  # images with 2D truth only have none


def _is_count(name: str) -> bool:
    return name.startswith('num_')


def _over_activities(
    rows: dict[str, dict[str, float]], averaged: Sequence[str], names: Iterable[str]
) -> dict[str, float]:
    """Plain means over the activities to average (NaN without any), sums of counts over all."""
    table = {}
    for name in names:
        if _is_count(name):
            table[name] = float(sum(row[name] for row in rows.values()))
        else:
            table[name] = float(np.mean([rows[activity][name] for activity in averaged])) if averaged else float('nan')
    return table
