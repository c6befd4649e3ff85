"""Gradient clipping of the released code's Human3.6M recipe: every parameter by itself."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.optim import OptimWrapper

from das_mm.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class PerParameterClipOptimWrapper(OptimWrapper):
    """``clip_grad=dict(max_norm=35)`` bounds the norm of the gradient of each parameter tensor, not of all together.

    Args: as in mmengine's ``OptimWrapper``.
    """

    def _clip_grad(self) -> None:
        options: dict[str, Any] = self.clip_grad_kwargs or {}
        for group in self.optimizer.param_groups:
            for parameter in group['params']:
                torch.nn.utils.clip_grad_norm_(parameter, options['max_norm'], options.get('norm_type', 2.0))
