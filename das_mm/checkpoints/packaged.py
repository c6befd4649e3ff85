"""The model zoo: the small checkpoints that come with the package."""

from __future__ import annotations

import json
from pathlib import Path

from das_mm._compat.packaged_files import ASSETS
from das_mm.errors import UserError

#: names of the tiny checkpoints, which are those of their configs, by task: what the demo trains in minutes and what
#: the trainings of the papers' tables begin with
TINY = {
    'pose': 'das_tiny_1xb8-12e_synthetic-448x256',
    'mesh': 'das-mesh_tiny-l2_1xb8-20e_synthetic-448x256',
    'tracking': 'das-track_tiny_1xb8-10e_synthetic-448x256',
}

#: names of the checkpoints that people are found with where none is given, by task; that of meshes holds a branch on
#: the network of that of poses
PACKAGED = {
    'pose': 'das_small_1xb16_photographs-synthetic-416x320',
    'mesh': 'das-mesh_small_1xb16-8e_photographs-synthetic-416x320',
    'tracking': TINY['tracking'],
}

#: task -> the task whose tiny weights lend backbone and pyramid to a training; tracking's have stems for the
#: previous frame
BACKBONE_FROM = {'pose': 'pose', 'mesh': 'pose', 'tracking': 'tracking'}


def backbone_checkpoint(task: str = 'pose') -> Path:
    """The tiny weights whose backbone and pyramid a training of a task starts from.

    Raises:
        UserError: This installation has no weights.
    """
    return tiny_checkpoint(BACKBONE_FROM[task])


def pretrained_checkpoint(task: str = 'pose') -> Path:
    """The weights that come with the package to find people with.

    Raises:
        UserError: The package has none for this task.
    """
    return _asset(f'{PACKAGED[task]}.pth')


def tiny_checkpoint(task: str = 'pose') -> Path:
    """The weights of the demo that come with the package.

    Raises:
        UserError: The package has none for this task.
    """
    return _asset(f'{TINY[task]}.pth')


def _asset(name: str) -> Path:
    path = ASSETS / name
    if not path.is_file():
        raise UserError(
            'the package has no weights for this task', file=path, remedy='train them: leave --pretrained out'
        )
    return path


def packaged_graph(task: str) -> Path | None:
    """The ONNX graph of the small model for a task, where this installation has it.

    Raises:
        KeyError: The package has no model of this task.
    """
    path = ASSETS / f'{PACKAGED[task]}.onnx'
    return path if path.is_file() else None


def learnt_from(task: str = 'pose') -> str:
    """What the weights of the package for a task have seen, in a few words, as their card tells it.

    Raises:
        UserError: The package has none for this task.
    """
    card = pretrained_checkpoint(task).with_suffix('.json')
    told = json.loads(card.read_text(encoding='utf-8')) if card.is_file() else {}
    return str(told.get('learnt_from', 'data that their card does not tell of'))


def packaged_model(task: str = 'pose') -> tuple[Path, str]:
    """Checkpoint and name of the config of the small model that comes with the package.

    Args:
        task: What it does: 'pose', 'mesh' or 'tracking'.

    Raises:
        UserError: The package has no model of this task, or this installation not its weights.
    """
    if task not in PACKAGED:
        raise UserError(
            f"the package has no model for '{task}'",
            field='task',
            remedy=f'give the checkpoint of one (--weights), or choose out of {", ".join(PACKAGED)}',
        )
    try:
        return pretrained_checkpoint(task), PACKAGED[task]
    except UserError as error:
        words, whose = ('', '') if task == 'pose' else (f' --task {task}', f" for '{task}'")
        raise UserError(
            f'this installation has no weights of its own{whose}',
            file=error.file,
            field='weights',
            remedy=f'make some with `das-mm demo{words} --out demo_out` and give the newest .pth of '
            'demo_out/training, or give any checkpoint of a DAS model',
        ) from error
