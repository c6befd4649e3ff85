"""Surfaces of the people of a result: computed when they are wanted, for a result holds the parameters only.

So a file of results stays small, and smoothed, re-read and re-solved results have their surfaces too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from das_mm.bodies.posable_body import PosableBody, surface_keypoints
from das_mm.bodies.skeleton import JOINT_NAMES
from das_mm.bodies.smpl_fields import GROUP
from das_mm.errors import UserError


def mesh_vertices(result: Mapping[str, Any], body: PosableBody) -> np.ndarray:
    """The surfaces of the people of a result.

    Args:
        result: Of a model of meshes; see :mod:`.results`.
        body: The body it was made with, such as ``SMPLBody()`` or a :class:`.NumpyBody`; ``body.faces`` are the
            triangles.

    Returns:
        (n, V, 3) float32 mm, camera frame; NaN for people without a mesh or without a place.

    Raises:
        UserError: The result tells no meshes, or those of another body.

    Example::

        found = next(read_results('out/predictions/street.json'))
        vertices = mesh_vertices(found, SMPLBody())
    """
    return _posed(result, body)[0]


def mesh_vertices_and_keypoints(result: Mapping[str, Any], body: PosableBody) -> tuple[np.ndarray, np.ndarray]:
    """The surfaces of the people of a result, and the keypoints of its set as the bodies have them.

    The latter differ from ``keypoints_cam_mm``, which another branch of the network told, or which the body was fitted
    to.

    Args:
        result, body: See :func:`mesh_vertices`.

    Returns:
        (n, V, 3) and (n, K, 3) float32 mm, camera frame; NaN for people without a mesh or without a place, and
        keypoints of nobody where the set has some that bodies have not.

    Raises:
        UserError: The result tells no meshes, or those of another body.
    """
    vertices, joints = _posed(result, body)
    return vertices, surface_keypoints(body, result['keypoint_names'], vertices, joints)


def _posed(result: Mapping[str, Any], body: PosableBody) -> tuple[np.ndarray, np.ndarray]:
    """(n, V, 3) vertices and (n, 24, 3) joints; NaN for people without a mesh or without a place."""
    people = result['people']
    vertices = np.full((len(people), body.num_vertices, 3), np.nan, dtype=np.float32)
    joints = np.full((len(people), len(JOINT_NAMES), 3), np.nan, dtype=np.float32)
    for person in people:
        if GROUP not in person:
            raise UserError(
                'the result tells no meshes',
                file=result['image']['file'],
                field='people.smpl',
                remedy='use a model with a mesh branch',
            )
        if person[GROUP] is not None and person[GROUP]['body'] != body.name:
            raise UserError(
                f'the meshes are of the body {person["smpl"]["body"]}, not of {body.name}',
                file=result['image']['file'],
                field='people.smpl.body',
                remedy='use the body the model was trained with',
            )
    rows = [row for row, person in enumerate(people) if person[GROUP] and person[GROUP]['transl_mm']]
    if rows:
        told = [people[row][GROUP] for row in rows]
        axis_angle = np.array([[one['global_orient'], *one['body_pose']] for one in told])
        moved = np.array([one['transl_mm'] for one in told])[:, None]
        for points, posed in zip((vertices, joints), body.posed(axis_angle, np.array([one['betas'] for one in told]))):
            points[rows] = 1000 * posed + moved
    return vertices, joints
