"""The regressor of SPIN: iterative error feedback, as HMR has it (thesis §3.3.2).

Names, sizes and order of the layers are those of the released checkpoint. Letters: B people, C channels.
"""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from das_mm.bodies.mean_parameters import load_mean_parameters
from das_mm.models.pose_estimators.crop_bodies import RegressedBody
from das_mm.registry import MODELS
from das_mm.structures.tensor_rotations import rotation_6d_to_matrix

NUM_JOINTS, NUM_BETAS, NUM_CAMERA = 24, 10, 3
POSE_6D = 6 * NUM_JOINTS
_NUM_PARAMETERS = POSE_6D + NUM_BETAS + NUM_CAMERA


@MODELS.register_module()
class IEFHead(BaseModule):
    """Three rounds of two linear layers that correct a running estimate of pose, shape and camera.

    ``fc1`` sees the feature, the pose (144), the betas (10) and the camera (3); dropout follows ``fc1`` and ``fc2``,
    and, as released, no activation. What the decoders say is added to the estimate, which begins at the mean
    parameters.

    Args:
        in_channels: C of the feature.
        feature_norm: Bring each person's features to mean 0 and variance 1 first, for backbones whose last map is not
            normalised: the camera would begin far behind the image. Released: no.
        hidden_channels: Of ``fc1`` and ``fc2``.
        num_iterations: Rounds.
        dropout: Probability.
        mean_params: ``smpl_mean_params.npz`` of SPIN; None takes the stand-in. A checkpoint that is loaded brings its
            own.
    """

    init_pose: Tensor  # (1, 144), of each rotation one column after the other
    init_shape: Tensor  # (1, 10)
    init_cam: Tensor  # (1, 3)

    def __init__(
        self,
        in_channels: int = 2048,
        feature_norm: bool = False,
        hidden_channels: int = 1024,
        num_iterations: int = 3,
        dropout: float = 0.5,
        mean_params: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.in_channels, self.num_iterations = in_channels, num_iterations
        self.feature_norm = feature_norm
        self.fc1 = nn.Linear(in_channels + _NUM_PARAMETERS, hidden_channels)
        self.drop1 = nn.Dropout(dropout)
        self.fc2 = nn.Linear(hidden_channels, hidden_channels)
        self.drop2 = nn.Dropout(dropout)
        self.decpose = nn.Linear(hidden_channels, POSE_6D)
        self.decshape = nn.Linear(hidden_channels, NUM_BETAS)
        self.deccam = nn.Linear(hidden_channels, NUM_CAMERA)
        for decoder in (self.decpose, self.decshape, self.deccam):
            nn.init.xavier_uniform_(decoder.weight, gain=0.01)
        mean = load_mean_parameters(mean_params)
        for name, values in (('pose', mean.pose), ('shape', mean.shape), ('cam', mean.cam)):
            self.register_buffer(f'init_{name}', torch.tensor(values).reshape(1, -1))

    def forward(self, features: Tensor) -> RegressedBody:
        """A map (B, C, H, W), averaged over its places, to bodies; rotations by Gram and Schmidt.

        Raises:
            ValueError: Another shape.
        """
        if features.ndim != 4 or features.shape[1] != self.in_channels:
            raise ValueError(f'expected a map (B, {self.in_channels}, H, W), got {tuple(features.shape)}')
        feature = features.mean((2, 3))
        if self.feature_norm:
            feature = F.layer_norm(feature, feature.shape[1:])
        starts = (self.init_pose, self.init_shape, self.init_cam)
        pose, betas, camera = (start.expand(len(feature), -1) for start in starts)
        for _ in range(self.num_iterations):
            hidden = self.drop1(self.fc1(torch.cat([feature, pose, betas, camera], dim=1)))
            hidden = self.drop2(self.fc2(hidden))
            pose = pose + self.decpose(hidden)
            betas = betas + self.decshape(hidden)
            camera = camera + self.deccam(hidden)
        return RegressedBody(rotation_6d_to_matrix(pose.reshape(-1, NUM_JOINTS, 6)), betas, camera)
