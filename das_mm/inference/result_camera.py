"""Positions in camera space, of results: they are solved from what was found in the image, for any camera."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from das_mm.bodies.smpl_fields import GROUP as SMPL_GROUP
from das_mm.errors import UserError
from das_mm.structures import back_project, check_intrinsics
from das_mm.structures.camera_space import to_camera_space

_LEAST_FOV_DEG = 1e-4  # as far as it is told


def resolve_for_camera(result: Mapping[str, Any], K: np.ndarray, dist: np.ndarray | None = None) -> dict[str, Any]:
    """The same people seen through another camera: positions are solved again from what was found in the image.

    Equal to running the network again with that camera, which it knows nothing of.

    Args:
        result: A result; it is not changed.
        K: (3, 3) intrinsics of the image of the result.
        dist: (5,) lens distortion k1, k2, p1, p2, k3.

    Raises:
        UserError: K makes no camera.

    Example::

        found = next(read_results('out/predictions/street.json'))
        calibrated = resolve_for_camera(found, [[1450, 0, 960], [0, 1450, 540], [0, 0, 1]])
    """
    K = check_intrinsics(K, field='K')
    if dist is not None:
        dist = np.asarray(dist, dtype=np.float64)
        if dist.shape != (5,) or not np.isfinite(dist).all():
            raise UserError(
                f'{dist.tolist()} is no lens distortion',
                field='dist',
                remedy="give OpenCV's k1, k2, p1, p2, k3, or None",
            )
    solved = copy.deepcopy(dict(result))
    solved.pop('world', None)  # its floor was seen by the other camera
    for person in solved['people']:
        person.pop('root_world_m', None)
    solved['camera'] = camera_words(K, dist, 'user', None, (result['image']['width'], result['image']['height']))
    solve_positions(solved)
    return solved


def solve_positions(result: dict[str, Any]) -> None:
    """Fills in everything that depends on the camera of the result."""
    K, dist = np.array(result['camera']['K']), result['camera']['dist']
    dist = None if dist is None else np.array(dist)
    for person in result['people']:
        if person['root_depth_mm_per_px'] is None or person['relative_depths_mm'] is None:
            person['keypoints_cam_mm'] = person['root_cam_mm'] = None
            if 'keypoints_sigma_px' in person:
                person['keypoints_sigma_mm'] = None
            continue
        with np.errstate(all='ignore'):  # far outside the image a lens model may have no inverse
            cam, depth = to_camera_space(
                np.array([person['keypoints_px']]),
                np.array([person['root_depth_mm_per_px']]),
                np.array([person['relative_depths_mm']]),
                K,
                dist,
            )
            root = back_project(np.array(person['root_px']), depth[0], K, dist)
        solved = bool(depth[0] > 0 and np.isfinite(cam).all() and np.isfinite(root).all())
        person['keypoints_cam_mm'] = rounded(cam[0]) if solved else None
        person['root_cam_mm'] = rounded(root) if solved else None
        if 'keypoints_sigma_px' in person:
            known = solved and person['relative_depths_sigma_mm'] is not None
            person['keypoints_sigma_mm'] = _sigma_mm(person, cam[0][:, 2], K) if known else None
        if person.get(SMPL_GROUP) is not None:
            body = person[SMPL_GROUP]
            body['transl_mm'] = rounded(root - body['root_mm']) if solved else None


def _sigma_mm(person: dict[str, Any], depths_mm: np.ndarray, K: np.ndarray) -> list:
    in_plane = np.array(person['keypoints_sigma_px']) * np.abs(depths_mm)[:, None] / K[[0, 1], [0, 1]]
    return rounded(np.concatenate([in_plane, np.array(person['relative_depths_sigma_mm'])[:, None]], axis=1))


def camera_words(
    K: np.ndarray, dist: np.ndarray | None, source: str, detail: str | None, size: tuple[int, int]
) -> dict[str, Any]:
    width, height = size
    side, focal = (width, K[0, 0]) if width >= height else (height, K[1, 1])
    return dict(
        K=K.tolist(),
        dist=None if dist is None else np.asarray(dist, dtype=np.float64).tolist(),
        source=source,
        fov_deg=max(round(math.degrees(2 * math.atan(side / 2 / focal)), 4), _LEAST_FOV_DEG),
        detail=detail,
    )


def rounded(values: np.ndarray, digits: int = 5) -> Any:
    """Numbers as they stand in a file; by default those of px and mm."""
    return np.round(values, digits).tolist()
