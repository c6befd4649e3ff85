"""The branch of the detector that regresses a body from the features of a region (thesis §5.3.2, §5.6.1).

Names, sizes and order of the layers are those of the released checkpoint, and so is the order of the six numbers of a
rotation: a 3×2 block row by row. Letters: N regions, C channels.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.model import BaseModule, kaiming_init
from torch import Tensor, nn
from torch.nn import functional as F

from das_mm.bodies.mean_parameters import columns_6d, load_mean_parameters
from das_mm.registry import MODELS
from das_mm.structures.tensor_rotations import rotation_6d_to_matrix

NUM_JOINTS, NUM_BETAS, NUM_CAMERA = 24, 10, 3
POSE_6D = 6 * NUM_JOINTS
NUM_PARAMETERS = POSE_6D + NUM_BETAS + NUM_CAMERA


class RegionBodies(NamedTuple):
    """What the branch says of N regions.

    Attributes:
        rotations: (N, 24, 3, 3), root first, in the camera frame.
        betas: (N, 10).
        camera: (N, 3), scale s and the shift (x, y) from the middle of the box in its longer sides.
    """

    rotations: Tensor
    betas: Tensor
    camera: Tensor


@MODELS.register_module()
class SMPLRoIHead(BaseModule):
    """Four convolutions with batch norm, the mean of their map, and three rounds that correct one estimate.

    A round sees the 256 features, the pose (144), the betas (10) and the camera (3); ReLU and dropout follow both
    hidden layers, and what ``dec`` says is added. The first estimate is the mean body before the camera.

    Its numbers are the buffers ``init_contrep``, ``init_shape`` and ``init_cam`` and lie in checkpoints. The released
    ones must be kept as they are: the authors' code took columns 0 and 2 of each mean rotation where it decodes columns
    0 and 1, so that its first estimate is 90° off at every joint, and its weights have learnt to begin there. A
    training of one's own begins at the mean body.

    Args:
        in_channels: C of the regions' features.
        num_convs, conv_channels: Of the convolutions; the last one has stride 2.
        hidden_channels: Of ``fc1`` and ``fc2``.
        num_iterations: Rounds.
        dropout: Probability.
        mean_params: ``smpl_mean_params.npz`` of SPIN; None takes the stand-in.
    """

    init_contrep: Tensor  # (144,)
    init_shape: Tensor  # (10,)
    init_cam: Tensor  # (3,)

    def __init__(
        self,
        in_channels: int = 256,
        num_convs: int = 4,
        conv_channels: int = 256,
        hidden_channels: int = 1024,
        num_iterations: int = 3,
        dropout: float = 0.5,
        mean_params: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.num_iterations = num_iterations
        widths = [in_channels, *[conv_channels] * num_convs]
        self.convs = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, stride=2 if number == num_convs - 1 else 1, padding=1),
                nn.BatchNorm2d(outputs),
            )
            for number, (inputs, outputs) in enumerate(zip(widths, widths[1:]))
        )
        self.fc1 = nn.Linear(conv_channels + NUM_PARAMETERS, hidden_channels)
        self.drop1 = nn.Dropout(dropout)
        self.fc2 = nn.Linear(hidden_channels, hidden_channels)
        self.drop2 = nn.Dropout(dropout)
        self.dec = nn.Linear(hidden_channels, NUM_PARAMETERS)
        mean = load_mean_parameters(mean_params)
        for name, values in (('contrep', mean.pose_interleaved), ('shape', mean.shape), ('cam', mean.cam)):
            self.register_buffer(f'init_{name}', torch.tensor(values).reshape(-1))

    def init_weights(self) -> None:
        """Xavier's, a tenth of it for what is added to the estimate; the convolutions as mmcv's ``kaiming_init``."""
        super().init_weights()
        for layer, gain in ((self.fc1, 1.0), (self.fc2, 1.0), (self.dec, 0.1)):
            nn.init.xavier_uniform_(layer.weight, gain=gain)
            nn.init.zeros_(layer.bias)
        for conv, norm in self.convs:
            kaiming_init(conv)
            nn.init.ones_(norm.weight)
            nn.init.zeros_(norm.bias)

    def forward(self, features: Tensor) -> RegionBodies:
        """Features of the regions (N, C, 14, 14) to bodies."""
        for conv in self.convs:
            features = F.relu(conv(features))
        pooled = features.mean((2, 3))
        estimate = torch.cat([self.init_contrep, self.init_shape, self.init_cam]).expand(len(pooled), -1)
        for _ in range(self.num_iterations):
            hidden = self.drop1(F.relu(self.fc1(torch.cat([pooled, estimate], dim=1))))
            hidden = self.drop2(F.relu(self.fc2(hidden)))
            estimate = estimate + self.dec(hidden)
        pose, betas, camera = estimate.split([POSE_6D, NUM_BETAS, NUM_CAMERA], dim=1)
        rotations = rotation_6d_to_matrix(columns_6d(pose.reshape(-1, NUM_JOINTS, 6)))
        return RegionBodies(rotations, betas, camera)
