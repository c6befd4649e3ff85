"""Networks that give SMPL parameters: from a mesh (thesis §2.3.3, Figures 15 and 16) or straight from an image.

Letters: B images, N points of the subsampled mesh.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from das_mm.bodies.skeleton import PARENTS
from das_mm.registry import MODELS

from .body_mesh import BodyMesh
from .rotation_projection import project_to_rotation

NUM_BETAS = 10
_NUM_ROTATIONS = len(PARENTS)
_OUTPUTS = _NUM_ROTATIONS * 9 + NUM_BETAS  # 226


class FCBlock(nn.Module):
    """Linear, batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.fc_block = nn.Sequential(nn.Linear(in_channels, out_channels), nn.BatchNorm1d(out_channels), nn.ReLU())

    def forward(self, features: Tensor) -> Tensor:
        return self.fc_block(features)


class FCResBlock(nn.Module):
    """Fully connected residual block (Figure 15): the last ReLU follows the sum."""

    def __init__(self, channels: int):
        super().__init__()
        self.fc_block = nn.Sequential(
            nn.Linear(channels, channels),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
            nn.Linear(channels, channels),
            nn.BatchNorm1d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        return (features + self.fc_block(features)).relu()


class _ParameterMLP(nn.Module):
    """Inputs (B, in) -> ``extra`` further numbers behind rotations (B, 24, 3, 3) and betas (B, 10).

    Args:
        in_channels: Of the input.
        hidden_channels, num_blocks: Of the residual blocks.
        determinant: See :func:`.project_to_rotation`.
        extra: Outputs beside the parameters.
    """

    def __init__(self, in_channels: int, hidden_channels: int, num_blocks: int, determinant: str, extra: int = 0):
        super().__init__()
        self.layers = nn.Sequential(
            FCBlock(in_channels, hidden_channels),
            *(FCResBlock(hidden_channels) for _ in range(num_blocks)),
            nn.Linear(hidden_channels, _OUTPUTS + extra),
        )
        self.determinant, self.extra = determinant, extra

    def _parameters_of(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rotations, betas, extra = self.layers(inputs).split([_NUM_ROTATIONS * 9, NUM_BETAS, self.extra], dim=1)
        matrices = rotations.unflatten(1, (_NUM_ROTATIONS, 3, 3))  # row by row
        return project_to_rotation(matrices, self.determinant), betas, extra


@MODELS.register_module()
class SMPLParamRegressor(_ParameterMLP):
    """SMPL parameters from a predicted mesh; sub-modules are named as released.

    Args:
        mesh: The mesh (given by the head).
        hidden_channels: 1024.
        num_blocks: Residual blocks, 2.
        determinant: 'right'; 'official' for outputs of released weights as the released code computes them.
    """

    template: Tensor

    def __init__(self, mesh: BodyMesh, hidden_channels: int = 1024, num_blocks: int = 2, determinant: str = 'right'):
        super().__init__(2 * 3 * mesh.num_points, hidden_channels, num_blocks, determinant)
        self.register_buffer('template', torch.tensor(mesh.template, dtype=torch.float32), persistent=False)

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Points (B, N, 3) m -> rotations (B, 24, 3, 3) and betas (B, 10).

        Each point stands beside its template: the input of a point is (x, y, z, template x, y, z).
        """
        beside = torch.cat([points, self.template.expand_as(points)], dim=2)
        rotations, betas, _ = self._parameters_of(beside.flatten(1))
        return rotations, betas


@MODELS.register_module()
class DirectSMPLRegressor(_ParameterMLP):
    """Baseline of Table 1, SMPL Parameter Regression: parameters and camera from the image features in one shot.

    The paper quotes HMR, which regresses axis-angles in a loop; here the same MLP and rotations as of
    :class:`SMPLParamRegressor`, so that the target of the regression is the only difference.

    Args:
        feature_channels: C.
        hidden_channels, num_blocks, determinant: As there.
    """

    def __init__(
        self, feature_channels: int = 2048, hidden_channels: int = 1024, num_blocks: int = 2, determinant: str = 'right'
    ):
        super().__init__(feature_channels, hidden_channels, num_blocks, determinant, extra=3)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, C) -> rotations (B, 24, 3, 3), betas (B, 10) and camera (B, 3)."""
        return self._parameters_of(features)
