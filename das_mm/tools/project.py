"""`das-mm project NAME.PROGRAM`: a program of a project, from any folder and from an installed package."""

from __future__ import annotations

import argparse
import importlib

from das_mm.command import Verb, completed_by
from das_mm.errors import UserError
from das_mm.project_packages import PACKAGE, import_project, list_programs

HELP = 'run a program of a project, such as spin.fit_dataset'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    completed_by(
        parser.add_argument(
            'program', metavar='NAME.PROGRAM', help=f'one of: {", ".join(list_programs()) or "none is installed"}'
        ),
        lambda **_: list_programs(),
    )
    parser.add_argument('arguments', nargs=argparse.REMAINDER, help='its own; --help tells them')


def run(args: argparse.Namespace) -> int | None:
    """Run it; see :mod:`das_mm.command`.

    Raises:
        UserError: There is no such program, or its project cannot be imported.
    """
    known = list_programs()
    if args.program not in known:
        raise UserError(
            f"there is no program '{args.program}'",
            field='NAME.PROGRAM',
            remedy=f'use one of: {", ".join(known)}' if known else 'install a das_mm that has projects',
        )
    project, _, program = args.program.partition('.')
    import_project(project)
    verb: Verb = importlib.import_module(f'{PACKAGE}.{project}.{project}.{program}')  # type: ignore[assignment]
    parser = argparse.ArgumentParser(prog=f'das-mm project {args.program}', description=verb.HELP)
    verb.add_arguments(parser)
    return verb.run(parser.parse_args(args.arguments))
