"""Hooks: checkpoints that are whole or not there, randomness that a resumed run repeats, and a bar to watch."""

from .atomic_checkpoint_hook import AtomicCheckpointHook
from .epoch_seed_hook import EpochSeedHook
from .progress_bar_hook import ProgressBarHook

__all__ = ['AtomicCheckpointHook', 'EpochSeedHook', 'ProgressBarHook']
