"""ProHMR's head: a distribution of poses, and one shape and camera, given the feature of a crop (thesis §4.3).

Names and sizes are those of the released checkpoint's ``flow.``. Letters: B people, S samples of each, C channels.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from das_mm.bodies.mean_parameters import load_mean_parameters
from das_mm.models.flows import ConditionalGlow
from das_mm.models.pose_estimators.crop_bodies import RegressedBody
from das_mm.registry import MODELS
from das_mm.structures.tensor_rotations import rotation_6d_to_matrix

NUM_JOINTS, NUM_BETAS, NUM_CAMERA = 24, 10, 3
#: dimensions of a pose: two columns of each rotation one after the other, root first
POSE_6D = 6 * NUM_JOINTS


class BodySamples(NamedTuple):
    """S bodies of each of B people.

    Attributes:
        rotations: (B, S, 24, 3, 3), in the camera frame of the crop, root first.
        betas: (B, S, 10), the same for all S.
        camera: (B, S, 3), scale s and shift (tx, ty) in metres, the same for all S.
        log_prob: (B, S) of the six numbers of the rotations.
        z: (B, S, 144) where they lie in the latent space.
        pose_6d: (B, S, 144) before they were made rotations.
    """

    rotations: Tensor
    betas: Tensor
    camera: Tensor
    log_prob: Tensor
    z: Tensor
    pose_6d: Tensor

    def joined(self, other: BodySamples) -> BodySamples:
        """These and others of the same people behind them."""
        return BodySamples(*(torch.cat(pair, dim=1) for pair in zip(self, other)))

    def body(self, index: int = 0) -> RegressedBody:
        """One of the S; by convention the first is the mode where there is one."""
        return RegressedBody(self.rotations[:, index], self.betas[:, index], self.camera[:, index])

    def flat(self) -> tuple[Tensor, Tensor, Tensor]:
        """Root rotations (B·S, 3, 3), body rotations (B·S, 23, 3, 3) and betas (B·S, 10), people's together."""
        rotations = self.rotations.flatten(0, 1)
        return rotations[:, 0], rotations[:, 1:], self.betas.flatten(0, 1)


class ShapeCameraHead(nn.Module):
    """Betas and camera of a feature (B, C): two layers whose output is added to the mean parameters.

    Args:
        in_channels: C.
        hidden_channels: Of the layer between.
        mean_params: ``smpl_mean_params.npz``; None takes the stand-in. Only shape and camera are read.
    """

    init_betas: Tensor  # (1, 1, 10)
    init_cam: Tensor  # (1, 1, 3)

    def __init__(self, in_channels: int, hidden_channels: int, mean_params: str | Path | None) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_channels, hidden_channels), nn.ReLU(), nn.Linear(hidden_channels, NUM_BETAS + NUM_CAMERA)
        )
        nn.init.xavier_uniform_(self.layers[2].weight, gain=0.02)
        mean = load_mean_parameters(mean_params)
        self.register_buffer('init_cam', torch.tensor(mean.cam).reshape(1, 1, -1))
        self.register_buffer('init_betas', torch.tensor(mean.shape).reshape(1, 1, -1))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Betas (B, 1, 10) and camera (B, 1, 3)."""
        betas, camera = self.layers(features)[:, None].split([NUM_BETAS, NUM_CAMERA], dim=-1)
        return betas + self.init_betas, camera + self.init_cam


@MODELS.register_module()
class SMPLFlowHead(BaseModule):
    """p(θ | image) over the six numbers of all 24 rotations, and β and camera beside it.

    Everything is computed in float32, with autocast off.

    Args:
        in_channels: C of the feature.
        feature_norm: Bring each person's features to mean 0 and variance 1 first, for backbones whose last map is not
            normalised. Released: no.
        hidden_features, num_layers, blocks_per_layer, dropout: Of :class:`das_mm.models.flows.ConditionalGlow`.
        fc_channels: Of the hidden layer of betas and camera.
        mean_params: See :class:`ShapeCameraHead`; a checkpoint that is loaded brings its own.
    """

    def __init__(
        self,
        in_channels: int = 2048,
        feature_norm: bool = False,
        hidden_features: int = 1024,
        num_layers: int = 4,
        blocks_per_layer: int = 2,
        dropout: float = 0.5,
        fc_channels: int = 1024,
        mean_params: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.in_channels, self.feature_norm = in_channels, feature_norm
        self.flow = ConditionalGlow(POSE_6D, hidden_features, num_layers, blocks_per_layer, in_channels, dropout)
        self.fc_head = ShapeCameraHead(in_channels, fc_channels, mean_params)

    def context(self, feature_map: Tensor) -> Tensor:
        """A map (B, C, H, W), averaged over its places, as what poses are conditioned on: (B, C) float32.

        Raises:
            ValueError: Another shape.
        """
        if feature_map.ndim != 4 or feature_map.shape[1] != self.in_channels:
            raise ValueError(f'expected a map (B, {self.in_channels}, H, W), got {tuple(feature_map.shape)}')
        feature = feature_map.mean((2, 3)).float()
        return F.layer_norm(feature, feature.shape[1:]) if self.feature_norm else feature

    def forward(
        self,
        context: Tensor,
        num_samples: int | None = None,
        z: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> BodySamples:
        """Draws bodies, or makes those that latent vectors stand for; z = 0 is the mode.

        Args:
            context: (B, C) of :meth:`context`.
            num_samples: S, drawn for each person; with ``z`` not needed.
            z: (B, S, 144).
            generator: Of the draws.
        """
        with torch.autocast(context.device.type, enabled=False):
            context = context.float()
            pose_6d, log_prob, z = self.flow.sample_and_log_prob(
                num_samples, context=context, noise=z, generator=generator
            )
            rotations = rotation_6d_to_matrix(pose_6d.unflatten(-1, (NUM_JOINTS, 6)))
            betas, camera = (part.expand(-1, pose_6d.shape[1], -1) for part in self.fc_head(context))
            return BodySamples(rotations, betas, camera, log_prob, z, pose_6d)

    def mode(self, context: Tensor) -> BodySamples:
        """The most probable bodies, S = 1."""
        return self(context, z=context.new_zeros(len(context), 1, POSE_6D))

    def log_prob(self, pose_6d: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Log-densities (B, S) of poses (B, S, 144), and where they lie in the latent space (B, S, 144).

        Args:
            pose_6d: Two columns of each rotation one after the other, root first.
            context: (B, C) of :meth:`context`.
        """
        log_prob, z = self.flow.log_prob(pose_6d.flatten(0, 1), context)
        return log_prob.reshape(pose_6d.shape[:2]), z.reshape(pose_6d.shape)
