"""Weights in the memory order that convolutions of CPUs (and GPUs in half precision) like best."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from das_mm.registry import HOOKS

from ..precision import to_channels_last


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Turns the model to channels-last before a run; what it computes stays the same but for rounding.

    Only four-dimensional weights are concerned, and maps follow the weights that they meet. Checkpoints are as before.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Turns the model."""
        to_channels_last(runner.model)
