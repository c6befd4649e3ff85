"""From a checked annotation file to one record per image, in the keypoint set that the model learns."""
from __future__ import annotations

import os.path as osp

import numpy as np

from das_mm.structures import KeypointSet, convert_keypoints, derived_indices, project, root_of

from .annotation_file import AnnotationFile


def make_records(annotations: AnnotationFile, kset: KeypointSet, derive: tuple[str, ...], image_root: str,
                 dataset_name: str) -> list[dict]:
    """One dict an image (fields: :class:`.DASDataset`), people converted to ``kset``.

    Args:
        derive: Keypoints that may be made as a mean of others where the file lacks them.
        image_root: Folder that ``file_name`` is relative to.
    """
    people, images = annotations.people, annotations.images
    flags_3d = _image_has_3d(images)[people.image_row]
    valid_3d = people.keypoints_3d_valid & flags_3d[:, None]
    points_3d, valid_3d = convert_keypoints(people.keypoints_3d, valid_3d, annotations.keypoint_set, kset, derive)
    points, flags = convert_keypoints(people.keypoints, people.flags, annotations.keypoint_set, kset, derive)
    root_px, root_flags = root_of(points, flags, kset)
    root_3d, root_valid = root_of(points_3d, valid_3d, kset)
    same_root = annotations.keypoint_set.root == kset.root
    given_depth = np.where(flags_3d & same_root, people.root_depth_mm, np.nan)
    columns = dict(
        bbox=_float32(people.bbox), keypoints=_float32(points), keypoints_flags=flags.astype(np.int8),
        keypoints_3d=_float32(points_3d), keypoints_3d_valid=valid_3d, root_px=_float32(root_px),
        root_flags=root_flags.astype(np.int8),
        root_depth_mm=_float32(np.where(root_valid, root_3d[:, 2], given_depth)), area=_float32(people.area),
        iscrowd=people.iscrowd, is_valid=people.is_valid, track_id=people.track_id, ann_id=people.ann_id,
        smpl_row=people.smpl_row)
    derived = derived_indices(annotations.keypoint_set, kset, derive)
    bounds = np.searchsorted(people.image_row, np.arange(len(images) + 1))
    records = []
    for row, image in enumerate(images):
        start, stop = bounds[row], bounds[row + 1]
        record = _image_fields(image, image_root, dataset_name)
        record |= {name: column[start:stop] for name, column in columns.items()}
        _project_derived(record, derived, root_3d[start:stop], root_valid[start:stop], kset)
        records.append(record)
    return records


def _image_has_3d(images: list[dict]) -> np.ndarray:
    """(M,) bool: 3D labels may be used. Said by ``has_3d``; else a known camera says so."""
    return np.asarray([bool(image.get('has_3d', image['cam_param'] is not None)) for image in images], dtype=bool)


def _image_fields(image: dict, image_root: str, dataset_name: str) -> dict:
    known = image['cam_param'] is not None
    camera = dict(image['cam_param'] or dict(K=None, R=None, T=None, dist=None),
                  source='annotation' if known else 'unknown')
    return dict(img_path=osp.join(image_root, image['file_name']), img_id=int(image['id']),
                ori_shape=(int(image['height']), int(image['width'])), camera=camera,
                seq=str(image.get('seq', '')), frame=int(image.get('frame', -1)), dataset_name=dataset_name,
                has_3d=bool(image.get('has_3d', known)))


def _project_derived(record: dict, derived: list[int], root_3d: np.ndarray, root_valid: np.ndarray,
                     kset: KeypointSet) -> None:
    """Puts derived keypoints where the camera sees the mean of the 3D joints, not at the mean of their images."""
    camera = record['camera']
    if camera['K'] is None:
        return
    for k in derived:
        seen = record['keypoints_3d_valid'][:, k] & (record['keypoints_flags'][:, k] > 0)
        if seen.any():
            record['keypoints'] = record['keypoints'].copy()
            record['keypoints'][seen, k] = project(record['keypoints_3d'][seen, k].astype(np.float64), camera['K'],
                                                   camera['dist'])
    if kset.root_index is not None:
        record['root_px'] = record['keypoints'][:, kset.root_index].copy()
    elif root_valid.any():
        seen = root_valid & (record['root_flags'] > 0)
        record['root_px'] = record['root_px'].copy()
        record['root_px'][seen] = project(root_3d[seen], camera['K'], camera['dist'])


def _float32(column: np.ndarray) -> np.ndarray:
    """Half the memory; a pixel is still exact to 1e-3 and a millimetre to 1e-2 at any real size."""
    return column.astype(np.float32)
