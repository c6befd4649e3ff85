"""What sparse and dense are compared on: one model with its input, the dense reference of its head, and scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from das_mm.models.pose_estimators import DAS

from .dense_reference import DenseReference
from .planting import Planting
from .scenes import Scene, make_scene
from .subject import level_shapes, random_input
from .timing import Taken, Timed, time_in_turn


@dataclass(frozen=True)
class DenseSetting:
    """What is measured, and how often.

    Attributes:
        size: (width, height) of the network input.
        people: Scenes with so many people each.
        crowd: People who are compared with one person on the same level.
        strides: Levels that hold people (None: :func:`make_scene`'s).
        runs, warmup: Rounds of inference.
        train_runs: Rounds of training steps (0: none), after one that warms up.
        seed: Of the input and of the people.
    """

    size: tuple[int, int]
    people: tuple[int, ...] = (1, 5, 20)
    crowd: int = 50
    strides: tuple[int, ...] | None = None
    runs: int = 7
    warmup: int = 1
    train_runs: int = 3
    seed: int = 0


@dataclass(frozen=True)
class PlantedScene:
    """People, what plants them into the head, and words for both."""

    scene: Scene
    planting: Planting
    words: str


class DenseSetup:
    """One model and what it is measured on.

    Args:
        model: In evaluation mode.
        setting: What to measure.
        say: Told what begins.

    Attributes:
        head: The model's.
        reference: The dense evaluation of that head.
        device: The model's.
        shapes: (h, w) of every level's map.
        image: (1, C, H, W) input of the network.
        feats: (1, C, h, w) input of the head, a level each.
    """

    def __init__(self, model: DAS, setting: DenseSetting, say: Callable[[str], None] = lambda words: None):
        self.model, self.head, self.setting, self.say = model, model.head, setting, say
        self.reference = DenseReference(self.head, model.test_cfg)
        self.device = next(model.parameters()).device
        self.shapes = level_shapes(model, setting.size)
        self.image = random_input(model, 1, setting.size, setting.seed)
        generator = torch.Generator().manual_seed(setting.seed)
        channels = self.head.cls_tower.convs[0].in_channels
        self.feats = [torch.randn(1, channels, *shape, generator=generator).to(self.device) for shape in self.shapes]

    def plant(self, count: int, strides: Sequence[int] | None = None) -> PlantedScene:
        """A scene of ``count`` people on the levels of ``strides``; default: the setting's."""
        scene = make_scene(self.head, count, self.setting.size, strides or self.setting.strides, seed=self.setting.seed)
        levels = f'stride{"s" * (len(scene.strides) > 1)} {", ".join(map(str, scene.strides))}'
        return PlantedScene(scene, Planting(self.head, scene, self.shapes), f'{count_people(count)} on {levels}')

    @torch.no_grad()
    def predict_sparse(self, scene: Scene) -> list:
        """People of every image, by the head as it is."""
        return self.head.predict(self.feats, scene.samples(), self.model.test_cfg)

    def predict_dense(self, scene: Scene) -> list[list[dict]]:
        """People of every image, by the reference."""
        return self.reference.predict(self.feats, scene.samples())

    def time(
        self, ways: dict[str, Callable], planting: Planting, runs: int | None = None, warmup: int | None = None
    ) -> dict[str, Taken]:
        """Times functions in turn with people planted; rounds are the setting's where they are not given."""
        functions = {name: Timed(run, lambda: planting) for name, run in ways.items()}
        return self.time_functions(functions, runs, warmup)

    def time_functions(
        self, functions: dict[str, Timed], runs: int | None = None, warmup: int | None = None
    ) -> dict[str, Taken]:
        """Times functions in turn, on the model's device."""
        return time_in_turn(
            functions,
            self.setting.runs if runs is None else runs,
            self.setting.warmup if warmup is None else warmup,
            self.device,
        )


def count_people(count: int) -> str:
    """
    Example:
        >>> count_people(1), count_people(5)
        ('1 person', '5 people')
    """
    return f'{count} {"person" if count == 1 else "people"}'
