"""What the demo can train: for each task its config, its numbers, its baselines and its pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
from mmengine.runner import Runner

from das_mm.evaluation import finite_or_none, mean_pose_baseline, record_to_sample
from das_mm.evaluation.baselines.mean_body import mean_body_scores
from das_mm.registry import METRICS, TASK_UTILS
from das_mm.structures import KEYPOINT_SETS
from das_mm.visualization import draw_people, draw_truth_and_prediction
from das_mm.visualization.mesh_overlay import draw_meshes

from .pictures import show_density, show_offsets, show_people

_SCALE = 2.0  # of the small images of the demos, so that overlays can be looked at


class DemoTask(ABC):
    """One task.

    Attributes:
        config: Name of its config.
        start: The task whose weights in the package lend their backbone and pyramid.
        reported: Name in ``metrics.json`` -> name among the numbers of the evaluation.
        written: What it draws beside the overlays, the viewer and the curves: (files, words).
    """

    config: ClassVar[str]
    start: ClassVar[str] = 'pose'
    reported: ClassVar[dict[str, str]]
    written: ClassVar[tuple[tuple[str, str], ...]] = ()

    def reported_of(self, metrics: dict) -> dict:
        """The task's numbers out of those of an evaluation; None where there is none."""
        return finite_or_none({name: float(metrics[key]) for name, key in self.reported.items()})

    @abstractmethod
    def baselines(self, runner: Runner) -> dict[str, dict]:
        """Numbers to compare with, before anything is learned: name -> numbers."""

    def comparisons(self, runner: Runner, evaluate: Callable[[], dict]) -> dict[str, dict]:
        """Numbers of the trained model in other ways than its own."""
        return {}

    @abstractmethod
    def show(self, runner: Runner, out: Path, num_shown: int) -> None:
        """Draws what was learned."""


class PoseTask(DemoTask):
    """3D poses: the main job."""

    config = 'das_tiny_1xb8-12e_synthetic-448x256'
    reported = {name: f'pose3d/{name}' for name in ('mpjpe_mm', 'pck_rel', 'pck_abs', 'recall', 'precision')}
    written = (
        ('error_density_*.png', 'the error distribution that was learned'),
        ('offset_maps.png', 'where every pixel thinks that a keypoint is'),
    )

    def baselines(self, runner: Runner) -> dict[str, dict]:
        """The mean pose of the training scenes at every true root of the unseen ones."""
        train, val = runner.train_dataloader.dataset, runner.val_dataloader.dataset
        metric = METRICS.build(dict(type='MultiPerson3DMetric'))
        metric.dataset_meta = val.metainfo
        return dict(mean_pose_baseline=self.reported_of(mean_pose_baseline(_truth_of(train), _truth_of(val), metric)))

    def show(self, runner: Runner, out: Path, num_shown: int) -> None:
        shown = show_people(runner, out, num_shown, 'DAS demo: people of unseen scenes', _draw_poses)
        model = runner.model
        keypoint_set = KEYPOINT_SETS[runner.val_dataloader.dataset.metainfo['keypoint_set']]
        names = [name.replace('_', ' ') for name in keypoint_set.keypoints]
        show_density(model, runner.val_dataloader, names, out)
        show_offsets(model, shown, names, keypoint_set.root_index, out)


class MeshTask(DemoTask):
    """Body meshes beside the poses."""

    config = 'das-mesh_tiny_1xb8-12e_synthetic-448x256'
    reported = dict(
        pve_mm='mesh/pve_root_mm',
        mesh_mpjpe_mm='mesh/mpjpe_mm',
        mesh_pa_mpjpe_mm='mesh/pa_mpjpe_mm',
        pose_mpjpe_mm='pose3d/mpjpe_mm',
        recall='pose3d/recall',
        precision='pose3d/precision',
    )

    def baselines(self, runner: Runner) -> dict[str, dict]:
        """The mean body of the training scenes at every true root, turned as people are on average, and as they truly
        are; there is no pose head in it."""
        train, val = runner.train_dataloader.dataset, runner.val_dataloader.dataset
        found = {}
        for orientation in ('mean', 'true'):
            metric = METRICS.build(dict(type='MeshMetric', body_model=dict(type='SMPLBody')))
            metric.dataset_meta = val.metainfo
            scores = mean_body_scores(_truth_of(train), _truth_of(val), metric, orientation=orientation)
            known = {name: float(scores[key]) for name, key in self.reported.items() if key in scores}
            found[f'mean_body_{orientation}_orientation'] = finite_or_none(
                {**dict.fromkeys(self.reported, np.nan), **known}
            )
        return found

    def show(self, runner: Runner, out: Path, num_shown: int) -> None:
        branch = runner.model.head.branches['mesh']
        faces = branch.body.faces.cpu().numpy()
        kept, branch.with_vertices = branch.with_vertices, True

        def draw(image, truth, found, keypoint_set, camera):
            if found.vertices_cam_mm is None or not len(found):
                return draw_people(image, found, keypoint_set, scale=_SCALE)
            return draw_meshes(
                image, found.vertices_cam_mm, faces, np.asarray(camera['K']), camera.get('dist'), scale=_SCALE
            )

        show_people(runner, out, num_shown, 'DAS demo: meshes of unseen scenes', draw, faces)
        branch.with_vertices = kept


class TrackingTask(DemoTask):
    """Identities over time."""

    config = 'das-track_tiny_1xb8-10e_synthetic-448x256'
    start = 'tracking'  # the stems of the previous frame have their lesson behind them
    reported = dict(
        mota='tracking/mota',
        idf1='tracking/idf1',
        num_switches='tracking/num_switches',
        recall='tracking/recall',
        precision='tracking/precision',
        mpjpe_mm='pose3d/mpjpe_mm',
    )

    def baselines(self, runner: Runner) -> dict[str, dict]:
        return {}  # without a network there is nobody to track

    def comparisons(self, runner: Runner, evaluate: Callable[[], dict]) -> dict[str, dict]:
        """The same people, joined to the nearest pose of the frame before: what the displacements are worth."""
        model = runner.model
        kept, model.tracker = model.tracker, TASK_UTILS.build(dict(type='NearestPoseTracker'))
        model.forget()
        nearest = evaluate()
        model.tracker = kept
        model.forget()
        return dict(after_without_displacement=nearest)

    def show(self, runner: Runner, out: Path, num_shown: int) -> None:
        runner.model.forget()
        show_people(
            runner,
            out,
            num_shown,
            'DAS demo: people of an unseen clip',
            _draw_poses,
            frames_per_second=runner.val_dataloader.dataset.config.fps,
        )


TASKS: dict[str, DemoTask] = dict(pose=PoseTask(), mesh=MeshTask(), tracking=TrackingTask())


def _truth_of(dataset) -> list[dict]:
    return [record_to_sample(dataset.get_data_info(index)) for index in range(len(dataset))]


def _draw_poses(image, truth, found, keypoint_set, camera) -> np.ndarray:
    return draw_truth_and_prediction(image, truth, found, keypoint_set, scale=_SCALE)
