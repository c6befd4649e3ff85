"""Hooks: checkpoints that are whole or not there, and randomness that a resumed run repeats."""
from .atomic_checkpoint_hook import AtomicCheckpointHook
from .epoch_seed_hook import EpochSeedHook

__all__ = ['AtomicCheckpointHook', 'EpochSeedHook']
