"""The images of an annotation file: sizes, cameras, regions to be left alone, crowd indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import check_intrinsics

from .entries import Entries
from .rules import ACTIVITY, CAMERA, CROWD_INDEX, FILE_NAME, REGIONS, SIDE, Rule, shape_text
from .values import MAX_MM, as_numbers, is_usable_text, short_text

# greatest numbers that are believed: R; T, mm (places of a map may be far away); coefficients of a lens
_CAMERA_PARTS = {'R': ((3, 3), 1e3), 'T': ((3,), 1e3 * MAX_MM), 'dist': ((5,), 1e6)}


def read_images(images: Entries) -> list[dict]:
    """The entries of ``images`` with their fields checked: sizes, frames and marks as numbers, ``seq`` and ``view`` as
    text, cameras and polygons as arrays, ``crowd_index`` a float or None.

    Raises:
        UserError: A field is not what it should be.
    """
    names = [image.get('file_name') for image in images.rows]
    bad = [row for row, name in enumerate(names) if not name or not is_usable_text(name)]
    images.fail(bad, 'file_name', FILE_NAME, images.shown('file_name'))
    sizes = {}
    for side in ('width', 'height'):
        sizes[side] = images.numbers(side)
        images.check(side, SIDE, sizes[side], images.shown(side))
    frames = images.whole_numbers('frame', default=-1)
    activities = images.whole_numbers('activity', default=-1)
    images.check('activity', ACTIVITY, activities.astype(np.float64), images.shown('activity'))
    texts = {key: images.texts(key) for key in ('seq', 'view')}
    cameras, regions = _read_cameras(images), _read_regions(images)
    has_3d = images.marks('has_3d', default=False)
    is_labeled = images.marks('is_labeled', default=True)
    indices = _read_crowd_indices(images)
    return [
        {
            **image,
            'width': int(width) if width >= 1 else 1,  # else told already
            'height': int(height) if height >= 1 else 1,
            'frame': int(frame),
            'activity': int(activity),
            'seq': seq,
            'view': view,
            # 3D labels may be used: said by `has_3d`; else a known camera says so
            'has_3d': camera is not None if image.get('has_3d') is None else bool(with_3d),
            'is_labeled': bool(labelled),
            'cam_param': camera,
            'ignore_regions': polygons,
            'crowd_index': index,
        }
        for image, width, height, frame, activity, seq, view, with_3d, labelled, camera, polygons, index in zip(
            images.rows,
            sizes['width'],
            sizes['height'],
            frames,
            activities,
            texts['seq'],
            texts['view'],
            has_3d,
            is_labeled,
            cameras,
            regions,
            indices,
        )
    ]


def _read_crowd_indices(images: Entries) -> list[float | None]:
    """``crowd_index``, or ``crowdIndex`` as CrowdPose's own files call it; None where neither is given."""
    found: list[float | None] = [None] * len(images.rows)
    for key in ('crowdIndex', 'crowd_index'):  # ours goes first
        given = [row for row, image in enumerate(images.rows) if image.get(key) is not None]
        column = images.numbers(key, default=0.0)
        images.check(key, CROWD_INDEX, column, images.shown(key))
        for row in given:
            found[row] = float(column[row])
    return found


def _read_regions(images: Entries) -> list[list[np.ndarray]]:
    """Polygons (P, 2) px of each image."""
    found: list[list[np.ndarray]] = []
    bad: dict[int, str] = {}
    for row, image in enumerate(images.rows):
        given = image.get('ignore_regions')
        polygons: list[Any] = []
        if given is not None and not isinstance(given, list):
            bad[row] = short_text(given)
        for polygon in given if isinstance(given, list) else ():
            points = as_numbers(polygon)
            is_polygon = points is not None and points.ndim == 2 and points.shape[1] == 2 and len(points) >= 3
            if points is None or not is_polygon or not REGIONS.holds(points).all():
                bad[row] = short_text(polygon)
            else:
                polygons.append(points)
        found.append(polygons)
    images.fail(list(bad), 'ignore_regions', REGIONS, bad.__getitem__)
    return found


def _read_cameras(images: Entries) -> list[dict | None]:
    """One dict of arrays (or None: camera unknown) an image; images with the same camera share one."""
    cameras: list[dict | None] = []
    seen: dict[str, dict | None] = {'None': None}
    faults: dict[tuple[str, Rule], dict[int, str]] = {}

    def note(row: int, key: str, rule: Rule, detail: str) -> None:
        faults.setdefault((key, rule), {})[row] = detail

    sources: dict[str, int] = {}
    for row, image in enumerate(images.rows):
        camera = image.get('cam_param')
        key = repr(camera)
        if key not in seen:
            sources[key] = row
            seen[key] = _read_camera(camera, lambda *fault, row=row: note(row, *fault))
        elif key in sources:  # the faults of a camera are those of all images that have it
            for rows in faults.values():
                if sources[key] in rows:
                    rows[row] = rows[sources[key]]
        cameras.append(seen[key])
    for (key, rule), rows in faults.items():
        images.fail(list(rows), key, rule, rows.__getitem__)
    return cameras


def _read_camera(camera: Any, note) -> dict | None:
    """Arrays of a camera; None, and a note of (field, rule, detail) for each fault, where it is none."""
    if not isinstance(camera, dict) or 'K' not in camera:
        note('cam_param', CAMERA, '')
        return None
    sound = True
    parts: dict[str, np.ndarray | None] = {}
    K = as_numbers(camera['K'])
    try:
        parts['K'] = check_intrinsics(np.full((3, 3), np.nan) if K is None else K)
        if np.abs(parts['K']).max() > MAX_MM:
            raise UserError('the intrinsics are beyond all measure')
    except UserError as error:
        detail = error.problem if K is not None else f'not a 3×3 matrix of numbers: {short_text(camera["K"])}'
        rule = Rule('is no camera matrix', 'nothing can be projected with it', error.remedy or 'give K in px')
        note('cam_param.K', rule, detail)
        sound = False
    for name, (shape, limit) in _CAMERA_PARTS.items():
        given = camera.get(name)
        part = None if given is None else as_numbers(given)
        if given is not None and (
            part is None or part.size != np.prod(shape) or not (np.abs(part) <= limit).all()  # NaN is not
        ):
            rule = Rule(
                f'is not {shape_text(shape)} finite numbers',
                'nothing can be projected with it',
                'R is 3×3, T is 3 mm, dist is k1, k2, p1, p2, k3; or leave it out',
            )
            note(f'cam_param.{name}', rule, short_text(given))
            sound = False
        else:
            parts[name] = None if part is None else part.reshape(shape)
    if not sound:
        return None
    dist = parts['dist']
    if dist is not None and not dist.any():
        parts['dist'] = None
    return parts
