"""The main job: make scenes, train a small DAS, evaluate it on unseen scenes, and show what it learned.

Everything is embedded: nothing is downloaded, and nothing but torch and the CPU is needed.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from das_mm.checkpoints.weight_loader import load_checkpoint_strict
from das_mm.config_files import config_path, set_epochs
from das_mm.engine import atomic_write, check_writable
from das_mm.visualization import plot_metrics, plot_training_curves

from .base import DemoTask
from .tasks import DEMO_TASKS

NUM_SHOWN = 12  # unseen scenes that are drawn and put into the viewer


@dataclass(frozen=True)
class DemoSettings:
    """The settings of the demo.

    Attributes:
        out: Folder for everything, the scenes included.
        task: Name in :data:`.tasks.DEMO_TASKS`.
        num_train, num_val: Scenes (of clips: frames).
        epochs: Passes over the training scenes.
        seed: Of the scenes (training; the unseen ones use the next), of the weights and of the training.
        pretrained: Do not train: use the weights that come with the package.
        from_scratch: Train the backbone too from random numbers. Otherwise it and the pyramid start from the package's
            weights, as the papers' backbone starts from COCO's; the head always starts from random numbers.
    """

    out: Path
    task: str = 'pose'
    num_train: int | None = None
    num_val: int | None = None
    epochs: int | None = None
    seed: int = 0
    pretrained: bool = False
    from_scratch: bool = False


def demo_config(settings: DemoSettings) -> Config:
    """The task's config with the demo's data, seed, folder and a progress bar in place of log lines.

    Raises:
        UserError: There is no such task, or the weights that are to be used are not there.
    """
    task = DEMO_TASKS.get(settings.task)()
    cfg = Config.fromfile(config_path(task.pretrained()[1] if settings.pretrained else task.config))
    for loader, number, offset in (
        ('train_dataloader', settings.num_train, 0),
        ('val_dataloader', settings.num_val, 1),
    ):
        dataset = cfg[loader].dataset
        dataset.root = str(settings.out / 'scenes')
        dataset.seed = settings.seed + offset
        if number is not None:
            dataset.num_images = number
    if settings.epochs is not None:
        set_epochs(cfg, settings.epochs)
    if settings.from_scratch:
        cfg.model.backbone.init_cfg = None  # a config may name weights of the package itself
    elif (weights := task.backbone_weights()) is not None:
        for part in ('backbone', 'neck'):
            cfg.model[part].init_cfg = dict(type='Pretrained', checkpoint=str(weights), prefix=f'{part}.')
    cfg.work_dir = str(settings.out / 'training')
    cfg.randomness = dict(seed=settings.seed)
    cfg.log_level = 'WARNING'
    cfg.custom_hooks = [*cfg.get('custom_hooks', []), dict(type='ProgressBarHook')]
    # evaluation is the demo's own, before and after
    cfg.train_cfg.val_interval = cfg.train_cfg.max_epochs + 1
    return cfg


def run_demo(settings: DemoSettings) -> dict:
    """Run the demo and write its folder.

    Returns:
        What ``metrics.json`` holds: the baselines of the task, ``before`` and ``after``, each with the task's numbers
        (null where they have no meaning), and how they came about.

    Raises:
        UserError: The folder cannot be written, a package that the task needs cannot be imported, or ``pretrained`` is
            asked for and not there.
    """
    task = DEMO_TASKS.get(settings.task)()
    task.check_packages()
    check_writable(settings.out, '--out')
    checkpoint = task.pretrained()[0] if settings.pretrained else None
    cfg = demo_config(settings)
    runner = Runner.from_cfg(cfg)
    _make_scenes(runner, ['train_loop'] * (checkpoint is None) + ['val_loop'])
    model: Any = runner.model
    model.init_weights()
    # no confidence of an untrained network passes the threshold: it is judged by its best guesses instead
    metrics = dict(task.baselines(runner), before=evaluate(runner, task, score_thr=0.0))
    if checkpoint is None:
        runner.train()
    else:
        load_checkpoint_strict(model, checkpoint)
    metrics.update(task.comparisons(runner, lambda: evaluate(runner, task)), after=evaluate(runner, task))
    report = dict(
        metrics,
        task=settings.task,
        rows=list(metrics),
        config=Path(cfg.filename).stem,
        weights='trained here' if checkpoint is None else checkpoint.name,
        backbone='random'
        if settings.from_scratch or task.backbone_weights() is None
        else 'starts from the weights of the package',
        note='before: the best guesses of the untrained network, without a score threshold; none would pass it',
        units='mm; percent; counts',
        settings=dict(asdict(settings), out=str(settings.out), num_shown=NUM_SHOWN),
    )
    atomic_write(settings.out / 'metrics.json', (json.dumps(report, indent=2) + '\n').encode())
    if checkpoint is None:
        plot_training_curves(Path(runner.log_dir) / 'vis_data' / 'scalars.json', settings.out / 'curves.png')
    plot_metrics({name: _drawable(values) for name, values in metrics.items()}, settings.out / 'metrics.png')
    task.show(runner, settings.out, NUM_SHOWN)
    return report


def _make_scenes(runner: Runner, loops: list[str]) -> None:
    """Build loops, and with them the scenes: mmengine does so when a loop is first asked for."""
    for loop in loops:
        getattr(runner, loop)


def evaluate(runner: Runner, task: DemoTask, **test_cfg) -> dict:
    """Evaluate the model on the unseen scenes; ``test_cfg`` overrides the model's for this time."""
    model: Any = runner.model
    kept = model.test_cfg
    model.test_cfg = {**kept, **test_cfg}
    metrics = task.reported_of(runner.val())
    model.test_cfg = kept
    return metrics


def _drawable(metrics: dict) -> dict:
    return {name: math.nan if value is None else value for name, value in metrics.items()}
