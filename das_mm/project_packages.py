"""The projects that come with das_mm: where they lie, and how Python finds `projects.<name>.<name>`.

In a checkout they stand beside the package, in an installed one under `.mim`. `projects` and `projects.<name>` are
namespace packages: one without an `__init__.py` of the user's own, as mmpose's checkout has it, is merged with ours.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from .errors import UserError

PACKAGE = 'projects'


def project_root() -> Path:
    """The folder `projects`: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / '.mim'
    return (installed if installed.is_dir() else package.parent) / PACKAGE


def list_projects() -> list[str]:
    """Names of the projects that have a package."""
    return sorted(
        path.parent.name for path in project_root().glob('*/*/__init__.py') if path.parent.name == path.parts[-3]
    )


def list_programs() -> list[str]:
    """Programs of the projects, as `spin.fit_dataset`: modules of their packages that are verbs
    (:class:`das_mm.command.Verb`), told by their text, so that none is imported."""
    found = []
    for name in list_projects():
        for file in sorted((project_root() / name / name).glob('*.py')):
            text = '\n' + file.read_text(encoding='utf-8')
            if all(mark in text for mark in ('\nHELP = ', '\ndef add_arguments(', '\ndef run(')):
                found.append(f'{name}.{file.stem}')
    return found


def offer_projects() -> None:
    """Let `import projects.<name>.<name>` find ours behind all else. The path, and not a finder, since processes that
    are spawned are given it before they import anything."""
    folder = str(project_root().parent)
    if folder not in sys.path:
        sys.path.append(folder)


def join_projects() -> None:
    """Where a package `projects` of the user's with an `__init__.py` was imported, ours are looked for behind it."""
    places = getattr(sys.modules[PACKAGE], '__path__', None)
    if places is not None and str(project_root()) not in places:
        places.append(str(project_root()))


def import_project(name: str) -> None:
    """Import the package of a project, which registers what is in it.

    Raises:
        UserError: There is no such project, another of that name stands before ours, or it cannot be imported.
    """
    if name not in list_projects():
        raise UserError(
            f"there is no project '{name}'",
            field='project',
            remedy=f'use one of: {", ".join(list_projects())}' if list_projects() else 'install the whole of das_mm',
        )
    module = f'{PACKAGE}.{name}.{name}'
    if not is_project_module(module):
        raise UserError(
            f"another package '{PACKAGE}' stands before that of das_mm on the path of Python",
            field='project',
            remedy='run in another folder, or without that entry of PYTHONPATH',
        )
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f'{module} cannot be imported ({type(error).__name__}: {error})',
            file=project_root() / name,
            field='project',
            remedy='install what it names; das-mm doctor says what is missing',
        ) from error


def is_project_module(name: str) -> bool:
    """Whether `import name` would give a module of our projects; no code is run to find out.

    What is imported on the way to it must be ours too: of a package `projects` with an `__init__.py` of the user's that
    is not imported yet, nothing is.
    """
    parts = name.split('.')
    if parts[0] != PACKAGE:
        return False
    root = project_root().resolve()
    places, file = None, None
    for count in range(1, len(parts) + 1):
        part = '.'.join(parts[:count])
        module = sys.modules.get(part)
        if module is None:
            spec = PathFinder.find_spec(part, places)
            if spec is None:
                return False
            if spec.origin is not None:
                places, file = spec.submodule_search_locations, spec.origin
                if not Path(file).resolve().is_relative_to(root):
                    return False
                continue
            module = importlib.import_module(part)  # a namespace has no code
        places, file = getattr(module, '__path__', None), getattr(module, '__file__', None)
        if places is None and count < len(parts):
            return False
    return file is not None and Path(file).resolve().is_relative_to(root)
