"""Weights in the memory order that convolutions of CPUs (and GPUs in half precision) like best."""

from __future__ import annotations

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from das_mm.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Turns the model to channels-last before a run; what it computes stays the same but for rounding.

    Only four-dimensional weights are concerned, and maps follow the weights that they meet. Checkpoints are as before.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Turns the model."""
        # nn.Module.to understands memory_format for floating point and complex parameters of four dimensions
        nn.Module.to(runner.model, memory_format=torch.channels_last)
