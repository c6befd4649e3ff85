"""Reading data samples for the protocols of single data sets: everything by name in the keypoint set of the protocol.

Letters: N true people, M predictions, K keypoints of the protocol's set. Frame of the stored image: px; mm, camera.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.keypoint_sets import KeypointSet, convert_keypoints

from ..functional.matching import PredictedPeople, TruePeople
from .sample_reader import as_dict, has_3d, read_predictions, read_truth, resolve_root, to_numpy

#: Which 3D truth is taken -> the field of ``gt_instances``.
TRUTHS = dict(annot3='keypoints_3d', univ_annot3='keypoints_3d_univ')


@dataclass(frozen=True)
class ProtocolImage:
    """One image in K keypoints of the protocol.

    Attributes:
        name: Sequence, view and file name as far as given, joined by ``/``.
        people: The N people with 3D truth: annotated, no crowd, with a valid 3D root, in the image or not.
            ``labelled``: labelled and inside the image; ``valid_3d``: valid, and predicted at all.
        annotated_px: (N, K) bool, labelled inside the image or outside.
        occluded: (N, K) bool.
        predicted: The M predictions whose numbers are finite.
        available: (K,) bool, keypoints that predictions (and truth) have at all.
        scores: (M,).
        num_not_finite: Predictions that were dropped.
    """

    name: str
    people: TruePeople
    annotated_px: np.ndarray
    occluded: np.ndarray
    predicted: PredictedPeople
    available: np.ndarray
    scores: np.ndarray
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
        truth: Key of :data:`TRUTHS`.
        score_thr: Predictions scored below are dropped.

    Raises:
        UserError: A needed field is missing or misshapen.
    """
    root = resolve_root(None, {name: index for index, name in enumerate(source.keypoints)})
    known = read_truth(sample, root, 'valid', source.num_keypoints)
    posed = known.annotated & known.people.valid_3d[:, root].all(1)
    people = known.people[posed]
    gt_mm = people.keypoints_3d
    if truth != 'annot3' and len(people):
        gt_mm = _optional(sample, TRUTHS[truth], known.people.keypoints_3d.shape)[posed]
    occluded = _optional(sample, 'occluded', known.flags.shape, default=np.zeros(known.flags.shape))[posed]
    found = read_predictions(sample, score_thr, needs_3d=has_3d(sample), num_keypoints=source.num_keypoints)

    def convert(values: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return convert_keypoints(values, valid, source, target)

    predicted = found.people[found.usable]
    available = convert(np.zeros((1, source.num_keypoints, 1)), np.ones((1, source.num_keypoints)))[1][0] > 0
    everything = np.ones(predicted.keypoints_px.shape[:2])
    gt_px, labelled = convert(people.keypoints_px, people.labelled)
    gt_mm, valid = convert(gt_mm, people.valid_3d)
    return ProtocolImage(
        name=sequence_text(sample),
        people=TruePeople(gt_px, labelled, people.bboxes, gt_mm, valid & available),
        annotated_px=convert(people.keypoints_px, known.flags[posed])[1] > 0,
        occluded=_convert_flags(occluded, source, target),
        predicted=PredictedPeople(
            convert(predicted.keypoints_px, everything)[0], convert(predicted.keypoints_3d, everything)[0]
        ),
        available=available,
        scores=found.scores[found.usable],
        num_not_finite=int((~found.usable).sum()),
    )


def _optional(sample: Mapping, name: str, shape: tuple[int, ...], default: np.ndarray | None = None) -> np.ndarray:
    """A field of ``gt_instances`` that not every file has."""
    value = as_dict(sample.get('gt_instances') or {}).get(name)
    if value is None and default is None:
        raise UserError(
            f'gt_instances of image {sample.get("img_id")} has no {name}',
            field=name,
            remedy="convert the data set with its annot.mat, or give the metric truth='annot3'",
        )
    value = default if value is None else to_numpy(value)
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
