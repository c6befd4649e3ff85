"""The training of one run, in pieces by exact resume, and its evaluation."""

from __future__ import annotations

import datetime
import gc
import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from das_mm.benchmarks.speed.machine import describe_machine, describe_software
from das_mm.config_files import set_epochs
from das_mm.engine import file_sha256
from das_mm.engine.checkpoint_files import newest_complete_checkpoint
from das_mm.errors import UserError
from das_mm.evaluation import finite_or_none

from .initial_weights import PACKAGE, prepare_start, start_fingerprint, start_from_package, start_of
from .run_plan import Run
from .run_state import Outcome, RunState, read_state, write_state
from .scheduler import Deadline
from .uncertainty import SigmaCollector, judge_sigma


def run_config(run: Run) -> Config:
    """The resolved config of a run."""
    return run.config.load()


def train_run(
    run: Run,
    folder: Path,
    deadline: Deadline,
    from_scratch: bool = False,
    load_from: Path | None = None,
    epochs: int | None = None,
) -> bool:
    """Train a run up to the deadline, and evaluate it where it is at its end.

    A piece stops after the checkpoint of an epoch, when another epoch would not fit before the deadline; it has one
    epoch at least. Killed at any moment, the next piece goes on from the last checkpoint as if nothing had happened.

    Args:
        run: What.
        folder: Its folder.
        deadline: When to stop.
        from_scratch: Start everything from random numbers.
        load_from: A checkpoint whose weights it starts from, where they have a place.
        epochs: Instead of the config's.

    Returns:
        Whether it is finished.

    Raises:
        UserError: The folder was begun with other settings, or the settings need a GPU and there is none.
    """
    cfg = run_config(run)
    if epochs is not None:
        set_epochs(cfg, epochs)
    start = start_of(run.size, from_scratch)
    weights = start_fingerprint(start, run.task) if load_from is None else file_sha256(load_from)
    state = _begin_or_continue(cfg, folder, start, weights)
    _prepare(cfg, run, folder, start)
    if load_from is not None and not cfg.resume:
        cfg.load_from = str(load_from)
    runner = Runner.from_cfg(cfg)
    model: Any = runner.model
    try:
        model.init_weights()
        if start == PACKAGE:
            start_from_package(model, run.task)
        piece = _Piece(folder, state, deadline)
        runner.register_hook(piece, priority='LOWEST')  # behind the checkpoint
        runner.train()
        if runner.epoch < runner.max_epochs or (piece.num_epochs and deadline.left <= 0):
            return False
        _evaluate(runner, folder, piece.state)
        return True
    finally:
        del runner, model
        gc.collect()


def _begin_or_continue(cfg: Config, folder: Path, start: str, weights: str) -> RunState:
    settings = json.dumps([cfg.to_dict(), weights], sort_keys=True, default=str)
    fingerprint = hashlib.sha256(settings.encode()).hexdigest()
    state = read_state(folder)
    if state is None:
        state = RunState(fingerprint, settings_of(cfg), start)
        write_state(folder, state)
    elif state.fingerprint != fingerprint:
        raise UserError(
            'it was begun with other settings or other starting weights',
            file=folder,
            remedy='delete that folder, or give another --out',
        )
    return state


def settings_of(cfg: Config) -> dict[str, Any]:
    """The settings that a report shows."""
    train, test = cfg.train_dataloader, cfg.test_dataloader
    steps = -(-train.dataset.num_images // train.batch_size) * cfg.train_cfg.max_epochs
    return dict(
        train_images=train.dataset.num_images,
        test_images=test.dataset.num_images,
        image_size=list(train.dataset.image_size),
        epochs=cfg.train_cfg.max_epochs,
        batch_size=train.batch_size,
        steps=steps,
    )


def _prepare(cfg: Config, run: Run, folder: Path, start: str) -> None:
    if cfg.optim_wrapper.type == 'AmpOptimWrapper' and not torch.cuda.is_available():
        raise UserError(
            f"the size '{run.size}' needs a GPU, and torch sees none", field='--size', remedy='use --size cpu'
        )
    prepare_start(cfg, start)
    cfg.work_dir = str(folder / 'training')
    cfg.randomness = dict(seed=run.seed)
    cfg.resume = newest_complete_checkpoint(cfg.work_dir) is not None
    cfg.log_level = 'WARNING'
    cfg.custom_hooks = [*cfg.get('custom_hooks', []), dict(type='ProgressBarHook')]
    # evaluated once, at the end, and by _evaluate
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None


class _Piece(Hook):
    """Writes the state after every epoch, and stops the training before the deadline."""

    def __init__(self, folder: Path, state: RunState, deadline: Deadline):
        self.folder, self.state, self.deadline = folder, state, deadline
        self.num_epochs = 0
        self._begin = 0.0

    def before_train_epoch(self, runner: Runner) -> None:
        self._begin = time.monotonic()

    def after_train_epoch(self, runner: Runner) -> None:
        seconds = time.monotonic() - self._begin
        self.num_epochs += 1
        self.state = self.state.but(epochs_done=runner.epoch + 1, seconds=self.state.seconds + seconds)
        write_state(self.folder, self.state)
        if self.deadline.left < seconds:
            loop: Any = runner.train_loop
            loop.stop_training = True


def _evaluate(runner: Runner, folder: Path, state: RunState) -> None:
    begin = time.monotonic()
    metrics, calibration = evaluate(runner)
    device = next(runner.model.parameters()).device
    outcome = Outcome(
        metrics=finite_or_none({name: float(value) for name, value in metrics.items()}),
        calibration=calibration,
        machine={**describe_machine(device), **describe_software()},
        seconds_evaluating=time.monotonic() - begin,
        finished_at=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
    )
    write_state(folder, state.but(outcome=outcome))


def evaluate(runner: Runner) -> tuple[dict[str, float], dict[str, Any] | None]:
    """Evaluate a model on the test set.

    Returns:
        The numbers, and for a model with σ its calibration: axis -> dict, None for what is not finite.
    """
    model: Any = runner.model
    loop: Any = runner.test_loop
    collector = None
    if model.head.uses_sigma:
        model.test_cfg = {**model.test_cfg, 'with_sigma': True}
        collector = SigmaCollector()
        collector.dataset_meta = loop.dataloader.dataset.metainfo
        loop.evaluator.metrics.append(collector)
    metrics = loop.run()
    calibration = None if collector is None else judge_sigma(collector, model.head)
    if calibration is not None:
        calibration = finite_or_none({axis: asdict(found) for axis, found in calibration.items()})
    return metrics, calibration
