"""What the pipeline of an estimator that reads crops begins with: one person of whom only the box is known.

It has the fields of mmpose's top-down data sets and those of the package's person view
(:class:`das_mm.datasets.PersonViewDataset`), whose labels are all unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from das_mm.datasets.datasets.person_boxes import PersonBoxes
from das_mm.structures.keypoint_sets import KeypointSet

from .predictor import InputImage
from .torch_predictor import image_record

_NUM_BETAS, _NUM_POSE = 10, 72


def person_record(
    image: InputImage, bbox_px: np.ndarray, score: float, row: int, keypoint_set: KeypointSet
) -> dict[str, Any]:
    """The record of one person.

    Args:
        image: Where the person is.
        bbox_px: (4,) x1, y1, x2, y2, finite and with area.
        score: Of the box.
        row: Number of the person in the image.
        keypoint_set: Of the estimator; K keypoints.
    """
    box = np.asarray(bbox_px, np.float32).reshape(1, 4)
    centers, sides = PersonBoxes().squares(box, np.zeros((1, 0, 2)), np.zeros((1, 0)))
    size = tuple(image.pixels.shape[:2])
    return dict(
        image_record(image),
        img_shape=size,
        ori_shape=size,
        annotated_shape=size,
        bbox=box,
        bbox_score=np.array([score], np.float32),
        box_center=centers[0],
        box_scale=float(sides[0]),
        camera_matrix=image.camera.get('K'),
        keypoint_set=keypoint_set.name,
        flip_indices=list(keypoint_set.flip_indices),
        sample_key=(image.name, row),
        **_no_labels(box, keypoint_set.num_keypoints),
    )


def told_of(record: Mapping[str, Any], image: InputImage) -> dict[str, Any]:
    """What the metainfo of a sample must say of the record that it was made of, whatever the pipeline packs."""
    names = ('camera', 'ori_shape', 'box_center', 'box_scale', 'sample_key')
    return dict(
        {name: record[name] for name in names},
        bbox=record['bbox'][0],
        bbox_score=float(record['bbox_score'][0]),
        time_s=image.time_s,
    )


def _no_labels(box: np.ndarray, num_keypoints: int) -> dict[str, Any]:
    """Fields of the person view for K keypoints; confidences and validities are 0."""
    unknown = lambda *shape: np.zeros((1, num_keypoints, *shape), np.float32)
    person = dict(
        root_depth_mm=np.full(1, np.nan, np.float32),
        area=(box[:, 2:] - box[:, :2]).prod(axis=1),
        iscrowd=np.zeros(1, bool),
        is_valid=np.ones(1, bool),
        track_id=np.full(1, -1),
        ann_id=np.full(1, -1),
        smpl_row=np.full(1, -1),
        occluded=unknown().astype(bool),
    )
    gt = dict(
        bbox=box,
        keypoints=unknown(2),
        keypoints_flags=unknown(),
        keypoints_3d=unknown(3),
        keypoints_3d_valid=unknown().astype(bool),
    )
    return dict(
        keypoints_2d=np.zeros((num_keypoints, 3)),
        keypoints_3d=np.zeros((num_keypoints, 4)),
        has_pose_3d=False,
        smpl_pose=np.zeros(_NUM_POSE),
        smpl_betas=np.zeros(_NUM_BETAS),
        has_smpl=False,
        person=person,
        gt=gt,
    )
