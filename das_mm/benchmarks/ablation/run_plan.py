"""What there is to train: sizes, and runs (a training with a seed) in the order in which they are trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from das_mm.errors import UserError

from .config_variant import ConfigVariant
from .package_stages import STAGES
from .row_configs import row_config, task_of
from .tables import TABLES, trainings_of

SIZES = dict(
    cpu='reduced for a CPU: a narrow ResNet-18 whose weights, and those of its pyramid, come with the package; poses '
    'on 1200 scenes of 256x256 px in 5 epochs, meshes and tracking trained as in their demos; people in suits',
    paper="the papers' networks, image sizes and schedules on 4000 synthetic scenes (or frames), for a GPU; backbones "
    'begin from ImageNet where the configs say so',
)
#: in place of a size: the stages of the package's own weights
PACKAGE_SIZE = 'package'


@dataclass(frozen=True)
class Run:
    """A training with one seed.

    Attributes:
        size: One of :data:`SIZES`, or :data:`PACKAGE_SIZE`.
        training: Name of a training of the tables; of the package's weights, of a stage.
        seed: Of its weights and of the order of its data. The scenes are the same for all seeds.
    """

    size: str
    training: str
    seed: int

    @property
    def config(self) -> ConfigVariant:
        """The config of the run, before the seed and the folder are set."""
        return STAGES[self.training] if self.size == PACKAGE_SIZE else row_config(self.size, self.training)

    @property
    def task(self) -> str:
        """The task that is trained: 'pose', 'mesh' or 'tracking'."""
        return task_of(self.training)

    def folder(self, out: str | Path) -> Path:
        return Path(out) / self.size / self.training / f'seed_{self.seed}'


def plan_runs(
    size: str, seeds: Iterable[int] = (0,), tables: Iterable[int] | None = None, trainings: Sequence[str] | None = None
) -> list[Run]:
    """List the runs, the first seed of all trainings before the second of any.

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
    return [Run(size, name, seed) for seed in seeds for name in chosen]
