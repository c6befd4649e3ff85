"""Resuming without running what a checkpoint says."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from das_mm.registry import HOOKS


@HOOKS.register_module()
class CheckpointMetaHook(Hook):
    """Forgets ``meta['config']`` of a checkpoint that is loaded.

    mmengine 0.10 runs that text as python to ask it for a number of GPUs; checkpoints that it writes do not have it.
    """

    priority = 'HIGHEST'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        meta = checkpoint.get('meta')
        if isinstance(meta, dict):
            meta.pop('config', None)
