"""The calibration of one checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmengine.runner import Runner

from das_mm.checkpoints.weight_loader import load_checkpoint_strict
from das_mm.config_files import config_path
from das_mm.engine import atomic_write, check_writable
from das_mm.engine.config_reader import read_config
from das_mm.errors import UserError
from das_mm.visualization.calibration import plot_calibration

from .report import read_calibration
from .run_training import evaluate


def calibrate_checkpoint(config: str, checkpoint: str | Path, out: str | Path) -> list[Path]:
    """Judge the predicted errors of a model on the test set of its config.

    Args:
        config: Name or path of the config.
        checkpoint: Of its weights.
        out: Folder for ``calibration.json`` and ``calibration.png``.

    Returns:
        The two files.

    Raises:
        UserError: The model has no σ, nobody was found, or a file cannot be read or written.
    """
    out = Path(out)
    check_writable(out, '--out')
    cfg = read_config(config_path(config))
    cfg.work_dir, cfg.load_from, cfg.resume, cfg.log_level = str(out), None, False, 'WARNING'
    runner = Runner.from_cfg(cfg)
    model: Any = runner.model
    if not model.head.uses_sigma:
        raise UserError(
            'its pose loss learns no σ',
            file=cfg.filename,
            field='model.head.loss_pose',
            remedy='give a model trained with a likelihood, as das_mm.RLELoss',
        )
    load_checkpoint_strict(model, checkpoint)
    runner.call_hook('before_run')
    metrics, calibration = evaluate(runner)
    if calibration is None:
        raise UserError(
            'nobody was found, so there is no error to judge',
            file=checkpoint,
            remedy='train longer, or lower model.test_cfg.score_thr',
        )
    report = dict(
        config=str(config),
        checkpoint=str(checkpoint),
        calibration=calibration,
        metrics={name: float(value) for name, value in metrics.items()},
    )
    files = [out / 'calibration.json', out / 'calibration.png']
    atomic_write(files[0], (json.dumps(report, indent=1) + '\n').encode())
    plot_calibration(read_calibration(calibration), files[1])
    return files
