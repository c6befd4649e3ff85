"""The images of an annotation file: cameras, regions to be left alone, crowd indices."""

from __future__ import annotations

import math

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import check_intrinsics

from .annotation_entries import Entries, short_text


def read_images(images: Entries) -> list[dict]:
    """The entries of ``images`` with their optional fields checked, cameras and polygons as arrays.

    Raises:
        UserError: A field is not what it should be.
    """
    for row, image in enumerate(images.rows):
        if not isinstance(image['file_name'], str):
            images.fail(row, 'file_name', f'is no text: {short_text(image["file_name"])}')
    images.integers('frame', default=-1)
    crowd_index = images.numbers('crowd_index', default=np.nan)
    theirs = images.numbers('crowdIndex', default=np.nan)  # CrowdPose's own files
    crowd_index = np.where(np.isnan(crowd_index), theirs, crowd_index)
    regions = [_polygons(images, row) for row in range(len(images.rows))]
    return [
        {
            **image,
            'cam_param': camera,
            'ignore_regions': polygons,
            'crowd_index': None if np.isnan(index) else float(index),
        }
        for image, camera, polygons, index in zip(images.rows, _read_cameras(images), regions, crowd_index)
    ]


def _polygons(images: Entries, row: int) -> list[np.ndarray]:
    polygons = []
    for polygon in images.rows[row].get('ignore_regions') or ():
        try:
            points = np.asarray(polygon, dtype=np.float64)
        except (TypeError, ValueError):
            points = np.empty(0)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or not np.isfinite(points).all():
            images.fail(
                row,
                'ignore_regions',
                f'holds no polygon: {short_text(polygon)}',
                'give a list of polygons [[x, y], [x, y], [x, y], …] in px',
            )
        polygons.append(points)
    return polygons


def _read_cameras(images: Entries) -> list[dict | None]:
    """One dict of arrays (or None: camera unknown) an image; images with the same camera share one."""
    cameras: list[dict | None] = []
    seen: dict[str, dict | None] = {'None': None}
    for row, image in enumerate(images.rows):
        camera = image.get('cam_param')
        key = repr(camera)
        if key in seen:
            cameras.append(seen[key])
            continue
        field = f'images[{row}] (id {image["id"]}).cam_param'
        if not isinstance(camera, dict) or 'K' not in camera:
            raise UserError(
                'has no K',
                file=images.file,
                field=field,
                remedy='give K, or leave cam_param out where the camera is unknown',
            )
        parts: dict[str, np.ndarray | None] = dict(
            K=check_intrinsics(camera['K'], file=images.file, field=f'{field}.K')
        )
        for key, shape in (('R', (3, 3)), ('T', (3,)), ('dist', (5,))):
            parts[key] = _camera_part(camera.get(key), shape, images.file, f'{field}.{key}')
        dist = parts['dist']
        if dist is not None and not dist.any():
            parts['dist'] = None
        seen[key] = parts
        cameras.append(parts)
    return cameras


def _camera_part(value, shape: tuple[int, ...], file: str, field: str) -> np.ndarray | None:
    if value is None:
        return None
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.size != math.prod(shape) or not np.isfinite(array).all():
        raise UserError(
            f'is not {shape} finite numbers: {short_text(value)}',
            file=file,
            field=field,
            remedy='R is 3×3, T is 3 mm, dist is k1, k2, p1, p2, k3',
        )
    return array.reshape(shape)
