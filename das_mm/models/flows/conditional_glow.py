"""A conditional Glow whose Jacobian is the same everywhere: ProHMR's distribution of poses given an image.

Kolotouros et al., "Probabilistic Modeling for Human Mesh Recovery", ICCV 2021 (thesis chapter 4, §4.3.1). Because all
its steps have constant determinants, log p(x | c) = -|z|²/2 + const, and the mode is the image of z = 0.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from das_mm.errors import UserError
from das_mm.registry import MODELS

from .glow_transforms import ActNorm, AdditiveCoupling, LULinear


class GlowTransforms(nn.Module):
    """The steps one after the other; ``forward`` from data to the latent space."""

    def __init__(self, transforms: list[nn.Module]) -> None:
        super().__init__()
        self._transforms = nn.ModuleList(transforms)

    @property
    def steps(self) -> list[Any]:
        """In the order from data to the latent space."""
        return list(self._transforms)

    @property
    def log_det(self) -> Tensor:
        """log|det dz/dx|, ()."""
        return torch.stack([step.log_det for step in self.steps]).sum()

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        for step in self.steps:
            x = step(x, context)
        return x

    def inverse(self, z: Tensor, context: Tensor) -> Tensor:
        for step in reversed(self.steps):
            z = step.inverse(z, context)
        return z


@MODELS.register_module()
class ConditionalGlow(BaseModule):
    """Layers of ActNorm, LU-linear and additive coupling over a standard normal base density.

    Couplings keep the even dimensions and shift the odd ones, every other layer the other way round. All is computed in
    the precision of the parameters, float32 or better, with autocast off. In training the couplings have dropout and
    the statistics of the batch, so that ``log_prob`` and sampling are inverses of each other in evaluation alone; and
    the first rows whose ``log_prob`` is asked for set the ActNorms.

    Args:
        features: D, dimensions of the space.
        hidden_features: Width of the couplings' networks.
        num_layers: Layers of the three steps.
        blocks_per_layer: Residual blocks of a coupling's network.
        context_features: C, of what it is conditioned on.
        dropout: Within the residual blocks.
        init_cfg: As in mmengine.

    Example:
        >>> flow = ConditionalGlow(6, 16, 2, 1, context_features=3).eval()
        >>> samples, log_prob, z = flow.sample_and_log_prob(5, context=torch.ones(2, 3))
        >>> samples.shape, log_prob.shape
        (torch.Size([2, 5, 6]), torch.Size([2, 5]))
    """

    def __init__(
        self,
        features: int,
        hidden_features: int,
        num_layers: int,
        blocks_per_layer: int,
        context_features: int,
        dropout: float = 0.5,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if features < 2:
            raise ValueError(f'a coupling of {features} dimensions has nothing to shift')
        self.features = features
        transforms: list[nn.Module] = []
        for layer in range(num_layers):
            coupling = AdditiveCoupling(
                features, layer % 2 == 0, context_features, hidden_features, blocks_per_layer, dropout
            )
            transforms += [ActNorm(features), LULinear(features), coupling]
        self._transform = GlowTransforms(transforms)

    @property
    def initialized(self) -> bool:
        """Its ActNorms have seen data."""
        norms = [module for module in self.modules() if isinstance(module, ActNorm)]
        return all(bool(norm.initialized) for norm in norms)

    def log_prob(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Log-density of data and where it lies in the latent space.

        Args:
            x: (N, D).
            context: (M, C), N a multiple of M: rows of one context lie together.

        Returns:
            log p(x | context) (N,) and z (N, D).

        Raises:
            ValueError: Other shapes.
        """
        if x.ndim != 2 or x.shape[1] != self.features or len(x) % max(len(context), 1):
            raise ValueError(f'{tuple(x.shape)} are no rows of {self.features} numbers for {len(context)} contexts')
        with torch.autocast(x.device.type, enabled=False):
            z = self._transform(*self._at_working_precision(x, context))
            return self._base_log_prob(z) + self._transform.log_det, z

    def sample_and_log_prob(
        self,
        num_samples: int | None = None,
        *,
        context: Tensor,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Samples, or the data that latent vectors stand for; with gradients to both and to the context.

        Args:
            num_samples: S, drawn for each context; with ``noise`` not needed.
            context: (N, C).
            noise: (N, S, D) in the latent space.
            generator: Of the noise that is drawn.

        Returns:
            samples (N, S, D), their log-densities (N, S), z (N, S, D).

        Raises:
            ValueError: Other shapes.
        """
        if noise is None:
            size = (len(context), num_samples or 1, self.features)
            noise = torch.randn(size, generator=generator, device=context.device)
        if noise.ndim != 3 or noise.shape[::2] != (len(context), self.features):
            raise ValueError(
                f'latent vectors have the shape {tuple(noise.shape)}, not ({len(context)}, S, {self.features})'
            )
        with torch.autocast(context.device.type, enabled=False):
            z, context = self._at_working_precision(noise, context)
            samples = self._transform.inverse(z.flatten(0, 1), context).reshape(z.shape)
            return samples, self._base_log_prob(z) + self._transform.log_det, z

    def _base_log_prob(self, z: Tensor) -> Tensor:
        return -0.5 * z.square().sum(dim=-1) - 0.5 * self.features * math.log(2 * math.pi)

    def _at_working_precision(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        parameter = next(self.parameters())
        return tuple(tensor.to(torch.promote_types(parameter.dtype, torch.float32)) for tensor in tensors)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        """Takes the authors' own state dict too, whose steps each have a ``dummy_buffer``.

        Raises:
            UserError: The weights do not say whether their ActNorms were initialised.
        """
        ours = [name for name in state_dict if name.startswith(prefix)]
        for name in ours:
            if name.endswith('dummy_buffer'):
                del state_dict[name]
            elif name.endswith('.log_scale') and f'{name.removesuffix("log_scale")}initialized' not in state_dict:
                raise UserError(
                    'the weights of the flow do not say whether they were initialised from data',
                    field=f'{name.removesuffix("log_scale")}initialized',
                    remedy='use a checkpoint that was saved whole: without this flag training would begin anew',
                )
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
