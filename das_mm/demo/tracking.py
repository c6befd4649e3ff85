"""The demo of tracking."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.runner import Runner

from das_mm.registry import TASK_UTILS

from .base import DemoTask, draw_poses, unseen_scenes
from .pictures import show_people


class TrackingTask(DemoTask):
    """Identities over time."""

    name = 'tracking'
    config = 'das-track_tiny_1xb8-10e_synthetic-448x256'
    reported = dict(
        mota='tracking/mota',
        idf1='tracking/idf1',
        num_switches='tracking/num_switches',
        recall='tracking/recall',
        precision='tracking/precision',
        mpjpe_mm='pose3d/mpjpe_mm',
    )
    packages = dict(motmetrics='pip install das_mm[track]')

    def baselines(self, runner: Runner) -> dict[str, dict]:
        """None: without a network there is nobody to track."""
        return {}

    def comparisons(self, runner: Runner, evaluate: Callable[[], dict]) -> dict[str, dict]:
        """The same people, joined to the nearest pose of the frame before: what the displacements are worth."""
        model: Any = runner.model
        kept, model.tracker = model.tracker, TASK_UTILS.build(dict(type='NearestPoseTracker'))
        model.forget()
        nearest = evaluate()
        model.tracker = kept
        model.forget()
        return dict(after_without_displacement=nearest)

    def show(self, runner: Runner, out: Path, num_shown: int) -> None:
        model: Any = runner.model
        model.forget()
        show_people(
            runner,
            out,
            num_shown,
            'DAS demo: people of an unseen clip',
            draw_poses,
            frames_per_second=unseen_scenes(runner).config.fps,
        )
