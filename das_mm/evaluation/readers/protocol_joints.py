"""The joints by which one person a crop is measured, out of meshes and labels. Letters: n samples, V vertices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from das_mm.errors import UserError
from das_mm.models.body_models import SuperJoints
from das_mm.structures import KEYPOINT_SETS, convert_indices, get_keypoint_set
from das_mm.structures.arrays import to_numpy

from .sample_reader import as_dict

#: name of a protocol -> what its regressor gives of a mesh, and which of that it measures. Human3.6M's regressor
#: (GraphCMR, SPIN), or ProHMR's J19, whose pelvis is MPII's and whose head on MPI-INF-3DHP is the head's top
PROTOCOLS = {
    'j14': ('h36m17_left', 'j14'),
    'j17': ('h36m17_left', 'j17'),
    'prohmr14': ('prohmr44', 'j14'),
    'prohmr17': ('prohmr44', 'j17'),
    'prohmr17_top': ('prohmr44', 'j17_top'),
}


class ProtocolJoints:
    """J joints about the pelvis, mm.

    Args:
        body: Of the meshes.
        protocol: Out of :data:`PROTOCOLS`.
    """

    def __init__(self, body: Any, protocol: str) -> None:
        source, self.joints = PROTOCOLS[protocol]
        self.num_joints = KEYPOINT_SETS[self.joints].num_keypoints
        self.regressor = SuperJoints(body, source)
        self.chosen = convert_indices(source, self.joints)
        self.pelvis = KEYPOINT_SETS[source].index('pelvis')

    @torch.no_grad()
    def of_meshes(self, vertices_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Joints (n, J, 3) about the pelvis and the pelvis (n, 3), mm, of meshes (n, V, 3) m."""
        points = 1e3 * self.regressor(torch.from_numpy(vertices_m).float()).double().numpy()
        return self.of_points(points), points[:, self.pelvis]

    def of_points(self, points: np.ndarray) -> np.ndarray:
        """Joints (*, J, 3) about the pelvis out of all that the regressor gives (*, K, 3), in their unit."""
        return points[..., self.chosen, :] - points[..., self.pelvis, None, :]

    def of_labels(
        self, samples: Sequence[Mapping], keypoint_set: str, field: str = 'keypoints_3d'
    ) -> tuple[np.ndarray, np.ndarray]:
        """Labelled joints (n, J, 3) mm about the labelled pelvis, and which are known (n, J).

        Args:
            samples: With ``gt_instances`` of one person each.
            keypoint_set: Of their labels.
            field: Of ``gt_instances``.

        Raises:
            UserError: A sample has no such labels.
        """
        source = get_keypoint_set(keypoint_set)
        table, pelvis = convert_indices(source, self.joints), source.root_sources
        points, known = [], []
        for sample in samples:
            truth = as_dict(sample.get('gt_instances') or {})
            if truth.get(field) is None or truth.get('keypoints_3d_valid') is None:
                raise UserError(
                    f'{sample.get("img_path")} has no {field}',
                    field=f'gt_instances.{field}',
                    remedy="pack it with PackPersonInputs, or measure by meshes: truth='mesh'",
                )
            place = to_numpy(truth[field], np.float64)[0]
            valid = to_numpy(truth['keypoints_3d_valid'], np.float64)[0] > 0
            known.append(valid[table] & (table >= 0) & valid[list(pelvis)].all())
            points.append(place[table] - place[list(pelvis)].mean(0))
        return np.stack(points), np.stack(known)
