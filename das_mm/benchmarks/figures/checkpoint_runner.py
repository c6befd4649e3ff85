"""A checkpoint on a test set of its config, ready to be evaluated more than once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from das_mm.checkpoints.weight_loader import load_checkpoint_strict
from das_mm.config_files import config_path


def checkpoint_runner(
    config: str, checkpoint: str | Path, work_dir: str | Path, dataset: Mapping[str, Any], evaluators: list[dict]
) -> Runner:
    """The model of a config with the weights of a checkpoint, and its test set.

    Args:
        config: Name or path of the config.
        checkpoint: Of its weights.
        work_dir: For logs.
        dataset: Settings of the test set that replace the config's.
        evaluators: Instead of the config's.

    Raises:
        UserError: A file cannot be read, or the weights do not fit.
    """
    cfg = Config.fromfile(config_path(config))
    cfg.work_dir, cfg.load_from, cfg.resume, cfg.log_level = str(work_dir), None, False, 'WARNING'
    cfg.test_dataloader.dataset.update(dataset)
    cfg.test_evaluator = evaluators
    cfg.train_cfg = cfg.train_dataloader = cfg.optim_wrapper = cfg.param_scheduler = None
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    runner = Runner.from_cfg(cfg)
    load_checkpoint_strict(runner.model, checkpoint)
    runner.call_hook('before_run')
    return runner


def evaluate(runner: Runner) -> dict[str, float]:
    """The numbers of its evaluators on its test set; what a model remembers of a video is forgotten before."""
    model: Any = runner.model
    model.forget()
    loop: Any = runner.test_loop
    return {name: float(value) for name, value in loop.run().items()}
