"""The command `das-mm VERB …`. Each module of `das_mm.tools` is a verb and is imported when it is called."""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import pkgutil
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from . import tools
from .errors import UserError
from .version import __version__

_EXIT_USER_ERROR, _EXIT_INTERRUPTED, _EXIT_BROKEN_PIPE = 2, 130, 141
# as a newcomer meets them; others follow
_ORDER = (
    'demo',
    'infer',
    'train',
    'test',
    'browse',
    'data',
    'convert',
    'convert-checkpoint',
    'synth',
    'export',
    'bench',
    'benchmark',
    'doctor',
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb.

    A verb is a module `das_mm/tools/<verb>.py` (with `_` where the verb has `-`) with `HELP: str`,
    `add_arguments(parser)` and `run(args) -> int`.

    Returns:
        The exit status: the verb's own, 2 for a :class:`UserError` (its message alone is printed) and for a wrong
        command line, 130 when interrupted.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    _silence_known_noise()
    parser, modules = _build_parser(argv)
    args = parser.parse_args(argv)
    if args.verb is None:
        parser.print_help()
        return 0
    try:
        return modules[args.verb].run(args) or 0
    except UserError as error:
        print(f'das-mm {args.verb}: {_own_words(error)}', file=sys.stderr)
        return _EXIT_USER_ERROR
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return _EXIT_INTERRUPTED
    except BrokenPipeError:  # whoever read the output (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more when it exits
        return _EXIT_BROKEN_PIPE


def verbs() -> list[str]:
    """Names of the verbs there are."""
    modules = [module.name for module in pkgutil.iter_modules(tools.__path__)]
    names = [name.replace('_', '-') for name in modules if not name.startswith('_')]
    return sorted(names, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))


def _build_parser(argv: list[str]):
    """The parser, with the arguments of the verb in `argv` only, and the modules imported for it."""
    parser = argparse.ArgumentParser(prog='das-mm', description='Every person in an image or video in 3D, in one pass.')
    parser.add_argument('--version', action='version', version=f'das-mm {__version__}')
    subparsers = parser.add_subparsers(dest='verb', metavar='VERB')
    called = next((word for word in argv if not word.startswith('-')), None)
    modules = {}
    for name in verbs():
        if name == called:
            module = modules[name] = importlib.import_module(f'{tools.__name__}.{_module_name(name)}')
            module.add_arguments(subparsers.add_parser(name, help=module.HELP, description=module.HELP))
        else:
            subparsers.add_parser(name, help=_read_help(name), add_help=False)
    return parser, modules


def _read_help(verb: str) -> str:
    """The string `HELP` of a verb's file, without importing what the file imports."""
    source = Path(tools.__path__[0], f'{_module_name(verb)}.py').read_text(encoding='utf-8')
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and any(getattr(target, 'id', None) == 'HELP' for target in node.targets):
            return ast.literal_eval(node.value)
    raise AttributeError(f'das_mm/tools/{_module_name(verb)}.py has no HELP')


def _module_name(verb: str) -> str:
    return verb.replace('-', '_')


def _silence_known_noise() -> None:
    """mmengine 0.10 asks pkg_resources on every config; its deprecation is not the user's business."""
    warnings.filterwarnings('ignore', message='pkg_resources is deprecated', category=UserWarning)


def _own_words(error: UserError) -> str:
    """The message; one that crossed from a data worker comes wrapped in the worker's stack trace."""
    text = str(error)
    return text.rsplit('UserError: ', 1)[-1].rstrip() if 'Original Traceback' in text else text


if __name__ == '__main__':
    sys.exit(main())
