"""The maker of the tiny weights that come with the package: stages of training, each from the weights of the last."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from das_mm.checkpoints.package_maker import package_weights
from das_mm.checkpoints.packaged import TINY
from das_mm.deploy.package_graph import write_package_graph
from das_mm.engine.checkpoint_files import newest_complete_checkpoint
from das_mm.errors import UserError

from .package_stages import TASK_STAGES
from .run_plan import PACKAGE_SIZE, Run
from .run_state import read_state
from .run_training import train_run
from .scheduler import Deadline, Notify, train_runs


def make_package_weights(
    tasks: Iterable[str], out: str | Path, deadline: Deadline, notify: Notify = lambda run, event: None
) -> list[Path]:
    """Train the weights of some tasks in pieces, as :func:`.train_runs` does, and write those that are finished.

    They are written as the package has them: ``OUT/package/CONFIG.pth``, its graph ``.onnx`` and its card ``.json``.

    Args:
        tasks: Keys of :data:`.package_stages.TASK_STAGES`; stages that they share are trained once.
        out: Folder of all runs.
        deadline: When to stop.
        notify: See :data:`~das_mm.benchmarks.ablation.scheduler.Notify`.

    Returns:
        The ``.pth`` and ``.onnx`` files that are finished.

    Raises:
        UserError: Unknown task; what training raises; a graph does not give what PyTorch gives.
    """
    tasks = list(dict.fromkeys(tasks))
    unknown = [task for task in tasks if task not in TASK_STAGES]
    if unknown:
        raise UserError(
            f'the package has no weights for {", ".join(unknown)}',
            field='--package',
            remedy=f'choose among {", ".join(TASK_STAGES)}',
        )
    written = []
    for task in tasks:
        checkpoint = _train_stages(TASK_STAGES[task], Path(out), deadline, notify)
        if checkpoint is None:
            break
        written += _write(task, checkpoint, Path(out))
    return written


def _train_stages(stages: tuple[str, ...], out: Path, deadline: Deadline, notify: Notify) -> Path | None:
    """The checkpoint that the last stage leaves; None where the stages are not finished."""
    before: Path | None = None
    for stage in stages:
        run = Run(PACKAGE_SIZE, stage, 0)

        def train(one: Run, folder: Path, until: Deadline, before: Path | None = before) -> bool:
            return train_run(one, folder, until, load_from=before)

        if not train_runs([run], out, train, deadline, notify):
            return None
        before = _last_checkpoint(run, out)
    return before


def _last_checkpoint(run: Run, out: Path) -> Path:
    folder = run.folder(out)
    found = newest_complete_checkpoint(folder / 'training')
    if found is None:
        raise UserError(
            'the stage is finished, but its checkpoint is gone',
            file=folder,
            remedy='delete that folder: the stage is then trained again',
        )
    return found


def _write(task: str, checkpoint: Path, out: Path) -> list[Path]:
    """Weights and graph; what an earlier call wrote is kept, since the graph takes a minute."""
    weights = out / PACKAGE_SIZE / f'{TINY[task]}.pth'
    files = [weights, weights.with_suffix('.onnx')]
    if all(file.is_file() and file.stat().st_mtime >= checkpoint.stat().st_mtime for file in files):
        return files
    run = Run(PACKAGE_SIZE, TASK_STAGES[task][-1], 0)
    state = read_state(run.folder(out))
    assert state is not None  # its stages are finished
    judged_on = f'{state.settings["test_images"]} images of the test set of {run.config.base}'
    card = dict(
        seed=run.seed,
        machine=state.evaluated.machine,
        command=f'das-mm ablation --package {task}',
        stages=TASK_STAGES[task],
        metrics={'on': judged_on, **state.evaluated.metrics},
    )
    package_weights(checkpoint, TINY[task], weights.parent, card)
    write_package_graph(weights)
    return files
