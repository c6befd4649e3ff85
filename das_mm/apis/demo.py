"""The main job: make scenes, train a small DAS, evaluate it on unseen scenes, and show what it learned.

Everything is embedded: nothing is downloaded, and nothing but torch and the CPU is needed.
"""
from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from das_mm.apis.checkpoint import load_checkpoint_strict
from das_mm.config_files import config_path
from das_mm.engine import atomic_write, check_writable
from das_mm.errors import UserError
from das_mm.evaluation import finite_or_none, mean_pose_baseline, record_to_sample
from das_mm.models.losses import DLELoss, error_density_grid
from das_mm.registry import METRICS
from das_mm.structures import KEYPOINT_SETS
from das_mm.visualization import (People, Scene, contact_sheet, draw_truth_and_prediction, plot_error_density,
                                  plot_metrics, plot_offset_maps, plot_training_curves, save_image, write_viewer)

CONFIGS = dict(pose='das_tiny_1xb8-12e_synthetic-448x256')
REPORTED = ('mpjpe_mm', 'pck_rel', 'pck_abs', 'recall', 'precision')


@dataclass
class DemoSettings:
    """What the demo does.

    Attributes:
        out: Folder for everything, the scenes included.
        task: Which of :data:`CONFIGS`.
        num_train, num_val: Scenes.
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


def pretrained_checkpoint(task: str = 'pose') -> Path:
    """The weights that come with the package.

    Raises:
        UserError: The package has none for this task.
    """
    path = Path(__file__).parents[1] / 'assets' / f'{CONFIGS[task]}.pth'
    if not path.is_file():
        raise UserError('the package has no weights for this task', file=path, remedy='train them: leave --pretrained out')
    return path


def demo_config(settings: DemoSettings) -> Config:
    """The task's config with the demo's data, seed, folder and a progress bar in place of log lines."""
    cfg = Config.fromfile(config_path(CONFIGS[settings.task]))
    for loader, number, offset in (('train_dataloader', settings.num_train, 0), ('val_dataloader', settings.num_val, 1)):
        dataset = cfg[loader].dataset
        dataset.root = str(settings.out / 'scenes')
        dataset.seed = settings.seed + offset
        if number is not None:
            dataset.num_images = number
    if settings.epochs is not None:
        cfg.train_cfg.max_epochs = settings.epochs
        for scheduler in cfg.param_scheduler:
            if scheduler.get('by_epoch', True):
                scheduler.end = scheduler.T_max = settings.epochs
    if not settings.from_scratch:
        weights = str(pretrained_checkpoint(settings.task))
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
        What ``metrics.json`` holds: ``mean_pose_baseline``, ``before`` and ``after``, each with ``mpjpe_mm`` (null where
        nobody was found), ``pck_rel``, ``pck_abs``, ``recall`` and ``precision`` in percent, and how they came about.

    Raises:
        UserError: The folder cannot be written, or ``pretrained`` is asked for and not there.
    """
    settings.out = Path(settings.out)
    check_writable(settings.out, '--out')
    checkpoint = pretrained_checkpoint(settings.task) if settings.pretrained else None
    cfg = demo_config(settings)
    runner = Runner.from_cfg(cfg)
    runner.train_loop, runner.val_loop  # built on first touch: the scenes are made here
    runner.model.init_weights()
    # no confidence of an untrained network passes the threshold: it is judged by its best guesses instead
    metrics = dict(mean_pose_baseline=_baseline(runner), before=_evaluate(runner, score_thr=0.0))
    if checkpoint is None:
        runner.train()
    else:
        load_checkpoint_strict(runner.model, checkpoint)
    metrics['after'] = _evaluate(runner)
    report = dict(
        metrics,
        config=CONFIGS[settings.task],
        weights='trained here' if checkpoint is None else checkpoint.name,
        backbone='random' if settings.from_scratch else 'starts from the weights of the package',
        note='before: the best guesses of the untrained network, without a score threshold; none would pass it',
        units='mm; percent',
        settings={name: str(value) if isinstance(value, Path) else value for name, value in asdict(settings).items()})
    atomic_write(settings.out / 'metrics.json', (json.dumps(report, indent=2) + '\n').encode())
    if checkpoint is None:
        plot_training_curves(Path(runner.log_dir) / 'vis_data' / 'scalars.json', settings.out / 'curves.png')
    plot_metrics({name: _drawable(values) for name, values in metrics.items()}, settings.out / 'metrics.png')
    _show(runner, settings)
    return report


def _evaluate(runner: Runner, **test_cfg) -> dict:
    """The reported metrics of the model as it stands, on the unseen scenes; ``test_cfg`` holds for this time only."""
    kept = runner.model.test_cfg
    runner.model.test_cfg = {**kept, **test_cfg}
    metrics = _reported(runner.val())
    runner.model.test_cfg = kept
    return metrics


def _reported(metrics: dict) -> dict:
    plain = {name.split('/')[-1]: float(value) for name, value in metrics.items()}
    return finite_or_none({name: plain[name] for name in REPORTED})


def _drawable(metrics: dict) -> dict:
    return {name: math.nan if value is None else value for name, value in metrics.items()}


def _baseline(runner: Runner) -> dict:
    """The mean pose of the training scenes at every true root of the unseen ones."""
    train, val = runner.train_dataloader.dataset, runner.val_dataloader.dataset
    metric = METRICS.build(dict(type='MultiPerson3DMetric'))
    metric.dataset_meta = val.metainfo
    samples = ([record_to_sample(dataset.get_data_info(i)) for i in range(len(dataset))] for dataset in (train, val))
    return _reported(mean_pose_baseline(*samples, metric))


# ---------------------------------------------------------------- pictures


@torch.no_grad()
def _show(runner: Runner, settings: DemoSettings) -> None:
    """Overlays, viewer, learned density and offset maps."""
    model, dataset = runner.model.eval(), runner.val_dataloader.dataset
    keypoint_set = KEYPOINT_SETS[dataset.metainfo['keypoint_set']]
    names = [name.replace('_', ' ') for name in keypoint_set.keypoints]
    shown = [dataset[i] for i in range(min(settings.num_shown, len(dataset)))]
    samples = [model.test_step(dict(inputs=[one['inputs']], data_samples=[one['data_samples']]))[0] for one in shown]
    scenes, overlays = [], []
    for index, sample in enumerate(samples):
        image = cv2.imread(sample.img_path)
        truth, found = People.from_instances(sample.gt_instances), People.from_instances(sample.pred_instances)
        overlays.append(draw_truth_and_prediction(image, truth, found, keypoint_set, scale=2.0))
        save_image(settings.out / 'overlays' / f'{index:03d}.jpg', overlays[-1])
        camera, size = sample.metainfo['camera'], (image.shape[1], image.shape[0])
        scenes.append(
            Scene(f'unseen scene {index}', found, size, np.asarray(camera['K']), camera['source'], image, truth))
    titles = [scene.title for scene in scenes]
    save_image(settings.out / 'overlays.png', contact_sheet(overlays, 3, titles))
    write_viewer(settings.out / 'viewer.html', scenes, 'DAS demo: people of unseen scenes', keypoint_set)
    _show_density(model, runner.val_dataloader, names, settings.out)
    _show_offsets(model, shown, names, keypoint_set.root_index, settings.out)


def _show_density(model, dataloader, names: list[str], out: Path) -> None:
    """Learned error density per keypoint before and after the recursive update (journal Fig. 8)."""
    found = []
    for batch in dataloader:
        data = model.data_preprocessor(batch, training=False)
        found.append(model.head.residuals(model.extract_feat(data['inputs']), data['data_samples']))
    sigmas = torch.cat([one['sigmas'] for one in found]).numpy()
    valid = torch.cat([one['valid'] for one in found])
    stages = [('initial', 0)] + ([('updated', -1)] if model.head.update.num_layers else [])
    for stage, step in stages:
        # what training fits to error / sigma is the flow itself, without the prior
        fitted = DLELoss(model.head.pose_losses[f'{stage}_3d'].flow)
        errors = torch.cat([one['errors'][step] for one in found]).numpy()
        plot_error_density(
            error_density_grid(fitted, dims=(0, 1)), error_density_grid(fitted, dims=(2, )), errors, sigmas,
            valid.all(-1).numpy(), names, out / f'error_density_{stage}.png',
            title=f'Learned density of keypoint errors, {stage} offsets')


def _show_offsets(model, shown: list[dict], names: list[str], root: int, out: Path) -> None:
    """Offset maps of the scene with the most people, on the level that holds most of them (journal Fig. 4)."""
    chosen = max(shown, key=lambda one: len(one['data_samples'].gt_instance_labels))
    data = model.data_preprocessor(
        dict(inputs=[chosen['inputs']], data_samples=[chosen['data_samples']]), training=False)
    feats = model.extract_feat(data['inputs'])
    _, targets = model.head.assign_targets(feats, data['data_samples'])
    level = int(np.argmax([len(target.person) for target in targets]))
    maps = [one[0].reshape(len(names), model.head.dims, *one.shape[-2:]).numpy() for one in model.head(feats).pose[level]]
    labels = chosen['data_samples'].gt_instance_labels
    truth = np.where(labels.keypoints_weights[..., None] > 0, labels.keypoints, np.nan)
    wanted = [names.index(name) for name in ('left wrist', 'right ankle', 'nose') if name in names]
    plot_offset_maps(
        chosen['inputs'].permute(1, 2, 0).numpy(), maps[0], model.head.strides[level], names, out / 'offset_maps.png',
        keypoints=wanted, refined=maps[-1] if len(maps) > 1 else None, truth_px=truth, root=root)
