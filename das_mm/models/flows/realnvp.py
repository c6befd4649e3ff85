"""RealNVP in any dimension: the density G of residual log-likelihood estimation.

Papers: Dinh et al., "Density estimation using Real NVP", ICLR 2017 (affine couplings); Li et al., "Human Pose
Regression with Residual Log-likelihood Estimation", ICCV 2021, §3.3 (this size: three linear layers of 64). Parameter
and buffer names (``s.<layer>.<0|2|4>``, ``t.<layer>.<0|2|4>``, ``mask``) are those of the released code, so its weights
load.

Shapes: N samples, D dimensions.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from das_mm.registry import MODELS


class CouplingNet(nn.Sequential):
    """D -> hidden -> … -> hidden -> D, in the precision of its input whatever the precision its parameters are kept in.

    Args:
        dims: D.
        hidden: Width of the inner layers.
        bounded: Ends in tanh (scales), so that one layer stretches by a factor within (1/e, e).
        num_linear: Linear layers, 2 or more, with leaky ReLUs between them.
    """

    def __init__(self, dims: int, hidden: int, bounded: bool, num_linear: int = 3):
        widths = [dims, *[hidden] * (num_linear - 1), dims]
        layers: list[nn.Module] = []
        for inputs, outputs in zip(widths, widths[1:]):
            layers += [nn.Linear(inputs, outputs), nn.LeakyReLU()]
        super().__init__(*layers[:-1], *([nn.Tanh()] if bounded else []))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            if isinstance(layer, nn.Linear):
                x = F.linear(x, layer.weight.to(x.dtype), layer.bias.to(x.dtype))
            else:
                x = layer(x)
        return x


def alternating_masks(num_layers: int, dims: int) -> Tensor:
    """Masks (num_layers, D) of the coordinates that a coupling leaves as they are (1) and conditions on.

    Even layers keep the last ``D // 2`` coordinates, odd layers the others: [0,1],[1,0] for D = 2 and [0,0,1],[1,1,0]
    for D = 3, as released. With D = 1 there is nothing to condition on and the flow is affine.
    """
    even = torch.zeros(dims)
    even[dims - dims // 2 :] = 1
    return torch.stack([even if i % 2 == 0 else 1 - even for i in range(num_layers)])


@MODELS.register_module()
class RealNVP(BaseModule):
    """Affine coupling flow with a standard normal base density.

    Everything is computed in float32 or better, with autocast off: a log-density in half precision is noise.

    Args:
        dims: D >= 1, the dimension of the space.
        num_layers: Number of coupling layers.
        hidden: Width of the scale and translation nets (N_n of RLE Table 6).
        num_linear: Linear layers of each of these nets (L_fc there).
        init_gain: Gain of the Xavier initialisation of their weights; None for torch's own initialisation, which the
            released code of RLE leaves them with.
        init_cfg: As in mmengine (a pretrained checkpoint, for instance).

    Example:
        >>> flow = RealNVP(dims=3)
        >>> flow.log_prob(torch.zeros(5, 3)).shape
        torch.Size([5])
    """

    mask: Tensor  # (num_layers, D)

    def __init__(
        self,
        dims: int,
        num_layers: int = 6,
        hidden: int = 64,
        init_cfg: dict | None = None,
        *,
        num_linear: int = 3,
        init_gain: float | None = 0.01,
    ):
        super().__init__(init_cfg)
        if dims < 1 or num_linear < 2:
            raise ValueError(f'RealNVP needs dims >= 1 and num_linear >= 2, got {dims} and {num_linear}')
        self.dims, self.init_gain = dims, init_gain
        self.register_buffer('mask', alternating_masks(num_layers, dims))
        self.s = nn.ModuleList(CouplingNet(dims, hidden, True, num_linear) for _ in range(num_layers))
        self.t = nn.ModuleList(CouplingNet(dims, hidden, False, num_linear) for _ in range(num_layers))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Xavier with a small gain and torch's own biases: G starts close to the standard normal. Or torch's own."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.reset_parameters()
                if self.init_gain is not None:
                    nn.init.xavier_uniform_(module.weight, gain=self.init_gain)

    def init_weights(self) -> None:
        # a head's `init_cfg` for nn.Linear also reaches the flow inside its loss; this undoes that
        if not self.is_init:
            self.reset_parameters()
        super().init_weights()

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Base space to data space: z (N, D) -> x (N, D), log|det dx/dz| (N,)."""
        with torch.autocast(z.device.type, enabled=False):
            x = self._at_working_precision(z)
            log_det = x.new_zeros(len(x))
            for i in range(len(self.mask)):
                keep, s, t = self._coupling(i, x)
                x = keep * x + (1 - keep) * (x * s.exp() + t)
                log_det = log_det + s.sum(dim=1)
            return x, log_det

    def inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Data space to base space: x (N, D) -> z (N, D), log|det dz/dx| (N,)."""
        with torch.autocast(x.device.type, enabled=False):
            z = self._at_working_precision(x)
            log_det = z.new_zeros(len(z))
            for i in reversed(range(len(self.mask))):
                keep, s, t = self._coupling(i, z)
                z = keep * z + (1 - keep) * (z - t) * (-s).exp()
                log_det = log_det - s.sum(dim=1)
            return z, log_det

    def log_prob(self, x: Tensor) -> Tensor:
        """log G(x), (N,) for x (N, D), float32 or better.

        An empty x gives an empty result that is still connected to every parameter. Finite for |x| up to about 1e17.

        Raises:
            ValueError: x is not (N, D).
        """
        if x.ndim != 2 or x.shape[1] != self.dims:
            raise ValueError(f'a flow of {self.dims} dimensions got samples of shape {tuple(x.shape)}')
        with torch.autocast(x.device.type, enabled=False):
            z, log_det = self.inverse(x)
            return log_det - 0.5 * z.square().sum(dim=1) - 0.5 * self.dims * math.log(2 * math.pi)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n samples of G, (n, D), on the flow's device (where the generator must live, too)."""
        noise = torch.randn(n, self.dims, generator=generator, device=self.mask.device)
        return self(noise)[0]

    def _coupling(self, i: int, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mask (D,), log scale (N, D) and shift (N, D) of layer i; both 0 where the mask keeps a coordinate."""
        keep = self.mask[i].to(x.dtype)
        kept = keep * x
        return keep, (1 - keep) * self.s[i](kept), (1 - keep) * self.t[i](kept)

    def _at_working_precision(self, x: Tensor) -> Tensor:
        return x.to(torch.promote_types(torch.promote_types(x.dtype, self.mask.dtype), torch.float32))
