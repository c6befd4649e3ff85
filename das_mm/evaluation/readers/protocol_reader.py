"""Reading data samples for the protocols of single data sets: everything by name in the keypoint set of the protocol.

Letters: N true people, M predictions, K keypoints of the protocol's set. Frame of the stored image: px; mm, camera.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.arrays import to_numpy
from das_mm.structures.keypoint_conversion import convert_keypoints
from das_mm.structures.keypoint_sets import KeypointSet
from das_mm.structures.people import People

from .sample_reader import as_dict, has_3d, read_ground_truth, read_predictions, resolve_root

#: Which 3D ground truth is taken -> the field of ``gt_instances``.
GROUND_TRUTHS = dict(annot3='keypoints_3d', univ_annot3='keypoints_3d_univ')


@dataclass(frozen=True)
class ProtocolImage:
    """One image in K keypoints of the protocol.

    Attributes:
        name: Sequence, view and file name as far as given, joined by ``/``.
        ground_truth: The N people with 3D ground truth: annotated, no crowd, with a valid 3D root, in the image or not.
            ``keypoints_valid``: labelled and inside the image; ``keypoints_cam_valid``: valid, and predicted at all. In
            ``data``: ``annotated_px`` (N, K) bool, labelled inside the image or outside; ``occluded`` (N, K) bool.
        predictions: The M predictions whose numbers are finite, with ``scores``.
        available: (K,) bool, keypoints that predictions (and ground truth) have at all.
        num_not_finite: Predictions that were dropped.
    """

    name: str
    ground_truth: People
    predictions: People
    available: np.ndarray
    num_not_finite: int


def source_set(names: Sequence[str]) -> KeypointSet:
    """The keypoints of a data set, for conversion by name.

    Raises:
        UserError: The data set does not name its keypoints.
    """
    if not names:
        raise UserError(
            'the data set does not name its keypoints',
            field='dataset_meta',
            remedy='evaluate with a dataset whose metainfo has keypoint_id2name',
        )
    return KeypointSet('the data set', tuple(names), links=(), root='pelvis', sigmas=())


def sequence_text(sample: Mapping) -> str:
    """Sequence, view and image path of a sample in one string, where its activity, subject … are looked for."""
    return '/'.join(str(sample[name]) for name in ('seq', 'view', 'img_path') if sample.get(name))


def read_protocol_image(
    sample: Mapping, source: KeypointSet, target: KeypointSet, truth: str = 'annot3', score_thr: float = 0.0
) -> ProtocolImage:
    """A data sample in the keypoints of a protocol.

    Args:
        sample: Data sample as a dict.
        source: Keypoints of the sample (:func:`source_set`).
        target: Keypoints of the protocol; pelvis and mid-hip are made of the hips where the source lacks them.
        truth: Key of :data:`GROUND_TRUTHS`.
        score_thr: Predictions scored below are dropped.

    Raises:
        UserError: A needed field is missing or misshapen.
    """
    root = resolve_root(None, {name: index for index, name in enumerate(source.keypoints)})
    everybody = read_ground_truth(sample, root, 'valid', source.num_keypoints)
    shape = everybody.data['flags'].shape
    posed = everybody.data['annotated'] & everybody.keypoints_cam_valid[:, root].all(1)
    people = everybody.select(posed)
    gt_mm = people.keypoints_cam_mm
    if truth != 'annot3' and len(people):
        gt_mm = _optional(sample, GROUND_TRUTHS[truth], (*shape, 3))[posed]
    occluded = _optional(sample, 'occluded', shape, default=np.zeros(shape))[posed]
    found = read_predictions(sample, score_thr, needs_3d=has_3d(sample), num_keypoints=source.num_keypoints)
    usable = found.data['usable']
    predicted = found.select(usable)

    def convert(values: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return convert_keypoints(values, valid, source, target)

    available = convert(np.zeros((1, source.num_keypoints, 1)), np.ones((1, source.num_keypoints)))[1][0] > 0
    everything = np.ones(predicted.keypoints_px.shape[:2])
    gt_px, labelled = convert(people.keypoints_px, people.keypoints_valid)
    gt_mm, valid = convert(gt_mm, people.keypoints_cam_valid)
    return ProtocolImage(
        name=sequence_text(sample),
        ground_truth=People(
            bboxes_px=people.bboxes_px,
            keypoints_px=gt_px,
            keypoints_valid=labelled,
            keypoints_cam_mm=gt_mm,
            keypoints_cam_valid=valid & available,
            data=dict(
                annotated_px=convert(people.keypoints_px, people.data['flags'])[1] > 0,
                occluded=_convert_flags(occluded, source, target),
            ),
        ),
        predictions=People(
            scores=predicted.scores,
            keypoints_px=convert(predicted.keypoints_px, everything)[0],
            keypoints_cam_mm=convert(predicted.keypoints_cam_mm, everything)[0],
        ),
        available=available,
        num_not_finite=int((~usable).sum()),
    )


def _optional(sample: Mapping, name: str, shape: tuple[int, ...], default: np.ndarray | None = None) -> np.ndarray:
    """A field of ``gt_instances`` that not every file has."""
    value = as_dict(sample.get('gt_instances') or {}).get(name, default)
    if value is None:
        raise UserError(
            f'gt_instances of image {sample.get("img_id")} has no {name}',
            field=name,
            remedy="convert the data set with its annot.mat, or give the metric truth='annot3'",
        )
    value = to_numpy(value, np.float64)
    if value.shape != shape:
        raise UserError(
            f'gt_instances of image {sample.get("img_id")}: {name} has shape {value.shape}, expected {shape}',
            field=name,
            remedy='convert the data set again',
        )
    return value


def _convert_flags(flags: np.ndarray, source: KeypointSet, target: KeypointSet) -> np.ndarray:
    """(N, K) bool; of a derived keypoint, whether any of its sources is flagged."""
    return ~convert_keypoints(flags[..., None], flags == 0, source, target)[1].astype(bool)
