"""Modulated deformable convolution (DCNv2) on torchvision's kernel.

Zhu et al., "Deformable ConvNets v2: More Deformable, Better Results", CVPR 2019. The layer stands in for mmcv's
``ModulatedDeformConv2dPack``: same parameter names (``weight``, ``bias``, ``conv_offset.weight`` and ``.bias``), same
initialisation, same results, so checkpoints move between the two as they are. What differs is the kernel: torchvision
ships it prebuilt for CUDA, so a GPU run needs no compiled mmcv operator; on the CPU ours is several times as fast
(:mod:`.sampled_conv`).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.modules.utils import _pair
from torchvision.ops import deform_conv2d

from das_mm.registry import MODELS

from .sampled_conv import sampled_conv2d


@MODELS.register_module()
class ModulatedDeformConv2d(nn.Module):
    """A deformable convolution that is used like ``nn.Conv2d``: offsets and mask come from its own input.

    In the ``conv_cfg`` of an mmcv ``ConvModule`` (and of everything that passes ``conv_cfg`` or ``dcn`` on to it) write

    * ``dict(type='das_mm.ModulatedDeformConv2d')`` in a config of scope ``das_mm`` or ``mmpose``; within ``das_mm`` the
      prefix may be left out;
    * ``dict(type='das_mm.models.layers.ModulatedDeformConv2d')``, the full path, in any other scope (``mmdet``, none);
    * ``dict(type=ModulatedDeformConv2d)``, the class itself, in Python.

    mmcv's own name ``DCNv2`` keeps meaning mmcv's layer.

    The kernel computes sample positions in the type of its input, which in half precision is 1/8 of a pixel beyond
    column 128, and it lacks bfloat16 altogether. It is therefore always run in float32 (or float64), under autocast
    too; the result has the type of the input.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the result.
        kernel_size: As in ``nn.Conv2d``; so are ``stride``, ``padding``, ``dilation``, ``groups`` and ``bias``.
        deform_groups: Into how many groups of channels, each with its own offsets and mask, the input is divided.

    Example:
        >>> layer = ModulatedDeformConv2d(8, 16, 3, padding=1)
        >>> layer(torch.zeros(2, 8, 5, 7)).shape
        torch.Size([2, 16, 5, 7])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        deform_groups: int = 1,
        bias: bool = True,
    ):
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride = _pair(kernel_size), _pair(stride)
        self.padding, self.dilation = _pair(padding), _pair(dilation)
        self.groups, self.deform_groups = groups, deform_groups
        self.transposed, self.output_padding = False, (0,)  # mmcv's ConvModule reads both from every convolution
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *self.kernel_size))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_channels))
        else:
            self.register_parameter('bias', None)
        taps = self.kernel_size[0] * self.kernel_size[1]
        self.conv_offset = nn.Conv2d(
            in_channels, deform_groups * 3 * taps, self.kernel_size, self.stride, self.padding, self.dilation
        )
        self.init_weights()

    def init_weights(self) -> None:
        """Start as an ordinary convolution (no offsets) whose every tap is halved (mask sigmoid(0)), as mmcv's does."""
        bound = 1 / math.sqrt(self.in_channels * self.kernel_size[0] * self.kernel_size[1])
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.zeros_(self.bias)
        assert self.conv_offset.bias is not None  # of a plain convolution
        nn.init.zeros_(self.conv_offset.weight)
        nn.init.zeros_(self.conv_offset.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H', W') in the type of ``x``."""
        dtype = torch.promote_types(x.dtype, torch.float32)
        with torch.autocast(x.device.type, enabled=False):
            full, conv = x.to(dtype), self.conv_offset
            assert conv.bias is not None  # of a plain convolution
            raw = nn.functional.conv2d(
                full, conv.weight.to(dtype), conv.bias.to(dtype), conv.stride, conv.padding, conv.dilation
            )
            # two thirds are offsets, (dy, dx) per tap and deform group, one third the mask: mmcv's channel order
            offset, mask = raw.tensor_split([2 * raw.shape[1] // 3], dim=1)
            bias = None if self.bias is None else self.bias.to(dtype)
            weight, geometry = self.weight.to(dtype), (self.stride, self.padding, self.dilation)
            by_rows = x.device.type == 'cpu' and self.groups == self.deform_groups == 1 and not _is_traced()
            convolve = sampled_conv2d if by_rows else deform_conv2d
            out = convolve(full, offset, weight, bias, *geometry, mask.sigmoid())
        return out.to(x.dtype)

    def extra_repr(self) -> str:
        return (
            f'{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, '
            f'padding={self.padding}, dilation={self.dilation}, groups={self.groups}, '
            f'deform_groups={self.deform_groups}, bias={self.bias is not None}'
        )


def _is_traced() -> bool:
    """Whether the graph is being recorded: torchvision's operator is one node of it that exporters know."""
    tracing = torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
    return tracing or torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()
