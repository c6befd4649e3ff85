"""Surfaces of the people of a result: computed when they are wanted, for a result holds the parameters only.

So a file of results stays small, and smoothed, re-read and re-solved results have their surfaces too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from das_mm.errors import UserError
from das_mm.models.body_models.protocol import BodyModelProtocol
from das_mm.structures.tensor_rotations import axis_angle_to_matrix


def body_name(body: BodyModelProtocol) -> str:
    """What results call a body: 'generated', or the sha256 of its file."""
    return 'generated' if body.source == 'generated' else body.sha256


@torch.no_grad()
def mesh_vertices(result: Mapping[str, Any], body: BodyModelProtocol) -> np.ndarray:
    """The surfaces of the people of a result.

    Args:
        result: Of a model of meshes; see :mod:`.results`.
        body: The body it was made with, such as ``SMPLBody()``; ``body.faces`` are the triangles.

    Returns:
        (n, V, 3) float32 mm, camera frame; NaN for people without a mesh or without a place.

    Raises:
        UserError: The result tells no meshes, or those of another body.

    Example::

        found = next(read_results('out/predictions/street.json'))
        vertices = mesh_vertices(found, SMPLBody())
    """
    people = result['people']
    vertices = np.full((len(people), body.num_vertices, 3), np.nan, dtype=np.float32)
    for person in people:
        if 'smpl' not in person:
            raise UserError(
                'the result tells no meshes',
                file=result['image']['file'],
                field='people.smpl',
                remedy='use a model with a mesh branch',
            )
        if person['smpl'] is not None and person['smpl']['body'] != body_name(body):
            raise UserError(
                f'the meshes are of the body {person["smpl"]["body"]}, not of {body_name(body)}',
                file=result['image']['file'],
                field='people.smpl.body',
                remedy='use the body the model was trained with',
            )
    rows = [row for row, person in enumerate(people) if person['smpl'] and person['smpl']['transl_mm']]
    if rows:
        smpl = [people[row]['smpl'] for row in rows]
        column = lambda name: torch.tensor([one[name] for one in smpl]).float().to(body.faces.device)
        turns = axis_angle_to_matrix(torch.cat([column('global_orient')[:, None], column('body_pose')], dim=1))
        posed = body(turns[:, 0], turns[:, 1:], column('betas')).vertices.cpu().numpy()
        vertices[rows] = 1000 * posed + np.array([one['transl_mm'] for one in smpl])[:, None]
    return vertices
