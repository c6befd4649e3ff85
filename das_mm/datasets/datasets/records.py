"""From a checked annotation file to a table of records, in the keypoint set that the model learns."""

from __future__ import annotations

import numpy as np

from das_mm.structures import (
    DERIVATIONS,
    KeypointSet,
    convert_indices,
    convert_keypoints,
    derived_indices,
    project,
    root_of,
)

from ..annotations.annotation_file import AnnotationFile
from ..annotations.people import PersonColumns
from .record_table import RecordTable


def make_table(annotations: AnnotationFile, kset: KeypointSet, derive: tuple[str, ...]) -> RecordTable:
    """The table of a file, people converted to ``kset``.

    Args:
        derive: Keypoints that may be made as a mean of others where the file lacks them.
    """
    people, images, source = annotations.people, annotations.images, annotations.keypoint_set
    columns = _image_columns(images)
    columns['first_person'] = np.searchsorted(people.image_row, np.arange(len(images) + 1))
    labels = _converted(people, columns['has_3d'][people.image_row], source, kset, derive)
    _project_derived(labels, columns, people.image_row, derived_indices(source, kset, derive), kset)
    labels |= dict(
        area=_float32(people.area),
        iscrowd=people.iscrowd,
        is_valid=people.is_valid,
        track_id=people.track_id,
        ann_id=people.ann_id,
        smpl_row=people.smpl_row,
    )
    if people.head_bbox is not None:
        labels['head_bbox'] = _float32(people.head_bbox)
    header = dict(info=annotations.info, people_columns=list(labels))
    if annotations.masks is not None:
        counts = [mask.encode() for mask in annotations.masks]
        columns['mask_counts'] = np.frombuffer(b''.join(counts), dtype=np.uint8)
        columns['mask_ends'] = _bounds([len(mask) for mask in counts])
    for name in ('seq', 'view'):
        header[name], columns[name] = _as_codes([image[name] for image in images])
    return RecordTable({**columns, **labels}, header)


def _converted(
    people: PersonColumns, image_has_3d: np.ndarray, source: KeypointSet, kset: KeypointSet, derive: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Keypoints, root and depth of all people in ``kset``; 3D only of people in images that may be used for it."""
    valid_3d = people.keypoints_3d_valid & image_has_3d[:, None]
    points_3d, valid = convert_keypoints(people.keypoints_3d, valid_3d, source, kset, derive)
    points, flags = convert_keypoints(people.keypoints, people.flags, source, kset, derive)
    root_px, root_flags = root_of(points, flags, kset)
    root_3d, root_valid = root_of(points_3d, valid, kset)
    given_depth = np.where(image_has_3d & (source.root == kset.root), people.root_depth_mm, np.nan)
    labels = dict(
        bbox=_float32(people.bbox),
        keypoints=_float32(points),
        keypoints_flags=flags.astype(np.int8),
        keypoints_3d=_float32(points_3d),
        keypoints_3d_valid=valid,
        root_px=_float32(root_px),
        root_flags=root_flags.astype(np.int8),
        root_depth_mm=_float32(np.where(root_valid, root_3d[:, 2], given_depth)),
        occluded=_converted_marks(people.occluded, source, kset, derive, len(people.bbox)),
    )
    if people.keypoints_3d_univ is not None:
        labels['keypoints_3d_univ'] = _float32(
            convert_keypoints(people.keypoints_3d_univ, valid_3d, source, kset, derive)[0]
        )
    return labels


def _converted_marks(
    marks: np.ndarray | None, source: KeypointSet, kset: KeypointSet, derive: tuple[str, ...], count: int
) -> np.ndarray:
    """(A, K) int8: 1 where the keypoint, or one that it is derived from, is marked; 0 where nothing is known."""
    out = np.zeros((count, kset.num_keypoints), dtype=np.int8)
    if marks is None:
        return out
    table = convert_indices(source, kset)
    out[:, table >= 0] = marks[:, table[table >= 0]]
    for k in derived_indices(source, kset, derive):
        out[:, k] = marks[:, [source.index(name) for name in DERIVATIONS[kset.keypoints[k]]]].any(axis=1)
    return out


def _image_columns(images: list[dict]) -> dict[str, np.ndarray]:
    cameras, camera_rows = _as_codes_of_objects([image['cam_param'] for image in images])
    columns: dict[str, np.ndarray] = dict(
        img_id=np.array([int(image['id']) for image in images], dtype=np.int64),
        height=np.array([image['height'] for image in images], dtype=np.int32),
        width=np.array([image['width'] for image in images], dtype=np.int32),
        frame=np.array([image['frame'] for image in images], dtype=np.int64),
        has_3d=np.array([image['has_3d'] for image in images], dtype=bool),
        is_labeled=np.array([image['is_labeled'] for image in images], dtype=bool),
        activity=np.array([image['activity'] for image in images], dtype=np.int16),
        crowd_index=np.array([image['crowd_index'] for image in images], dtype=np.float32),
        camera=camera_rows,
    )
    for part, shape in (('K', (3, 3)), ('R', (3, 3)), ('T', (3,)), ('dist', (5,))):
        known = [np.full(shape, np.nan) if camera[part] is None else camera[part] for camera in cameras]
        columns[f'camera_{part}'] = np.array(known).reshape(-1, *shape)
    names = [image['file_name'].encode() for image in images]
    columns['file_name'] = np.frombuffer(b''.join(names), dtype=np.uint8)
    columns['file_name_ends'] = _bounds([len(name) for name in names])
    polygons = [polygon for image in images for polygon in image['ignore_regions']]
    columns['region_points'] = _float32(np.concatenate([np.empty((0, 2)), *polygons]))
    columns['region_ends'] = _bounds([len(polygon) for polygon in polygons])
    columns['regions_of_image'] = _bounds([len(image['ignore_regions']) for image in images])
    return columns


def _project_derived(
    labels: dict[str, np.ndarray],
    columns: dict[str, np.ndarray],
    image_row: np.ndarray,
    derived: list[int],
    kset: KeypointSet,
) -> None:
    """Puts derived keypoints where the camera sees the mean of the 3D joints, not at the mean of their images."""
    camera_row = columns['camera'][image_row]
    dist = np.nan_to_num(columns['camera_dist'])

    def seen_by_camera(people: np.ndarray, points_mm: np.ndarray) -> np.ndarray:
        rows = camera_row[people]
        return project(points_mm, columns['camera_K'][rows], dist[rows])

    points_3d, valid = labels['keypoints_3d'], labels['keypoints_3d_valid']
    for k in derived:
        people = np.flatnonzero(valid[:, k] & (labels['keypoints_flags'][:, k] > 0) & (camera_row >= 0))
        labels['keypoints'][people, k] = seen_by_camera(people, points_3d[people, k].astype(np.float64))
    if kset.root_index is not None:
        labels['root_px'] = labels['keypoints'][:, kset.root_index].copy()
        return
    root_mm, root_valid = root_of(points_3d.astype(np.float64), valid, kset)
    people = np.flatnonzero(root_valid & (labels['root_flags'] > 0) & (camera_row >= 0))
    labels['root_px'][people] = seen_by_camera(people, root_mm[people])


def _as_codes(texts: list[str]) -> tuple[list[str], np.ndarray]:
    """Distinct texts in the order of appearance, and the place of each text among them (int32)."""
    distinct: dict[str, int] = {}
    codes = [distinct.setdefault(text, len(distinct)) for text in texts]
    return list(distinct), np.array(codes, dtype=np.int32)


def _as_codes_of_objects(cameras: list[dict | None]) -> tuple[list[dict], np.ndarray]:
    """Distinct cameras (the reader lets images with the same one share it) and the row of each image's, -1 for None."""
    distinct = {id(camera): camera for camera in cameras if camera is not None}
    row_of = {key: row for row, key in enumerate(distinct)}
    return list(distinct.values()), np.array([row_of.get(id(camera), -1) for camera in cameras], dtype=np.int32)


def _bounds(lengths: list[int]) -> np.ndarray:
    """(n + 1,) where pieces of these lengths begin and end, laid end to end."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def _float32(column: np.ndarray) -> np.ndarray:
    """Half the memory; a pixel is still exact to 1e-3 and a millimetre to 1e-2 at any real size."""
    return column.astype(np.float32)
