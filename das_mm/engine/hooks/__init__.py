"""Hooks: checkpoints that are whole or not there, randomness that a resumed run repeats, memory order, and a
bar to watch."""

from .atomic_checkpoint_hook import AtomicCheckpointHook
from .channels_last_hook import ChannelsLastHook
from .checkpoint_meta_hook import CheckpointMetaHook
from .epoch_seed_hook import EpochSeedHook
from .progress_bar_hook import ProgressBarHook

__all__ = ['AtomicCheckpointHook', 'ChannelsLastHook', 'CheckpointMetaHook', 'EpochSeedHook', 'ProgressBarHook']
