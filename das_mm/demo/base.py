"""The base class of the demo's tasks: config, numbers, baselines and pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mmengine.runner import Runner

from das_mm.checkpoints.packaged import BACKBONE_FROM, TINY, backbone_checkpoint, tiny_checkpoint
from das_mm.errors import UserError
from das_mm.evaluation import finite_or_none, record_to_sample
from das_mm.visualization import draw_ground_truth_and_prediction

SCALE = 2.0  # the demos' images are small: overlays are drawn twice as large


class DemoTask(ABC):
    """A task of the demo.

    Attributes:
        name: In :data:`.tasks.DEMO_TASKS`.
        config: Name of its config.
        reported: Name in ``metrics.json`` -> name among the numbers of the evaluation.
        written: What it draws beside the overlays, the viewer and the curves: (files, words).
        packages: Optional packages that it imports -> how to install each.
    """

    name: ClassVar[str]
    config: ClassVar[str]
    reported: ClassVar[Mapping[str, str]]
    written: ClassVar[tuple[tuple[str, str], ...]] = ()
    packages: ClassVar[Mapping[str, str]] = {}

    def check_packages(self) -> None:
        """Import the optional packages of the task.

        Raises:
            UserError: One cannot be imported.
        """
        for package, remedy in self.packages.items():
            try:
                import_module(package)
            except ImportError as error:
                raise UserError(
                    f"the demo '{self.name}' needs {package}, which cannot be imported ({error})",
                    field='--task',
                    remedy=remedy,
                ) from error

    def pretrained(self) -> tuple[Path, str]:
        """The checkpoint of the package for this task, and the name of its config.

        Raises:
            UserError: There are none.
        """
        if self.name not in TINY:
            raise UserError(
                f"the package has no weights for '{self.name}'",
                field='--pretrained',
                remedy='train them: leave --pretrained out',
            )
        return tiny_checkpoint(self.name), TINY[self.name]

    def backbone_weights(self) -> Path | None:
        """The checkpoint whose backbone and pyramid a training starts from; None for random numbers.

        Raises:
            UserError: This installation has no weights.
        """
        return backbone_checkpoint(self.name) if self.name in BACKBONE_FROM else None

    def reported_of(self, metrics: Mapping[str, float]) -> dict[str, float | None]:
        """The task's numbers out of those of an evaluation; None where there is none."""
        return finite_or_none({name: float(metrics[key]) for name, key in self.reported.items()})

    @abstractmethod
    def baselines(self, runner: Runner) -> dict[str, dict]:
        """Numbers to compare with, before anything is learned: name -> numbers."""

    def comparisons(self, runner: Runner, evaluate: Callable[[], dict]) -> dict[str, dict]:
        """Numbers of the trained model in other ways than its own: name -> numbers."""
        return {}

    @abstractmethod
    def show(self, runner: Runner, out: Path, num_shown: int) -> None:
        """Draw what was learned.

        Args:
            runner: Holds the trained model and the unseen scenes.
            out: Folder of the pictures.
            num_shown: Unseen scenes that are drawn.
        """


def training_scenes(runner: Runner) -> Any:
    """The data set that is trained on; it is drawn when it is first asked for."""
    return runner.train_dataloader.dataset


def unseen_scenes(runner: Runner) -> Any:
    """The data set that is evaluated on."""
    return runner.val_dataloader.dataset


def ground_truth_of(dataset: Any) -> list[dict]:
    """The annotated people of every image, as a metric reads them."""
    return [record_to_sample(dataset.get_data_info(index)) for index in range(len(dataset))]


def draw_poses(image, truth, found, keypoint_set, camera) -> np.ndarray:
    """Predicted over true poses; see :func:`.pictures.show_people`."""
    return draw_ground_truth_and_prediction(image, truth, found, keypoint_set, scale=SCALE)
