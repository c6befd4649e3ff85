"""The demo of 3D poses: the main job."""

from __future__ import annotations

from pathlib import Path

from mmengine.runner import Runner

from das_mm.evaluation import mean_pose_baseline
from das_mm.registry import METRICS
from das_mm.structures import KEYPOINT_SETS

from .base import DemoTask, draw_poses, ground_truth_of, training_scenes, unseen_scenes
from .pictures import show_density, show_offsets, show_people


class PoseTask(DemoTask):
    """3D poses of every person."""

    name = 'pose'
    config = 'das_tiny_1xb8-12e_synthetic-448x256'
    reported = {name: f'pose3d/{name}' for name in ('mpjpe_mm', 'pck_rel', 'pck_abs', 'recall', 'precision')}
    written = (
        ('error_density_*.png', 'the error distribution that was learned'),
        ('offset_maps.png', 'where every pixel thinks that a keypoint is'),
    )

    def baselines(self, runner: Runner) -> dict[str, dict]:
        """The mean pose of the training scenes at every true root of the unseen ones."""
        train, val = training_scenes(runner), unseen_scenes(runner)
        metric = METRICS.build(dict(type='MultiPerson3DMetric'))
        metric.dataset_meta = val.metainfo
        scores = mean_pose_baseline(ground_truth_of(train), ground_truth_of(val), metric)
        return dict(mean_pose_baseline=self.reported_of(scores))

    def show(self, runner: Runner, out: Path, num_shown: int) -> None:
        shown = show_people(runner, out, num_shown, 'DAS demo: people of unseen scenes', draw_poses)
        keypoint_set = KEYPOINT_SETS[unseen_scenes(runner).metainfo['keypoint_set']]
        names = [name.replace('_', ' ') for name in keypoint_set.keypoints]
        show_density(runner.model, runner.val_dataloader, names, out)
        show_offsets(runner.model, shown, names, keypoint_set.root_index, out)
