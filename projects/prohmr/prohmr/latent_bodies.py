"""Poses as functions of latent vectors, the images held fixed: what is moved when bodies are fitted."""

from __future__ import annotations

import torch
from torch import Tensor

from das_mm.structures.tensor_rotations import rotation_6d_to_matrix

from .smpl_flow_head import NUM_JOINTS, POSE_6D, SMPLFlowHead


class LatentBodies:
    """The distributions of B people's poses.

    Args:
        head: In evaluation mode: dropout or the statistics of a batch would make the energy another one every time.
        context: (B, C) of the head, detached.

    Raises:
        ValueError: The head is in training mode.
    """

    num_features = POSE_6D

    def __init__(self, head: SMPLFlowHead, context: Tensor) -> None:
        if head.training:
            raise ValueError('bodies are fitted with a head in evaluation mode')
        # out of inference mode, or no gradient could pass
        self.head, self.context = head, context.detach().clone()

    def rotations(self, latents: Tensor, rows: Tensor) -> Tensor:
        """(n, 144) of the people of some rows (n,) to (n, 24, 3, 3), root first, in the frames of their crops."""
        with torch.autocast(latents.device.type, enabled=False):
            pose_6d, _, _ = self.head.flow.sample_and_log_prob(context=self.context[rows], noise=latents[:, None])
            return rotation_6d_to_matrix(pose_6d[:, 0].unflatten(-1, (NUM_JOINTS, 6)))
