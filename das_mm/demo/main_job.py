"""The main job: make scenes, train a small DAS, evaluate it on unseen scenes, and show what it learned.

Everything is embedded: nothing is downloaded, and nothing but torch and the CPU is needed.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from das_mm.checkpoints.packaged import PACKAGED, pretrained_checkpoint
from das_mm.checkpoints.weight_loader import load_checkpoint_strict
from das_mm.config_files import config_path, set_epochs
from das_mm.engine import atomic_write, check_writable
from das_mm.visualization import plot_metrics, plot_training_curves

from .tasks import TASKS, DemoTask

CONFIGS = {name: task.config for name, task in TASKS.items()}


@dataclass
class DemoSettings:
    """What the demo does.

    Attributes:
        out: Folder for everything, the scenes included.
        task: One of :data:`.demo_tasks.TASKS`.
        num_train, num_val: Scenes (of clips: frames).
        epochs: Passes over the training scenes.
        seed: Of the scenes (training; the unseen ones use the next), of the weights and of the training.
        pretrained: Do not train: use the weights that come with the package.
        from_scratch: Train the backbone too from random numbers. Otherwise it and the pyramid start from the package's
            weights, as the papers' backbone starts from COCO's; the head, which is what DAS is, always starts from
            random numbers.
        num_shown: Unseen scenes that are drawn and put into the viewer.
    """

    out: Path
    task: str = 'pose'
    num_train: int | None = None
    num_val: int | None = None
    epochs: int | None = None
    seed: int = 0
    pretrained: bool = False
    from_scratch: bool = False
    num_shown: int = 12


def _config_name(settings: DemoSettings) -> str:
    return (PACKAGED if settings.pretrained else CONFIGS)[settings.task]


def demo_config(settings: DemoSettings) -> Config:
    """The task's config with the demo's data, seed, folder and a progress bar in place of log lines."""
    cfg = Config.fromfile(config_path(_config_name(settings)))
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
    if not settings.from_scratch:
        weights = str(pretrained_checkpoint(TASKS[settings.task].start))
        for part in ('backbone', 'neck'):
            cfg.model[part].init_cfg = dict(type='Pretrained', checkpoint=weights, prefix=f'{part}.')
    cfg.work_dir = str(settings.out / 'training')
    cfg.randomness = dict(seed=settings.seed)
    cfg.log_level = 'WARNING'
    cfg.custom_hooks = [*cfg.get('custom_hooks', []), dict(type='ProgressBarHook')]
    # evaluation is the demo's own, before and after
    cfg.train_cfg.val_interval = cfg.train_cfg.max_epochs + 1
    return cfg


def run_demo(settings: DemoSettings) -> dict:
    """Runs the demo and writes its folder.

    Returns:
        What ``metrics.json`` holds: the baselines of the task, ``before`` and ``after``, each with the task's numbers
        (null where they have no meaning), and how they came about.

    Raises:
        UserError: The folder cannot be written, or ``pretrained`` is asked for and not there.
    """
    settings.out = Path(settings.out)
    task = TASKS[settings.task]
    check_writable(settings.out, '--out')
    checkpoint = pretrained_checkpoint(settings.task) if settings.pretrained else None
    cfg = demo_config(settings)
    runner = Runner.from_cfg(cfg)
    # built on first touch: the scenes are made here, those of training only for who needs them
    if checkpoint is None:
        runner.train_loop
    runner.val_loop
    runner.model.init_weights()
    # no confidence of an untrained network passes the threshold: it is judged by its best guesses instead
    metrics = dict(task.baselines(runner), before=evaluate(runner, task, score_thr=0.0))
    if checkpoint is None:
        runner.train()
    else:
        load_checkpoint_strict(runner.model, checkpoint)
    metrics.update(task.comparisons(runner, lambda: evaluate(runner, task)), after=evaluate(runner, task))
    report = dict(
        metrics,
        task=settings.task,
        rows=list(metrics),
        config=_config_name(settings),
        weights='trained here' if checkpoint is None else checkpoint.name,
        backbone='random' if settings.from_scratch else 'starts from the weights of the package',
        note='before: the best guesses of the untrained network, without a score threshold; none would pass it',
        units='mm; percent; counts',
        settings={name: str(value) if isinstance(value, Path) else value for name, value in asdict(settings).items()},
    )
    atomic_write(settings.out / 'metrics.json', (json.dumps(report, indent=2) + '\n').encode())
    if checkpoint is None:
        plot_training_curves(Path(runner.log_dir) / 'vis_data' / 'scalars.json', settings.out / 'curves.png')
    plot_metrics({name: _drawable(values) for name, values in metrics.items()}, settings.out / 'metrics.png')
    task.show(runner, settings.out, settings.num_shown)
    return report


def evaluate(runner: Runner, task: DemoTask, **test_cfg) -> dict:
    """The task's numbers of the model as it stands, on the unseen scenes; ``test_cfg`` holds for this time only."""
    kept = runner.model.test_cfg
    runner.model.test_cfg = {**kept, **test_cfg}
    metrics = task.reported_of(runner.val())
    runner.model.test_cfg = kept
    return metrics


def _drawable(metrics: dict) -> dict:
    return {name: math.nan if value is None else value for name, value in metrics.items()}
