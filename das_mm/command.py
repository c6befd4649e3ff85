"""What a verb of `das-mm` is, and how one is run: by the command line (:mod:`das_mm.cli`) or alone as a script; and
what several verbs read alike: configs and sizes.

A verb is a module `das_mm/tools/<verb>.py` (with `_` where the verb has `-`) with what :class:`Verb` says. Its module
loads nothing heavy: its options are shown and completed before anything is run.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, Protocol

from .config_files import runnable_configs
from .errors import UserError
from .killed_processes import words_of_killed

# packages that a wheel cannot demand, since it would bring the wrong mmcv or a chumpy that cannot be built
_INSTALLED_APART = {
    'mmcv': 'pip install --no-deps mmcv-lite==2.1.0',
    'mmpose': "pip install --no-deps 'mmpose>=1.3.0,<1.4'",
}
EXIT_USER_ERROR, EXIT_INTERRUPTED, EXIT_BROKEN_PIPE = 2, 130, 141


class Verb(Protocol):
    """A module of `das_mm.tools`. `run` returns the exit status; None is 0."""

    HELP: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int | None]


def run_verb(name: str, action: Callable[[], int | None]) -> int:
    """Do what a verb does, and tell in words what a user can mend.

    Returns:
        The exit status: what `action` returned (0 for None), 2 for a :class:`UserError`, whose message alone is
        printed, and where another process of the run was killed, 130 when interrupted, 141 when the reader of the
        output has left.
    """
    _silence_known_noise()
    try:
        return action() or 0
    except UserError as error:
        print(f'das-mm {name}: {_own_words(error)}{_missing_packages()}', file=sys.stderr)
        return EXIT_USER_ERROR
    except ModuleNotFoundError as error:
        missing = _missing_packages()
        if not missing:
            raise
        print(f'das-mm {name}: {error}{missing}', file=sys.stderr)
        return EXIT_USER_ERROR
    except RuntimeError as error:
        words = words_of_killed(error)
        if words is None:
            raise
        print(f'das-mm {name}: {words}', file=sys.stderr)
        return EXIT_USER_ERROR
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # whoever read the output (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more when it exits
        return EXIT_BROKEN_PIPE


def run_script(module: ModuleType) -> NoReturn:
    """Run the verb that is the script of this process, as mim (`python .../tools/<verb>.py …`) and `torchrun -m` do."""
    file = Path(module.__file__ or '')
    folder = str(file.resolve().parent)
    sys.path[:] = [entry for entry in sys.path if entry != folder]  # `import test` must not find ours
    parser = argparse.ArgumentParser(prog=f'das-mm {file.stem}', description=module.HELP)
    module.add_arguments(parser)
    args = parser.parse_args()
    sys.exit(run_verb(file.stem, lambda: module.run(args)))


def add_config_argument(parser: Any, *names: str, **options: Any) -> None:
    """An argument that takes the path of a config or the name of one of ours, which the shell completes.

    Args:
        parser: A parser or a group of its arguments.
        names: As for `add_argument`; default: the positional argument `config`.
        options: As for `add_argument`.
    """
    options.setdefault('help', "path of a config, or the name of one of das_mm's")
    completed_by(parser.add_argument(*(names or ('config',)), **options), complete_config)


def add_allow_argument(parser: Any) -> None:
    """The option by which a user trusts code of other packages that a file names."""
    parser.add_argument(
        '--allow',
        action='append',
        default=[],
        metavar='NAME',
        help='package, module, class or python config that a checkpoint, an ONNX file or a config in yaml or json may '
        'name to be run, beside what das_mm, mmpose, mmdet and mmengine register; may be repeated',
    )


def completed_by(argument: Any, completer: Callable[..., Sequence[str]]) -> None:
    """Let the shell complete what stands for an argument; see argcomplete. The completer is called by keywords."""
    argument.completer = completer


def complete_config(prefix: str, **_: Any) -> list[str]:
    """What a beginning can be made to: names of runnable configs, with their folder or without, and files."""
    from argcomplete.completers import FilesCompleter  # only while a shell completes

    runnable = runnable_configs()
    names = [name for name in runnable if name.startswith(prefix)]
    names = names or [name for name in (entry.rsplit('/', 1)[-1] for entry in runnable) if name.startswith(prefix)]
    return names + [file for file in FilesCompleter(['py'])(prefix) if file not in names]


def _silence_known_noise() -> None:
    """mmengine 0.10 asks pkg_resources on every config; its deprecation is not the user's business."""
    warnings.filterwarnings('ignore', message='pkg_resources is deprecated', category=UserWarning)


def _missing_packages() -> str:
    """Lines to end a message with: which of the packages installed apart are not, and the commands; mostly ''."""
    lines = [f'{name} is not installed: {command}' for name, command in _INSTALLED_APART.items() if not find_spec(name)]
    return ''.join(f'\n  {line}' for line in lines)


def _own_words(error: UserError) -> str:
    """The message; one that crossed from a data worker comes wrapped in the worker's stack trace."""
    text = str(error)
    return text.rsplit('UserError: ', 1)[-1].rstrip() if 'Original Traceback' in text else text


def parse_size(text: str) -> tuple[int, int] | None:
    """'832x512' or '832X512' to (832, 512), width first; None for what is no size."""
    width, cross, height = text.lower().partition('x')
    return (int(width), int(height)) if cross and width.isdigit() and height.isdigit() else None


def size_argument(example: str, least: int = 1) -> Callable[[str], tuple[int, int]]:
    """What reads a size for argparse.

    Args:
        example: A size, for the message to who wrote none.
        least: Of either side, px.
    """

    def read(text: str) -> tuple[int, int]:
        size = parse_size(text)
        if size is None or min(size) < least:
            raise argparse.ArgumentTypeError(
                f"'{text}' is no size: write WIDTHxHEIGHT, as {example}, at least {least}x{least}"
            )
        return size

    return read
