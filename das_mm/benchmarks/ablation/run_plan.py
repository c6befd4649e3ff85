"""What there is to train: sizes, and runs (a training with a seed) in the order in which they are worked off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from das_mm.config_files import config_path
from das_mm.errors import UserError

from .tables import TABLES, trainings_of

SIZES = dict(
    cpu='reduced for a CPU: a narrow ResNet-18 whose weights, and those of its pyramid, come with the package; poses '
    'on 1200 scenes of 256x256 px in 5 epochs, meshes and tracking trained as in their demos; people in suits',
    paper="the papers' networks, image sizes and schedules on 4000 synthetic scenes (or frames), for a GPU; backbones "
    'begin from ImageNet where the configs say so',
)


@dataclass(frozen=True)
class Run:
    """A training with one seed.

    Attributes:
        size: One of :data:`SIZES`, or 'package' (:mod:`~das_mm.benchmarks.ablation.package_recipes`).
        training: Name of the config.
        seed: Of its weights and of the order of its data. The scenes are the same for all seeds.
    """

    size: str
    training: str
    seed: int

    @property
    def config(self) -> str:
        """Name of the config in the package."""
        return f'benchmark/{self.size}/{self.training}.py'

    @property
    def task(self) -> str:
        """'pose', 'mesh' or 'tracking', as in the demo."""
        return self.training.split('_')[0]

    def folder(self, out: str | Path) -> Path:
        return Path(out) / self.size / self.training / f'seed_{self.seed}'


def plan_runs(
    size: str, seeds: Iterable[int] = (0,), tables: Iterable[int] | None = None, trainings: Sequence[str] | None = None
) -> list[Run]:
    """The runs, the first seed of all trainings before the second of any.

    Args:
        size: One of :data:`SIZES`.
        seeds: In their order.
        tables: Numbers of the tables; None for all.
        trainings: Of these tables only the trainings of these names; None for all.

    Raises:
        UserError: Unknown size, table or training, or a seed below zero.
    """
    if size not in SIZES:
        raise UserError(f"there is no size '{size}'", field='--size', remedy=f'choose among {", ".join(SIZES)}')
    names = trainings_of(TABLES if tables is None else tables)
    unknown = [name for name in trainings or () if name not in names]
    if unknown:
        raise UserError(
            f'these tables have no row {", ".join(unknown)}', field='--rows', remedy=f'choose among {", ".join(names)}'
        )
    chosen = [name for name in names if trainings is None or name in trainings]
    seeds = list(dict.fromkeys(seeds))
    if any(seed < 0 for seed in seeds):
        raise UserError('a seed is not negative', field='--seeds', remedy='give whole numbers from 0 on')
    runs = [Run(size, name, seed) for seed in seeds for name in chosen]
    for run in runs[: len(chosen)]:
        config_path(run.config)
    return runs
