"""Predictions as PoseTrack18's own files have them, one json a video: what poseval and the evaluation server read.

::

    {"images": [{"id": 10003420000, "file_name": "images/val/000342_mpii_test/000000.jpg", "frame_id": 10003420000}],
     "annotations": [{"image_id": 10003420000, "track_id": 3, "keypoints": [x, y, 1, …], "scores": [0.9, …]}],  # 17, px
     "categories": [{"id": 1, "name": "person", "keypoints": ["nose", …]}]}

Joints that a model does not predict are 0, 0, 0 with the score 0.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import numpy as np

from das_mm.engine import atomic_write
from das_mm.structures.keypoint_conversion import convert_keypoints
from das_mm.structures.keypoint_sets import KEYPOINT_SETS, KeypointSet

from ..readers.tracking_reader import TrackedImage

_SET = KEYPOINT_SETS['posetrack17']
_CATEGORY = dict(id=1, name='person', supercategory='person', keypoints=_SET.keypoints)


def posetrack_image(sample: Mapping, image: TrackedImage, source: KeypointSet) -> dict:
    """One frame for :func:`write_posetrack_files`.

    Args:
        sample: The data sample (a dict), for ``img_id`` and ``img_path``.
        image: The same, as it was read.
        source: Keypoint set of the predictions.
    """
    found = image.predictions
    px = found.keypoints_px
    known = np.isfinite(px).all(-1)
    values = np.concatenate([np.where(known[..., None], px, 0), found.keypoint_scores[..., None]], axis=-1)
    values, flags = convert_keypoints(values, known.astype(int), source, _SET)
    flags = (flags > 0).astype(float)
    keypoints = np.concatenate([values[..., :2] * flags[..., None], flags[..., None]], axis=-1)
    scores = np.nan_to_num(values[..., 2] * flags)
    people = [
        dict(track_id=int(identity), keypoints=points.round(2).ravel().tolist(), scores=of_joints.tolist())
        for identity, points, of_joints in zip(found.track_ids, keypoints, scores)
    ]
    number = sample.get('img_id')
    return dict(
        id=number.item() if isinstance(number, np.generic) else number,
        file_name=_file_name(sample, image),
        people=people,
    )


def write_posetrack_files(folder: str | Path, sequences: Mapping[str, Sequence[dict]]) -> list[Path]:
    """Write ``FOLDER/SEQUENCE.json`` for every video.

    People without identity (-1) get one that nobody else has: poseval wants one of everybody.

    Args:
        folder: Is made where it is not there.
        sequences: Name -> frames of :func:`posetrack_image` in their order.

    Raises:
        UserError: The place cannot be written to.
    """
    paths = []
    for name, frames in sequences.items():
        taken = [person['track_id'] for frame in frames for person in frame['people']]
        fresh = itertools.count(max(taken, default=-1) + 1)
        images, annotations = [], []
        for frame in frames:
            images.append(dict(id=frame['id'], file_name=frame['file_name'], frame_id=frame['id']))
            for person in frame['people']:
                identity = person['track_id'] if person['track_id'] >= 0 else next(fresh)
                annotations.append(
                    {**person, 'id': len(annotations), 'image_id': frame['id'], 'track_id': identity, 'category_id': 1}
                )
        content = dict(images=images, annotations=annotations, categories=[_CATEGORY])
        paths.append(Path(folder) / f'{name.replace("/", "_")}.json')
        atomic_write(paths[-1], json.dumps(content, allow_nan=False).encode())
    return paths


def _file_name(sample: Mapping, image: TrackedImage) -> str:
    """As in the annotations of the data set: from ``images`` on."""
    parts = PurePath(sample.get('img_path') or '').parts
    if 'images' in parts:
        return '/'.join(parts[len(parts) - 1 - parts[::-1].index('images') :])
    return f'{image.sequence}/{image.frame:06d}.jpg'
