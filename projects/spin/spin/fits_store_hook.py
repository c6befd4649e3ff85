"""The best fits of a training, made, given to the model, saved in its checkpoints and brought back on resume."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from das_mm.errors import UserError
from das_mm.registry import HOOKS

from .fits_store import FitsStore
from .sample_sets import sample_sets
from .static_fits import read_fits

_KEY = 'fits_store'


@HOOKS.register_module()
class FitsStoreHook(Hook):
    """Keeps a :class:`.FitsStore` of all samples of the training's data sets.

    The store is a part of each checkpoint, which :class:`das_mm.engine.hooks.AtomicCheckpointHook` writes whole or not
    at all. A resumed training goes on with its fits; one that only loads weights begins with the static ones.

    Args:
        static_fits: Data set -> file of the fits to begin with (:mod:`.static_fits`). Samples without one have no fit
            until the loop finds one.
    """

    priority = 'ABOVE_NORMAL'

    def __init__(self, static_fits: Mapping[str, str | Path] | None = None) -> None:
        self.static_fits = dict(static_fits or {})
        self._resumed: Mapping[str, Any] | None = None
        self.store: FitsStore | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keeps the fits of a checkpoint that a training goes on from.

        Raises:
            UserError: It has none.
        """
        if not runner._resume:
            return
        if _KEY not in checkpoint:
            raise UserError(
                'this checkpoint has no fits to go on with',
                file=runner._load_from,
                field=_KEY,
                remedy='resume from a checkpoint of a training of SPIN, or use it as load_from',
            )
        self._resumed = checkpoint[_KEY]

    def before_train(self, runner: Runner) -> None:
        """Makes the store and gives it to the model."""
        self.store = FitsStore(sample_sets(runner.train_dataloader.dataset))
        if self._resumed is not None:
            self.store.load_state_dict(self._resumed, runner._load_from)
            self._resumed = None
        else:
            for name, path in self.static_fits.items():
                self._begin_with(name, path)
        model: Any = runner.model.module if is_model_wrapper(runner.model) else runner.model
        model.fits_store = self.store

    def _begin_with(self, name: str, path: str | Path) -> None:
        assert self.store is not None
        fits = read_fits(path)
        if name in self.store.sets:
            fits.check_of(self.store.sets[name], path)
        self.store.fill(name, torch.from_numpy(fits.fits))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Adds the fits."""
        if self.store is not None:
            checkpoint[_KEY] = self.store.state_dict()
