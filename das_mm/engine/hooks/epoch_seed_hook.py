"""Randomness as a function of (seed, epoch, rank), so that a resumed run repeats an uninterrupted one."""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from das_mm.registry import HOOKS


def seed_everything(*entropy: int) -> None:
    """Seed python, numpy and torch (all devices) from non-negative integers, independently for each combination."""
    streams = np.random.SeedSequence(entropy).generate_state(3, np.uint32)
    random.seed(int(streams[0]))
    np.random.seed(int(streams[1]))
    torch.manual_seed(int(streams[2]))


def _seed_worker(worker_id: int, entropy: tuple[int, ...]) -> None:
    seed_everything(*entropy, worker_id + 1)  # 0 is the main process


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds every process and data worker anew at the start of each training epoch.

    mmengine seeds once, at the start of a run, and does not keep the state of the generators in its checkpoints:
    after a resume, dropout and augmentation go on differently. It also gives the workers the same seed in each epoch,
    so without persistent workers every epoch repeats the augmentations of the first. With this hook an epoch's
    randomness follows from the run's seed, the epoch, the rank and the worker, and from nothing that came before.

    It needs `persistent_workers=False` in the train dataloader (workers that live on cannot be seeded again), the same
    number of workers and ranks before and after the resume, and checkpoints at the end of epochs. In iteration-based
    training the whole run is one epoch and mmengine replays the data instead.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Say so where the run cannot be repeated."""
        if runner.train_dataloader.persistent_workers:
            runner.logger.warning(
                'train_dataloader.persistent_workers=True: its workers keep their random state over epochs, so a '
                'resumed run will see other augmentations than an uninterrupted one. Set it to False to repeat it.'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed this process now and the workers when the epoch starts them."""
        entropy = (runner.seed, runner.epoch, runner.rank, 0)
        seed_everything(*entropy)
        runner.train_dataloader.worker_init_fn = partial(_seed_worker, entropy=entropy[:3])
