"""The people of an annotation file as checked columns. Letters: M images, A annotations, J keypoints of its own set."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import KeypointSet

from .annotation_entries import Entries

# nobody is nearer to a camera than this on average: smaller depths mean metres or centimetres
LEAST_MEDIAN_DEPTH_MM = 250.0


@dataclass
class PersonColumns:
    """All annotations of a file as columns, in the order of the images.

    Attributes:
        image_row: (A,) row of the image each belongs to, ascending.
        bbox: (A, 4) x1, y1, x2, y2 px.
        keypoints: (A, J, 2) px; flags: (A, J) 0 not labelled, 1 labelled but hidden or out of the image, 2 visible.
        keypoints_3d: (A, J, 3) camera mm; keypoints_3d_valid: (A, J) bool.
        root_depth_mm: (A,) NaN where not given.
        occluded: (A, J) bool, or None where no annotation of the file says it; so are the next two.
        keypoints_3d_univ: (A, J, 3) camera mm of the body scaled to the universal height; 0 where not given.
        head_bbox: (A, 4) x, y, width, height px; NaN where not given.
    """

    image_row: np.ndarray
    bbox: np.ndarray
    keypoints: np.ndarray
    flags: np.ndarray
    keypoints_3d: np.ndarray
    keypoints_3d_valid: np.ndarray
    root_depth_mm: np.ndarray
    area: np.ndarray
    iscrowd: np.ndarray
    is_valid: np.ndarray
    track_id: np.ndarray
    smpl_row: np.ndarray
    ann_id: np.ndarray
    occluded: np.ndarray | None = None
    keypoints_3d_univ: np.ndarray | None = None
    head_bbox: np.ndarray | None = None


def read_people(rows: Entries, image_ids: np.ndarray, kset: KeypointSet) -> PersonColumns:
    """All of ``annotations``, checked, in the order of the images.

    Args:
        rows: The entries.
        image_ids: (M,) ids of the images.
        kset: The set of their J keypoints.

    Raises:
        UserError: A field is not what it should be.
    """
    rows.require('id', 'image_id', 'bbox', 'keypoints')
    ids, owners = rows.integers('id'), rows.integers('image_id')
    rows.require_unique(ids)
    by_id = np.argsort(image_ids, kind='stable')
    place = np.minimum(np.searchsorted(image_ids, owners, sorter=by_id), len(image_ids) - 1)
    image_row = by_id[place]
    rows.check(
        image_ids[image_row] == owners,
        'image_id',
        'no image has this id',
        'the file may be cut, or images were removed without their annotations',
    )
    keypoints = rows.numbers(
        'keypoints',
        (kset.num_keypoints * 3,),
        remedy=(
            f'{kset.name} has {kset.num_keypoints} keypoints of (x, y, flag); name the right `source_keypoint_set`'
        ),
    ).reshape(-1, kset.num_keypoints, 3)
    flags, keypoints = keypoints[..., 2], keypoints[..., :2]
    rows.check(np.isin(flags, (0, 1, 2)), 'keypoints', 'holds a flag that is not 0, 1 or 2')
    rows.check(
        np.isfinite(keypoints).all(-1) | (flags == 0),
        'keypoints',
        'holds NaN or infinity where labelled',
        'set the flag of keypoints that are not known to 0',
    )
    keypoints[flags == 0] = 0
    bbox = rows.numbers('bbox', (4,), remedy='bbox is x, y, width, height')
    rows.check(np.isfinite(bbox), 'bbox', 'holds NaN or infinity')
    rows.check(bbox[:, 2:] >= 0, 'bbox', 'has a negative width or height', 'bbox is x, y, width, height')
    area = rows.numbers('area', default=np.nan)
    points, valid, root_depth = _read_depths(rows, kset)
    columns = PersonColumns(
        image_row,
        np.concatenate([bbox[:, :2], bbox[:, :2] + bbox[:, 2:]], axis=1),
        keypoints,
        flags.astype(np.int64),
        points,
        valid,
        root_depth,
        np.where(np.isfinite(area), area, bbox[:, 2] * bbox[:, 3]),
        rows.numbers('iscrowd', default=0) != 0,
        rows.numbers('is_valid', default=1) != 0,
        rows.integers('track_id', default=-1),
        rows.integers('smpl', default=-1),
        ids,
        **_read_optional(rows, kset, valid),
    )
    order = np.argsort(image_row, kind='stable')
    return replace(columns, **{name: column[order] for name, column in vars(columns).items() if column is not None})


def _read_optional(rows: Entries, kset: KeypointSet, valid_3d: np.ndarray) -> dict[str, np.ndarray | None]:
    """Columns of fields that most files lack: None for those that no annotation has."""
    J = kset.num_keypoints
    remedy = f'{kset.name} has {J} keypoints'
    occluded = _sparse(rows, 'occluded', (J,), 0.0, remedy)
    univ = _sparse(rows, 'keypoints_3d_univ', (J, 3), np.nan, remedy)
    if univ is not None:
        rows.check(
            np.isfinite(univ).all(-1) | ~valid_3d,
            'keypoints_3d_univ',
            'is missing, or holds NaN or infinity',
            'other annotations have it: give it wherever keypoints_3d is valid, or nowhere',
        )
        univ[~valid_3d] = 0
    return dict(
        occluded=None if occluded is None else occluded > 0,
        keypoints_3d_univ=univ,
        head_bbox=_sparse(rows, 'head_bbox', (4,), np.nan, 'head_bbox is x, y, width, height'),
    )


def _sparse(rows: Entries, key: str, shape: tuple[int, ...], fill: float, remedy: str) -> np.ndarray | None:
    """Column (rows, *shape) of a field that some entries have, ``fill`` elsewhere; None if no entry has it."""
    given = rows.having(key)
    if not given.rows:
        return None
    column = np.full((len(rows.rows), *shape), fill)
    column[given.places] = given.numbers(key, shape, remedy=remedy)
    return column


def _read_depths(rows: Entries, kset: KeypointSet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(A, J, 3) camera mm, (A, J) bool and root depths (A,) mm; zeros, False and NaN for those labelled in 2D only."""
    count, J = len(rows.rows), kset.num_keypoints
    points, valid = np.zeros((count, J, 3)), np.zeros((count, J), dtype=bool)
    root_depth = rows.numbers('root_depth', default=np.nan)
    rows.check(
        ~(root_depth <= 0),
        'root_depth',
        'is not in front of the camera',
        'give mm along the optical axis, or null where it is not known',
    )
    labelled = rows.having('keypoints_3d')
    if not labelled.rows:
        return points, valid, root_depth
    labelled.require('keypoints_3d_valid', remedy='say with 0 and 1 which of keypoints_3d (camera-space mm) are known')
    remedy = f'{kset.name} has {J} keypoints; camera-space mm'
    some_points = labelled.numbers('keypoints_3d', (J, 3), remedy=remedy)
    some_valid = labelled.numbers('keypoints_3d_valid', (J,), remedy=remedy) > 0
    unknown = 'set keypoints_3d_valid to 0 for keypoints that are not known'
    labelled.check(np.isfinite(some_points).all(-1) | ~some_valid, 'keypoints_3d', 'holds NaN or infinity', unknown)
    labelled.check(
        (some_points[..., 2] > 0) | ~some_valid,
        'keypoints_3d',
        'has a keypoint behind the camera (z <= 0)',
        f'check R and the sign of T, or {unknown}',
    )
    depths = some_points[..., 2][some_valid]
    if len(depths) and np.median(depths) < LEAST_MEDIAN_DEPTH_MM:
        raise UserError(
            f'the median depth is {np.median(depths):.3g} mm: these are no millimetres',
            file=rows.file,
            field='annotations.keypoints_3d',
            remedy='store camera-space millimetres',
        )
    some_points[~some_valid] = 0
    points[labelled.places], valid[labelled.places] = some_points, some_valid
    return points, valid, root_depth
