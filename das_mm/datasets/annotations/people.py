"""The people of an annotation file as checked columns. Letters: M images, A annotations, J keypoints of its own set."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from das_mm.structures import KeypointSet

from .entries import Entries
from .rules import (
    AREA,
    BOX,
    BOX_SIDES,
    FLAGS,
    IMAGE_ID,
    IN_FRONT,
    LABELLED,
    LEAST_MEDIAN_DEPTH_MM,
    MARK,
    MILLIMETRES,
    POINTS_3D,
    ROOT_DEPTH,
    UNIV,
    VALID_3D,
)


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
    columns = read_people_but_keypoints(rows, image_ids)
    keypoints, flags = read_keypoints(rows, kset)
    points, valid = _read_points(rows, kset)
    people = PersonColumns(keypoints=keypoints, flags=flags, keypoints_3d=points, keypoints_3d_valid=valid, **columns)
    people = replace(people, **_read_optional(rows, kset, valid))
    order = np.argsort(people.image_row, kind='stable')
    return replace(people, **{name: column[order] for name, column in vars(people).items() if column is not None})


def read_people_but_keypoints(rows: Entries, image_ids: np.ndarray) -> dict[str, np.ndarray]:
    """The columns that do not depend on the keypoint set, in the order of the entries; arguments and errors as of
    :func:`read_people`."""
    rows.require('id', 'image_id', 'bbox', 'keypoints')
    ids, owners = rows.whole_numbers('id'), rows.whole_numbers('image_id')
    rows.require_unique(ids)
    bbox = rows.numbers('bbox', (4,), remedy=BOX.remedy)
    rows.check('bbox', BOX, bbox, rows.shown('bbox'))
    rows.check('bbox', BOX_SIDES, bbox, rows.shown('bbox'))
    area = rows.numbers('area', default=-1.0)
    given = np.array([entry.get('area') is not None for entry in rows.rows], dtype=bool)
    rows.check('area', AREA, np.where(given, area, 0.0), rows.shown('area'))
    depths = rows.numbers('root_depth', default=-1.0)
    known = np.array([entry.get('root_depth') is not None for entry in rows.rows], dtype=bool)
    rows.check('root_depth', ROOT_DEPTH, np.where(known, depths, 1.0), rows.shown('root_depth'))
    return dict(
        image_row=_image_rows(rows, owners, image_ids),
        bbox=np.concatenate([bbox[:, :2], bbox[:, :2] + bbox[:, 2:]], axis=1),
        root_depth_mm=np.where(known, depths, np.nan),
        area=np.where(given, area, bbox[:, 2] * bbox[:, 3]),
        iscrowd=rows.marks('iscrowd', default=False),
        is_valid=rows.marks('is_valid', default=True),
        track_id=rows.whole_numbers('track_id', default=-1),
        smpl_row=rows.whole_numbers('smpl', default=-1),
        ann_id=ids,
    )


def _image_rows(rows: Entries, owners: np.ndarray, image_ids: np.ndarray) -> np.ndarray:
    """(A,) row of the image that each belongs to."""
    if not len(image_ids):
        rows.fail(range(len(owners)), 'image_id', IMAGE_ID, rows.shown('image_id'))
        return np.zeros(len(owners), dtype=np.int64)
    by_id = np.argsort(image_ids, kind='stable')
    place = np.minimum(np.searchsorted(image_ids, owners, sorter=by_id), len(image_ids) - 1)
    image_row = by_id[place]
    rows.fail(np.flatnonzero(image_ids[image_row] != owners), 'image_id', IMAGE_ID, rows.shown('image_id'))
    return image_row


def read_keypoints(rows: Entries, kset: KeypointSet) -> tuple[np.ndarray, np.ndarray]:
    """(A, J, 2) px, 0 where not labelled, and flags (A, J); errors as of :func:`read_people`."""
    J = kset.num_keypoints
    remedy = (
        f'{kset.name} has {J} keypoints of (x, y, flag), all in one list; if the file has others, name the right set '
        'in info.joints, or by `source_keypoint_set` of the dataset'
    )
    keypoints = rows.numbers('keypoints', (J * 3,), remedy=remedy).reshape(-1, J, 3)
    keypoints, flags = keypoints[..., :2], keypoints[..., 2]
    rows.check('keypoints', FLAGS, flags, lambda row: f'{flags[row][~FLAGS.holds(flags[row][:, None])][0]:g}')
    labelled = flags > 0
    seen = np.where(labelled[..., None], keypoints, 0.0)
    rows.check('keypoints', LABELLED, seen, lambda row: _named(kset, ~LABELLED.holds(seen[row])))
    return seen, np.where(np.isfinite(flags), flags, 0).astype(np.int64)


def _read_optional(rows: Entries, kset: KeypointSet, valid_3d: np.ndarray) -> dict[str, np.ndarray | None]:
    """Columns of fields that most files lack: None for those that no annotation has."""
    J = kset.num_keypoints
    remedy = f'{kset.name} has {J} keypoints'
    occluded = _sparse(rows, 'occluded', (J,), 0.0, remedy)
    if occluded is not None:
        rows.check('occluded', MARK, occluded, rows.shown('occluded'))
    univ = _sparse(rows, 'keypoints_3d_univ', (J, 3), np.nan, remedy)
    if univ is not None:
        univ = np.where(valid_3d[..., None], univ, 0.0)
        rows.check('keypoints_3d_univ', UNIV, univ, lambda row: _named(kset, ~UNIV.holds(univ[row])))
    heads = rows.having('head_bbox')
    if heads.rows:
        boxes = heads.numbers('head_bbox', (4,), remedy='head_bbox is x, y, width, height in px')
        for rule in (BOX, BOX_SIDES):
            heads.check('head_bbox', rule, boxes, heads.shown('head_bbox'))
    return dict(
        occluded=None if occluded is None else occluded > 0,
        keypoints_3d_univ=univ,
        head_bbox=_sparse(rows, 'head_bbox', (4,), np.nan, 'head_bbox is x, y, width, height in px'),
    )


def _sparse(rows: Entries, key: str, shape: tuple[int, ...], fill: float, remedy: str) -> np.ndarray | None:
    """Column (rows, *shape) of a field that some entries have, ``fill`` elsewhere; None if no entry has it."""
    given = np.array([entry.get(key) is not None for entry in rows.rows], dtype=bool)
    if not given.any():
        return None
    column = np.full((len(rows.rows), *shape), fill)
    column[given] = rows.having(key).numbers(key, shape, remedy=remedy)
    return column


def _read_points(rows: Entries, kset: KeypointSet) -> tuple[np.ndarray, np.ndarray]:
    """(A, J, 3) camera mm and (A, J) bool; zeros and False for those labelled in 2D only."""
    count, J = len(rows.rows), kset.num_keypoints
    points, valid = np.zeros((count, J, 3)), np.zeros((count, J), dtype=bool)
    given = np.array([entry.get('keypoints_3d') is not None for entry in rows.rows], dtype=bool)
    labelled = rows.having('keypoints_3d')
    if not labelled.rows:
        return points, valid
    without = [row for row, entry in enumerate(labelled.rows) if entry.get('keypoints_3d_valid') is None]
    labelled.fail(without, 'keypoints_3d_valid', VALID_3D)
    remedy = f'{kset.name} has {J} keypoints; keypoints_3d is (x, y, z) of each, camera mm'
    some_points = labelled.numbers('keypoints_3d', (J, 3), remedy=remedy)
    marks = labelled.numbers('keypoints_3d_valid', (J,), default=0.0, remedy=remedy)
    labelled.check('keypoints_3d_valid', MARK, marks, labelled.shown('keypoints_3d_valid'))
    some_valid = marks > 0
    some_points = np.where(some_valid[..., None], some_points, 0.0)
    labelled.check('keypoints_3d', POINTS_3D, some_points, lambda row: _named(kset, ~POINTS_3D.holds(some_points[row])))
    depths = np.where(some_valid, some_points[..., 2], 1.0)
    labelled.check('keypoints_3d', IN_FRONT, depths, lambda row: _named(kset, ~(depths[row] > 0)))
    known = depths[some_valid & (depths > 0)]
    if len(known) and np.median(known) < LEAST_MEDIAN_DEPTH_MM:
        labelled.fail_together(
            'keypoints_3d', MILLIMETRES, f'the median depth is {np.median(known):.3g}', len(labelled.rows)
        )
    points[given], valid[given] = some_points, some_valid
    return points, valid


def _named(kset: KeypointSet, mask: np.ndarray) -> str:
    return ', '.join(kset.keypoints[i] for i in np.flatnonzero(mask)[:4])
