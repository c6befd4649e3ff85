"""Labels of packed crops as the targets of a batch."""

from __future__ import annotations

import torch
from mmpose.utils.typing import SampleList
from torch import Tensor

from das_mm.models.body_models.protocol import BodyModelProtocol

from .mesh_losses import MeshTargets


@torch.no_grad()
def read_targets(data_samples: SampleList, body: BodyModelProtocol, device: torch.device | str) -> MeshTargets:
    """Stacks the labels that :class:`.PackPersonInputs` packs, and poses the labelled bodies.

    Args:
        data_samples: Crops whose keypoints are of ``gt24``.
        body: The body of the labels.
        device: Of the targets.
    """

    def column(name: str) -> Tensor:
        return torch.cat([sample.gt_instance_labels[name] for sample in data_samples]).to(device)

    has_smpl, rotations, betas = column('has_smpl').bool(), column('smpl_rotations'), column('smpl_betas')
    vertices = torch.zeros(len(betas), body.num_vertices, 3, device=device)
    vertices[has_smpl] = body(rotations[has_smpl, 0], rotations[has_smpl, 1:], betas[has_smpl]).vertices
    return MeshTargets(
        keypoints_2d=column('keypoints_2d'),
        keypoints_3d=column('keypoints_3d'),
        rotations=rotations,
        betas=betas,
        vertices=vertices,
        has_smpl=has_smpl,
        has_pose_3d=column('has_pose_3d').bool(),
    )
