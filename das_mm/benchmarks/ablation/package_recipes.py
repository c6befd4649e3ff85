"""The recipes of the small weights that come with the package: lessons, each from the weights of the one before."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from das_mm.checkpoints.package_maker import package_weights
from das_mm.checkpoints.packaged import PACKAGED
from das_mm.engine.checkpoint_files import newest_complete_checkpoint
from das_mm.errors import UserError

from .run_plan import Run
from .run_state import read_state
from .run_training import train_run
from .scheduler import Deadline, Notify, work

SIZE = 'package'  # the folder of the configs and of the runs

_POSES_AND_MESHES = ('mesh_1', 'mesh_2')  # poses learn more beside meshes; the pose model leaves the branch out
#: task of the demo -> its lessons, configs in ``configs/benchmark/package``
LESSONS: dict[str, tuple[str, ...]] = dict(
    pose=_POSES_AND_MESHES,
    mesh=_POSES_AND_MESHES,
    tracking=('mesh_1', 'tracking_1', 'tracking_2', 'tracking_3', 'tracking_4', 'tracking_5'),
)


def make_package_weights(
    tasks: Iterable[str], out: str | Path, deadline: Deadline, notify: Notify = lambda run, event: None
) -> list[Path]:
    """Train the weights of some tasks in pieces, as :func:`~das_mm.benchmarks.ablation.work` does, and write those that are
    finished as the package has them: ``OUT/package/CONFIG.pth`` and ``.json``.

    Args:
        tasks: Keys of :data:`LESSONS`; lessons that they share are trained once.
        out: Folder of all runs.
        deadline: When to stop.
        notify: See :data:`~das_mm.benchmarks.ablation.scheduler.Notify`.

    Returns:
        The ``.pth`` files that are finished.

    Raises:
        UserError: Unknown task; what training raises.
    """
    tasks = list(dict.fromkeys(tasks))
    unknown = [task for task in tasks if task not in LESSONS]
    if unknown:
        raise UserError(
            f'no weights come for {", ".join(unknown)}', field='--package', remedy=f'choose among {", ".join(LESSONS)}'
        )
    written = []
    for task in tasks:
        learned = _learn(LESSONS[task], Path(out), deadline, notify)
        if learned is None:
            break
        written.append(_write(task, learned, Path(out)))
    return written


def _learn(lessons: tuple[str, ...], out: Path, deadline: Deadline, notify: Notify) -> Path | None:
    """The checkpoint that the last lesson leaves; None where the lessons are not finished."""
    before: Path | None = None
    for lesson in lessons:
        run = Run(SIZE, lesson, 0)

        def train(one: Run, folder: Path, until: Deadline, before: Path | None = before) -> bool:
            return train_run(one, folder, until, load_from=before)

        if not work([run], out, train, deadline, notify):
            return None
        before = _last_checkpoint(run, out)
    return before


def _last_checkpoint(run: Run, out: Path) -> Path:
    folder = run.folder(out)
    found = newest_complete_checkpoint(folder / 'training')
    if found is None:
        raise UserError(
            'the lesson is finished, but its checkpoint is gone',
            file=folder,
            remedy='delete that folder: the lesson is then trained again',
        )
    return found


def _write(task: str, checkpoint: Path, out: Path) -> Path:
    run = Run(SIZE, LESSONS[task][-1], 0)
    state = read_state(run.folder(out))
    card = dict(
        seed=run.seed,
        machine=state.machine,
        command=f'das-mm benchmark --package {task}',
        lessons=LESSONS[task],
        metrics={'on': f'{state.settings["test_images"]} images of the test set of {run.config}', **state.metrics},
    )
    return package_weights(checkpoint, PACKAGED[task], out / SIZE, card)
