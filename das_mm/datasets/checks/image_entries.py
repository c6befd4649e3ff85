"""The faults of an entry of ``images``."""

from __future__ import annotations

import numpy as np

from das_mm.datasets.datasets.annotation_entries import short_text
from das_mm.errors import UserError
from das_mm.structures import check_intrinsics

from .annotation_entry import Entry, shape_text

_IMAGE_NEEDS = ('id', 'file_name', 'width', 'height')


_CAMERA_PARTS = (('R', (3, 3)), ('T', (3,)), ('dist', (5,)))


def image_is_sound(entry: Entry, used: set[float | None]) -> bool:
    """Notes all faults of an image; ``used`` holds the ids before."""
    if not entry.require(_IMAGE_NEEDS):
        return False
    entry.identity(used)
    if not isinstance(entry.fields['file_name'], str):
        entry.fault('file_name', 'is no text', 'the image cannot be found', 'give its path below the image folder')
    for side in ('width', 'height'):
        pixels = entry.number(side)
        if pixels is None or not pixels > 0:
            entry.fault(
                side,
                'is not a positive number',
                'boxes are cut to it, and images are checked against it',
                'write the size of the image file in px',
                short_text(entry.fields[side], 60),
            )
    entry.number('frame', whole=True)
    entry.number('crowd_index')
    _check_camera(entry)
    _check_regions(entry)
    return entry.sound


def _check_camera(entry: Entry) -> None:
    camera = entry.fields.get('cam_param')
    if camera is None:
        return
    if not isinstance(camera, dict) or 'K' not in camera:
        entry.fault(
            'cam_param',
            'has no K',
            'without K nothing can be projected',
            'give K, or leave cam_param out where the camera is not known',
        )
        return
    try:
        check_intrinsics(camera['K'])
    except UserError as error:
        entry.fault(
            'cam_param.K', 'is no camera matrix', 'nothing can be projected with it', error.remedy, error.problem
        )
    for key, shape in _CAMERA_PARTS:
        try:
            part = np.asarray(0.0 if camera.get(key) is None else camera[key], dtype=np.float64)
        except (TypeError, ValueError):
            part = np.array(np.nan)
        if camera.get(key) is not None and (part.size != np.prod(shape) or not np.isfinite(part).all()):
            entry.fault(
                f'cam_param.{key}',
                f'is not {shape_text(shape)} finite numbers',
                'nothing can be projected with it',
                'R is 3×3, T is 3 mm, dist is k1, k2, p1, p2, k3; or leave it out',
                short_text(camera[key], 60),
            )


def _check_regions(entry: Entry) -> None:
    for polygon in entry.fields.get('ignore_regions') or ():
        try:
            points = np.asarray(polygon, dtype=np.float64)
        except (TypeError, ValueError):
            points = np.empty(0)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or not np.isfinite(points).all():
            entry.fault(
                'ignore_regions',
                'holds no polygon',
                'what is to be ignored is not known',
                'give a list of polygons [[x, y], [x, y], [x, y], …] in px',
                short_text(polygon, 60),
            )
