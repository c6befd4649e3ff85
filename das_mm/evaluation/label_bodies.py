"""Do SMPL labels belong to a body? They do where the body, posed by them, has its keypoints where the labels have them.

Shape parameters mean something else for every body model: numbers that were fitted to SMPL give another person with the
generated body, and the other way round, and neither the losses nor the errors of a mesh would say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from das_mm.errors import UserError
from das_mm.models.body_models import SMPLBody
from das_mm.structures.keypoint_sets import get_keypoint_set
from das_mm.structures.tensor_rotations import axis_angle_to_matrix

_LOOKED_AT, _PEOPLE = 64, 32  # images and people of a data set
_EXACT_MM = 8.0  # labels of the generated body are exact but for their rounding; a third of what a wrong shape makes
_STRANGE_MM = 150.0  # real keypoints are where markers or annotators had them, and people of one gender another's


def check_label_bodies(dataset: Any, bodies: dict[str, Any]) -> None:
    """Compare the SMPL labels of a data set with the bodies that are to be posed by them.

    Args:
        dataset: A :class:`DASDataset`, or mmengine's wrappers of several; others are passed over.
        bodies: What uses it ("the model", "MeshMetric") -> its body.

    Raises:
        UserError: Labels and a body do not fit.
    """
    for one in _sources(dataset):
        people = _labelled_people(one)
        if people is None or not bodies:
            continue
        ours = [SMPLBody(gender=gender) for gender in ('neutral', 'male', 'female')]
        # the body of somebody's gender has exactly the labelled keypoints
        generated = np.median(np.min([_errors_mm(body, people) for body in ours], axis=0)) < _EXACT_MM
        for user, body in bodies.items():
            if any(torch.allclose(body.v_template.cpu(), our.v_template, atol=1e-4) for our in ours):
                if generated:
                    continue
                problem = f'its SMPL labels are not of the generated body, which {user} poses by them'
                remedy = 'name the licensed SMPL file: --cfg-options smpl_path=FILE, or body.model_path in the config'
            elif generated:
                problem = f'its SMPL labels are of the generated body, and {user} has {body.source}'
                remedy = 'leave model_path out for synthetic people, or give data with labels of that body'
            else:
                error_mm = np.median(_errors_mm(body, people))
                if error_mm <= _STRANGE_MM:
                    continue
                problem = f'the body of {user}, posed by its SMPL labels, is {error_mm:.0f} mm off its keypoints'
                remedy = 'convert the data set again; its SMPL file and its annotations belong to different data'
            raise UserError(problem, file=one.ann_file, field='info.smpl_file', remedy=remedy)


def _sources(dataset: Any) -> Iterator[Any]:
    """The data sets inside of wrappers."""
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if inner[0] is None:
        if hasattr(dataset, 'ann_file') and hasattr(dataset, 'get_data_info'):
            yield dataset
        return
    for one in inner:
        yield from _sources(one)


def _labelled_people(dataset: Any) -> dict[str, Any] | None:
    """People with SMPL and known keypoints in 3D: ``pose`` (n, 24, 3) rad, ``betas`` (n, 10), ``points_mm`` (n, K, 3)
    in camera space, ``known`` (n, K), ``names`` (K); None where there are none.
    """
    if 'has_smpl' not in dataset.get_data_info(0):
        return None
    names = get_keypoint_set(dataset.keypoint_set.name).keypoints
    found: dict[str, list] = dict(pose=[], betas=[], points_mm=[], known=[])
    for row in np.unique(np.linspace(0, len(dataset) - 1, _LOOKED_AT).astype(int)):
        record = dataset.get_data_info(int(row))
        known = record['keypoints_3d_valid'].astype(bool)
        for person in np.flatnonzero(record['has_smpl'].astype(bool) & (known.sum(1) >= len(names) // 2)):
            turns = [record['smpl_global_orient'][person][None], record['smpl_body_pose'][person]]
            found['pose'].append(np.concatenate(turns))
            found['betas'].append(record['smpl_betas'][person])
            found['points_mm'].append(record['keypoints_3d'][person])
            found['known'].append(known[person])
    if not found['pose']:
        return None
    return {**{name: np.stack(column[:_PEOPLE]) for name, column in found.items()}, 'names': names}


@torch.no_grad()
def _errors_mm(body: Any, people: dict[str, Any]) -> np.ndarray:
    """(n,) mean distance of a body's keypoints to the labelled ones, both about their middle."""
    layer = body.keypoint_layer(people['names'])
    turns = axis_angle_to_matrix(torch.as_tensor(people['pose'], dtype=torch.float32))
    betas = torch.as_tensor(people['betas'][:, : body.num_betas], dtype=torch.float32)
    device = body.faces.device
    posed_mm = 1000 * layer(turns[:, 0].to(device), turns[:, 1:].to(device), betas.to(device)).cpu().numpy()
    known = people['known'][..., None].astype(np.float64)
    count = known.sum(1, keepdims=True)
    away = (posed_mm - people['points_mm']) * known
    away = (away - away.sum(1, keepdims=True) / count) * known
    return np.linalg.norm(away, axis=-1).sum(1) / count[:, 0, 0]
