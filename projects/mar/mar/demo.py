"""MAR on synthetic people: ``das-mm project mar.demo --out mar_demo``.

Makes scenes, trains the tiny model in about a quarter of an hour on two cores, evaluates it on unseen scenes, and draws
heat maps, part affinity fields, both depths with their σ beside the truth, and the people in 3D.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.runner import Runner

from das_mm.checkpoints.packaged import backbone_checkpoint
from das_mm.command import run_script
from das_mm.demo.base import DemoTask, draw_poses, ground_truth_of, training_scenes, unseen_scenes
from das_mm.demo.main_job import DemoSettings, run_demo
from das_mm.demo.pictures import show_people
from das_mm.demo.tasks import DEMO_TASKS
from das_mm.evaluation import mean_pose_baseline
from das_mm.evaluation.functional.matching import OneToOneMatcher
from das_mm.registry import METRICS
from das_mm.structures.people import People

from .map_pictures import save_depth_plot, save_map_sheet

HELP = 'train a tiny MAR on synthetic people, evaluate it and draw what it learned'

_CONFIG = Path(__file__).parents[1] / 'configs' / 'mar_tiny_1xb8-12e_synthetic-448x256.py'
_DEPTHS = ('regression_median_mm', 'geometry_median_mm', 'told_median_mm', 'geometry_valid')
_POSES = ('mpjpe_mm', 'pck_rel', 'pck_abs', 'recall', 'precision')


@DEMO_TASKS.register('mar')
class MARTask(DemoTask):
    """MAR: 3D poses of every person, bottom-up."""

    name = 'mar'
    config = str(_CONFIG)
    reported = {
        **{name: f'pose3d/{name}' for name in _POSES},
        **{f'depth_{name}': f'root_depth/{name}' for name in _DEPTHS},
    }
    written = (
        ('maps.png', 'heat maps and part affinity fields'),
        ('depths.png', 'both depths of everybody, with their σ, beside the truth'),
    )

    def backbone_weights(self) -> Path | None:
        """The package's weights of DAS, whose backbone this model has; its pyramid is another one and starts anew."""
        return backbone_checkpoint('pose')

    def reported_of(self, metrics: Mapping[str, float]) -> dict[str, float | None]:
        """The task's numbers; those of depths only where people were found by this model."""
        missing = {key: float('nan') for key in self.reported.values() if key not in metrics}
        return super().reported_of({**metrics, **missing})

    def baselines(self, runner: Runner) -> dict[str, dict]:
        """The mean pose of the training scenes at every true root of the unseen ones."""
        train, val = training_scenes(runner), unseen_scenes(runner)
        metric = METRICS.build(dict(type='MultiPerson3DMetric'))
        metric.dataset_meta = val.metainfo
        return dict(
            mean_pose_baseline=self.reported_of(
                mean_pose_baseline(ground_truth_of(train), ground_truth_of(val), metric)
            )
        )

    @torch.no_grad()
    def show(self, runner: Runner, out: Path, num_shown: int) -> None:
        shown = show_people(runner, out, num_shown, 'MAR demo: people of unseen scenes', draw_poses)
        model: Any = runner.model
        rows = []
        for item in shown[:3]:
            data = model.data_preprocessor(dict(inputs=[item['inputs']], data_samples=[item['data_samples']]))
            heatmaps, fields, *_ = (one[0].numpy() for one in model.head(model.extract_feat(data['inputs'])).finest())
            rows.append((item['inputs'].numpy().transpose(1, 2, 0), heatmaps, fields))
        save_map_sheet(out / 'maps.png', rows)
        true_mm, depths, sigmas = _depths_of(model, unseen_scenes(runner))
        save_depth_plot(out / 'depths.png', true_mm, depths, sigmas)


def _depths_of(model: Any, dataset: Any) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """True depths (n,) of the people who are found, what each depth says of them, and its σ."""
    names = dict(regression='depth_regression_mm', geometry='depth_geometry_mm', told='root_depths_mm')
    true_mm: list[np.ndarray] = []
    told: dict[str, list[np.ndarray]] = {name: [] for name in (*names, 'regression σ', 'geometry σ')}
    for index in range(len(dataset)):
        item = dataset[index]
        sample = model.test_step(dict(inputs=[item['inputs']], data_samples=[item['data_samples']]))[0]
        truth, found = People.from_instances(sample.gt_instances), People.from_instances(sample.pred_instances)
        partner = OneToOneMatcher().match(truth, found, model.head.skeleton.root)
        rows = partner[partner >= 0]
        true_mm.append(np.asarray(sample.gt_instances.root_depths_mm)[partner >= 0])
        for name, field in names.items():
            told[name].append(np.asarray(sample.pred_instances[field])[rows])
        for name in ('regression', 'geometry'):
            told[f'{name} σ'].append(np.asarray(sample.pred_instances[f'depth_{name}_sigma_mm'])[rows])
    joined = {name: np.concatenate(values) for name, values in told.items()}
    sigmas = {name: joined.pop(f'{name} σ') for name in ('regression', 'geometry')}
    return np.concatenate(true_mm), joined, sigmas


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='everything is written there')
    parser.add_argument('--num-train', type=int, metavar='N', help='scenes to train on; default: as in the config')
    parser.add_argument('--num-val', type=int, metavar='N', help='unseen scenes; default: as in the config')
    parser.add_argument('--epochs', type=int, metavar='N', help='default: as in the config')
    parser.add_argument('--seed', type=int, default=0, help='default 0')
    parser.add_argument(
        '--from-scratch', action='store_true', help="the backbone does not start from that of the package's DAS"
    )


def run(args: argparse.Namespace) -> None:
    """Run the demo, print its numbers and where what lies."""
    settings = DemoSettings(
        args.out, 'mar', args.num_train, args.num_val, args.epochs, args.seed, from_scratch=args.from_scratch
    )
    report = run_demo(settings)
    for row in report['rows']:
        numbers = (f'{name} {value:.1f}' for name, value in report[row].items() if value is not None)
        print(f'{row}: {", ".join(numbers)}')
    for name, what in (('overlays.png', 'predictions over the truth'), ('viewer.html', '3D'), *MARTask.written):
        print(f'{args.out / name}  {what}')


if __name__ == '__main__':
    run_script(sys.modules[__name__])
