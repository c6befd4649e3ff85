"""Tells poses and shapes of bodies that somebody took from those that a network regressed.

Kanazawa et al., "End-to-end Recovery of Human Shape and Pose", CVPR 2018, §3.3; the names of the parameters are those
of ProHMR's released checkpoint. Letters: N bodies, J joints without the root.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from das_mm.registry import MODELS

#: of the convolutions, which all joints share
_CHANNELS = 32


@MODELS.register_module()
class BodyPoseDiscriminator(BaseModule):
    """J + 2 scores of a body: one for each joint's rotation, one for the betas and one for all joints together.

    ProHMR's by default. CRMH's is ``betas_hidden=(5,), relu_between=False, betas_last=True``: its
    ``pose_discriminator.conv_blocks.conv_0`` and ``conv_1`` are ``D_conv1`` and ``D_conv2``, ``fc_layer.<j>`` is
    ``pose_out.<j>``, ``full_pose_discriminator.fc_blocks.regressor_fc_<0, 1, 2>`` are ``D_alljoints_fc1``, ``_fc2`` and
    ``_out``, and ``shape_discriminator.fc_blocks.regressor_fc_<0, 1>`` are ``betas_fc1`` and ``betas_out``.

    Args:
        num_joints: J.
        num_betas: Shape coefficients.
        betas_hidden: Widths of the hidden layers on the betas.
        joints_hidden: Width of the two hidden layers on all joints.
        relu_between: There is a ReLU after each of the two convolutions; or after none of them.
        betas_last: The betas' score is the last one; or the one before it.

    Example:
        >>> BodyPoseDiscriminator()(torch.eye(3).expand(2, 23, 3, 3), torch.zeros(2, 10)).shape
        torch.Size([2, 25])
    """

    def __init__(
        self,
        num_joints: int = 23,
        num_betas: int = 10,
        betas_hidden: Sequence[int] = (10, 5),
        joints_hidden: int = 1024,
        relu_between: bool = True,
        betas_last: bool = False,
    ) -> None:
        super().__init__()
        self.num_joints, self.relu_between, self.betas_last = num_joints, relu_between, betas_last
        self.D_conv1 = nn.Conv2d(9, _CHANNELS, 1)
        self.D_conv2 = nn.Conv2d(_CHANNELS, _CHANNELS, 1)
        self.pose_out = nn.ModuleList(nn.Linear(_CHANNELS, 1) for _ in range(num_joints))
        widths = [num_betas, *betas_hidden]
        for number, (inputs, outputs) in enumerate(zip(widths, widths[1:]), 1):
            self.add_module(f'betas_fc{number}', nn.Linear(inputs, outputs))
        self.num_betas_hidden = len(betas_hidden)
        self.betas_out = nn.Linear(widths[-1], 1)
        self.D_alljoints_fc1 = nn.Linear(_CHANNELS * num_joints, joints_hidden)
        self.D_alljoints_fc2 = nn.Linear(joints_hidden, joints_hidden)
        self.D_alljoints_out = nn.Linear(joints_hidden, 1)
        for layer in self.modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d)) and layer.bias is not None:
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, body_rotations: Tensor, betas: Tensor) -> Tensor:
        """
        Args:
            body_rotations: (N, J, 3, 3) of the joints against their parents, without the root; or (N, J * 9) row by
                row.
            betas: (N, num_betas).

        Returns:
            (N, J + 2), near 1 for a body that somebody took.
        """
        rotations = body_rotations.reshape(-1, self.num_joints, 1, 9).permute(0, 3, 1, 2)  # (N, 9, J, 1)
        features = self._activated(self.D_conv1(rotations))
        features = self._activated(self.D_conv2(features))
        joints = [head(features[:, :, joint, 0]) for joint, head in enumerate(self.pose_out)]
        # channels first: joint j's channel c is number 23·c + j of the 736
        together = F.relu(self.D_alljoints_fc1(features.flatten(1)))
        together = self.D_alljoints_out(F.relu(self.D_alljoints_fc2(together)))
        for number in range(1, self.num_betas_hidden + 1):
            betas = F.relu(self.get_submodule(f'betas_fc{number}')(betas))
        shape = self.betas_out(betas)
        return torch.cat([*joints, *((together, shape) if self.betas_last else (shape, together))], dim=1)

    def _activated(self, features: Tensor) -> Tensor:
        return F.relu(features) if self.relu_between else features
