"""Reading data samples for the evaluation of tracking. Letters: N true people, M predictions, K keypoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.arrays import to_numpy
from das_mm.structures.people import People

from .sample_reader import as_dict, read_ground_truth, read_predictions


@dataclass(frozen=True)
class TrackedImage:
    """One frame of a sequence.

    Attributes:
        sequence: Name of the sequence, with the view where there are several. ``frame``: its number there.
        ground_truth: All annotated people; ``track_ids`` is -1 where the identity is not known. ``data`` may have
            ``areas_px2`` (N,) and ``head_bboxes_px`` (N, 4), which only some data sets tell.
        predictions: All of them; ``track_ids`` is -1 for those without identity.
        polygons: Regions to ignore, px.
    """

    sequence: str
    frame: int
    ground_truth: People
    predictions: People
    polygons: Sequence[np.ndarray]


def read_tracked_image(sample: Mapping, root: tuple[int, ...], num_keypoints: int, needs_3d: bool) -> TrackedImage:
    """A data sample (a dict) as one frame of a sequence.

    Args:
        root: Indices whose mean is the root.
        num_keypoints: K.
        needs_3d: Predictions must have finite 3D keypoints; else they need none.

    Raises:
        UserError: The sample does not say which frame of which sequence it is, a field is missing, or predictions have
            no identities.
    """
    where = f'image {sample.get("img_id")}'
    if not sample.get('seq') or sample.get('frame') is None or int(sample['frame']) < 0:
        raise UserError(
            f'{where} does not say which frame of which sequence it is',
            field='seq, frame',
            remedy='tracking is evaluated on annotations with seq and frame; convert the data set again',
        )
    instances = as_dict(sample.get('gt_instances') or {})
    people = read_ground_truth(sample, root, 'valid', num_keypoints)
    true_ids = _identities(instances, len(people), f'gt_instances of {where}', 'convert the data set again')
    told = {
        name: to_numpy(instances[key], np.float64).reshape(len(people), *shape)
        for name, key, shape in (('areas_px2', 'areas', ()), ('head_bboxes_px', 'head_bboxes', (4,)))
        if instances.get(key) is not None
    }
    sample = {**sample, 'pred_instances': _with_3d(sample.get('pred_instances'), num_keypoints, needs_3d)}
    found = read_predictions(sample, -np.inf, needs_3d, num_keypoints)
    predicted_ids = _identities(
        as_dict(sample['pred_instances'] or {}),
        len(found),
        f'pred_instances of {where}',
        'evaluate a model with a tracker',
    )
    return TrackedImage(
        '/'.join(str(sample[name]) for name in ('seq', 'view') if sample.get(name)),
        int(sample['frame']),
        replace(people, track_ids=true_ids, data={**people.data, **told}),
        replace(found, track_ids=predicted_ids),
        [to_numpy(polygon, np.float64) for polygon in sample.get('ignore_regions') or ()],
    )


def in_sequences(results: Sequence[dict]) -> dict[str, list[dict]]:
    """Results with ``sequence`` and ``frame`` of all ranks, by sequence in the order of frames.

    Raises:
        UserError: A frame is there twice.
    """
    sequences: dict[str, list[dict]] = {}
    for result in sorted(results, key=lambda result: (result['sequence'], result['frame'])):
        frames = sequences.setdefault(result['sequence'], [])
        if frames and frames[-1]['frame'] == result['frame']:
            raise UserError(
                f'frame {result["frame"]} of {result["sequence"]} is there twice',
                field='seq, frame',
                remedy='data sets that are joined need different names for their sequences',
            )
        frames.append(result)
    return sequences


def _identities(instances: Mapping, number: int, where: str, remedy: str) -> np.ndarray:
    if instances.get('track_ids') is None:
        if number:
            raise UserError(f'{where} has no track_ids', field='track_ids', remedy=remedy)
        return np.zeros(0, dtype=np.int64)
    return to_numpy(instances['track_ids'], np.int64).reshape(-1)


def _with_3d(instances: Any, num_keypoints: int, needs_3d: bool) -> Any:
    """Predictions in the image alone get keypoints in 3D that nobody looks at."""
    if instances is None or needs_3d or instances.get('keypoints_3d', None) is not None:
        return instances
    keypoints = instances.get('keypoints', None)
    number = 0 if keypoints is None else len(keypoints)
    return {**as_dict(instances), 'keypoints_3d': np.zeros((number, num_keypoints, 3))}
