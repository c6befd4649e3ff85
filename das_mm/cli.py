"""The command `das-mm VERB …`. Each module of `das_mm.tools` is a verb and is imported when it is called."""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from . import tools
from .command import EXIT_USER_ERROR, Verb, run_verb
from .version import __version__

# as a newcomer meets them; others follow
_ORDER = (
    'demo',
    'infer',
    'fit',
    'fit-views',
    'lift',
    'train',
    'test',
    'browse',
    'data',
    'convert',
    'convert-checkpoint',
    'synth',
    'project',
    'export',
    'export-motion',
    'package',
    'speed',
    'ablation',
    'doctor',
)
_RENAMED = {'bench': 'speed', 'benchmark': 'ablation'}
_COMPLETION = 'to complete verbs, options and configs in bash: eval "$(register-python-argcomplete das-mm)"'


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; see :mod:`das_mm.command`.

    Returns:
        The exit status of :func:`.run_verb`, and 2 for a wrong command line.
    """
    # before torch is loaded: threads of OpenMP that spin while they wait take the processor from those that work, and
    # on a busy machine two threads become slower than one
    os.environ.setdefault('GOMP_SPINCOUNT', '0')
    if '_ARGCOMPLETE' in os.environ:  # the shell asks for completions, and this process ends with them
        complete()
    argv = list(sys.argv[1:] if argv is None else argv)
    called = _first_word(argv)
    if called is not None and called not in verbs():
        print(f'das-mm: {_unknown(called)}', file=sys.stderr)
        return EXIT_USER_ERROR
    return run_verb(called or '', lambda: _run(argv, called))


def verbs() -> list[str]:
    """Names of the verbs there are."""
    names = [module.name.replace('_', '-') for module in pkgutil.iter_modules(tools.__path__) if not module.ispkg]
    return sorted(names, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))


def complete(exit_method: Callable[[int], object] = os._exit, output_stream: TextIO | None = None) -> None:
    """Answer a shell that completes a command line, which it gives in the environment; see argcomplete.

    Args:
        exit_method: What ends the process.
        output_stream: Where the completions go; default: where the shell reads them.
    """
    import argcomplete

    line = os.environ['COMP_LINE'].encode()[: int(os.environ['COMP_POINT'])].decode(errors='ignore')
    words = line.split()[int(os.environ['_ARGCOMPLETE']) :]
    parser, _ = _build_parser(_first_word(words))
    argcomplete.autocomplete(parser, exit_method=exit_method, output_stream=output_stream)


def _run(argv: list[str], called: str | None) -> int | None:
    parser, verb = _build_parser(called)
    args = parser.parse_args(argv)
    if verb is None:
        return parser.print_help()
    return verb.run(args)


def _build_parser(called: str | None) -> tuple[argparse.ArgumentParser, Verb | None]:
    """The parser, with the arguments of the verb that is called only, and the module of that verb."""
    parser = argparse.ArgumentParser(
        prog='das-mm', description='Every person in an image or video in 3D, in one pass.', epilog=_COMPLETION
    )
    parser.add_argument('--version', action='version', version=f'das-mm {__version__}')
    subparsers = parser.add_subparsers(dest='verb', metavar='VERB')
    verb = None
    for name in verbs():
        if name == called:
            verb = importlib.import_module(f'{tools.__name__}.{_module_name(name)}')
            verb.add_arguments(subparsers.add_parser(name, help=verb.HELP, description=verb.HELP))
        else:
            subparsers.add_parser(name, help=_read_help(name), add_help=False)
    return parser, verb  # type: ignore[return-value]  # a module has what the protocol asks for


def _first_word(argv: Sequence[str]) -> str | None:
    return next((word for word in argv if not word.startswith('-')), None)


def _unknown(word: str) -> str:
    """What to say of a verb that there is not."""
    if word in _RENAMED:
        return f"the verb '{word}' is called '{_RENAMED[word]}' now\n  remedy: das-mm {_RENAMED[word]} …"
    near = difflib.get_close_matches(word, verbs(), n=3)
    remedy = f'did you mean {" or ".join(near)}?' if near else f'use one of: {", ".join(verbs())}'
    return f"there is no verb '{word}'\n  remedy: {remedy}"


def _read_help(verb: str) -> str:
    """The string `HELP` of a verb's file, without importing what the file imports."""
    for folder in tools.__path__:
        file = Path(folder, f'{_module_name(verb)}.py')
        for node in ast.parse(file.read_text(encoding='utf-8')).body if file.is_file() else ():
            if isinstance(node, ast.Assign) and any(getattr(target, 'id', None) == 'HELP' for target in node.targets):
                return ast.literal_eval(node.value)
    raise AttributeError(f'das_mm/tools/{_module_name(verb)}.py has no HELP')


def _module_name(verb: str) -> str:
    return verb.replace('-', '_')


if __name__ == '__main__':
    sys.exit(main())
