"""ProSkeleton's head: the density of a pose in space for what the encoder says of the keypoints.

Letters: B people, S samples, 48 numbers of a pose (16 joints, m, about the pelvis), C context.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor

from das_mm.models.flows import ConditionalGlow
from das_mm.registry import MODELS

from .skeleton_joints import OUTPUT_JOINTS


class SampledPoses(NamedTuple):
    """Of B people.

    Attributes:
        points: (B, S, 16, 3) m about the pelvis.
        log_prob: (B, S).
        latents: (B, S, 48).
    """

    points: Tensor
    log_prob: Tensor
    latents: Tensor


@MODELS.register_module()
class SkeletonFlow(BaseModule):
    """A conditional flow whose Jacobian does not depend on the latent: z = 0 is the mode.

    Args:
        context_channels: C.
        hidden_channels, num_layers, blocks_per_layer, dropout: Of :class:`.ConditionalGlow`.
        init_cfg: Of mmengine's BaseModule.
    """

    def __init__(
        self,
        context_channels: int = 1024,
        hidden_channels: int = 1024,
        num_layers: int = 4,
        blocks_per_layer: int = 2,
        dropout: float = 0.5,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_features = 3 * len(OUTPUT_JOINTS)
        self.flow = ConditionalGlow(
            self.num_features, hidden_channels, num_layers, blocks_per_layer, context_channels, dropout
        )

    @torch.no_grad()
    def initialise(self, points: Tensor, context: Tensor) -> None:
        """Start the normalisations from labelled poses (B, 16, 3) m; in training mode, before anything is sampled."""
        self.log_prob(points[:, None], context)

    def log_prob(self, points: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """log p (B, S) and latents (B, S, 48) of poses (B, S, 16, 3) m under contexts (B, C)."""
        flat = points.flatten(2)
        log_prob, latents = self.flow.log_prob(flat.flatten(0, 1), context)
        return log_prob.view(flat.shape[:2]), latents.view(flat.shape)

    def decode(self, latents: Tensor, context: Tensor) -> SampledPoses:
        """The poses of latents (B, S, 48), any S."""
        flat, log_prob, latents = self.flow.sample_and_log_prob(context=context, noise=latents)
        return SampledPoses(flat.unflatten(-1, (-1, 3)), log_prob, latents)

    def mode(self, context: Tensor) -> SampledPoses:
        """The most likely pose, S = 1."""
        return self.decode(context.new_zeros(len(context), 1, self.num_features), context)

    def sample(self, num: int, context: Tensor, generator: torch.Generator | None = None) -> SampledPoses:
        """Random poses, S = ``num``."""
        flat, log_prob, latents = self.flow.sample_and_log_prob(num, context=context, generator=generator)
        return SampledPoses(flat.unflatten(-1, (-1, 3)), log_prob, latents)
