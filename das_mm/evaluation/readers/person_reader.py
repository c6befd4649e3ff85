"""Meshes of one person a sample, predicted and true. Letters: n samples, V vertices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from das_mm.bodies.posable_body import PosableBody
from das_mm.errors import UserError
from das_mm.structures.arrays import to_numpy

from .mesh_reader import read_predicted_bodies, read_true_bodies
from .sample_reader import as_dict

#: of ``pred_instances``: a mesh that no parameters stand behind, (1, V, 3) m, untranslated
VERTICES = 'mesh_vertices_m'


def predicted_meshes(samples: Sequence[Mapping], body: PosableBody) -> np.ndarray:
    """(n, V, 3) m, untranslated, of samples with one prediction each: their vertices, or posed by their parameters; NaN
    where there is no prediction.

    Raises:
        UserError: A sample has neither, or a mesh of another topology.
    """
    meshes = np.zeros((len(samples), body.num_vertices, 3))
    posed, pose, betas = [], [], []
    for n, sample in enumerate(samples):
        found = as_dict(sample.get('pred_instances') or {})
        vertices = found.get(VERTICES)
        if any(len(value) == 0 for value in (vertices, found.get('smpl_betas')) if value is not None):
            meshes[n] = np.nan  # nobody was found
            continue
        if vertices is None:
            person = read_predicted_bodies(sample, 1)
            posed.append(n)
            pose.append(np.concatenate([person.global_orient[0][None], person.body_pose[0]]))
            betas.append(person.betas[0])
            continue
        vertices = to_numpy(vertices, np.float64)
        if vertices.shape != (1, body.num_vertices, 3):
            raise UserError(
                f'{sample.get("img_path")} has a mesh of the shape {vertices.shape}, not {(1, body.num_vertices, 3)}',
                field=f'pred_instances.{VERTICES}',
                remedy='measure with the body that the network predicts (`body_model`)',
            )
        meshes[n] = vertices[0]
    if posed:
        meshes[posed] = body.posed(np.stack(pose), np.stack(betas))[0]
    return meshes


def true_meshes(
    samples: Sequence[Mapping], body: PosableBody, of_gender: Mapping[str, PosableBody]
) -> tuple[np.ndarray, np.ndarray]:
    """(n, V, 3) m, untranslated, zeros without SMPL truth, and who has it (n,).

    Args:
        samples: With one true person each.
        body: For people of genders that ``of_gender`` has not.
        of_gender: 'm', 'f' -> body.
    """
    meshes, known = np.zeros((len(samples), body.num_vertices, 3)), np.zeros(len(samples), bool)
    rows: dict[str, list[int]] = {}
    people = {}
    for n, sample in enumerate(samples):
        person, has_smpl, genders = read_true_bodies(sample, 1)
        if has_smpl[0]:
            known[n], people[n] = True, person
            rows.setdefault(genders[0] if genders[0] in of_gender else '', []).append(n)
    for gender, chosen in rows.items():
        pose = [np.concatenate([people[n].global_orient[0][None], people[n].body_pose[0]]) for n in chosen]
        betas = np.stack([people[n].betas[0] for n in chosen])
        meshes[chosen] = of_gender.get(gender, body).posed(np.stack(pose), betas)[0]
    return meshes, known
