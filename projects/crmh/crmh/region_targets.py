"""What each positive proposal is taught: the labels of the person whom it was assigned to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from das_mm.models.body_models.protocol import BodyModelProtocol

from .scene_labels import SceneLabels
from .scene_roi_head import PositiveRegions


class RegionTargets(NamedTuple):
    """Labels of P proposals, as :class:`.SceneLabels` has them of people.

    Attributes:
        keypoints_2d, keypoints_3d: (P, 24, 3) and (P, 24, 4).
        rotations, betas: (P, 24, 3, 3) and (P, 10), read where ``has_smpl`` (P,).
        vertices: (P, V, 3) m of the bodies, zeros where there are none.
    """

    keypoints_2d: Tensor
    keypoints_3d: Tensor
    rotations: Tensor
    betas: Tensor
    has_smpl: Tensor
    vertices: Tensor

    def select(self, rows: Tensor) -> RegionTargets:
        return RegionTargets(*(column[rows] for column in self))


@torch.no_grad()
def region_targets(
    labels: Sequence[SceneLabels], regions: PositiveRegions, body: BodyModelProtocol, with_vertices: bool
) -> RegionTargets:
    """Of the labels of a batch's images; bodies are posed once a person, not once a proposal."""
    counts = torch.tensor([0, *(len(one.people) for one in labels)]).cumsum(0).to(regions.image)
    row = counts[regions.image] + regions.person  # among the people of the batch
    names = ('keypoints_2d', 'keypoints_3d', 'rotations', 'betas', 'has_smpl')
    columns = [torch.cat([one.people[name] for one in labels]) for name in names]
    rotations, betas, has_smpl = columns[2:]
    vertices = rotations.new_zeros(len(rotations), body.num_vertices if with_vertices else 0, 3)
    if with_vertices and has_smpl.any():
        vertices[has_smpl] = body(rotations[has_smpl, 0], rotations[has_smpl, 1:], betas[has_smpl]).vertices
    return RegionTargets(*(column[row] for column in (*columns, vertices)))
