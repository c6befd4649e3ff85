"""The reference: one page a room with the classes and functions that it exports, read off its `__init__.py`."""

from __future__ import annotations

import ast

from docs.repository_links import ROOT

#: page -> the packages on it
ROOMS = {
    'apis': ['das_mm.apis'],
    'structures': ['das_mm.structures'],
    'bodies': ['das_mm.bodies'],
    'datasets': ['das_mm.datasets.datasets', 'das_mm.datasets.transforms', 'das_mm.datasets.samplers'],
    'converters': ['das_mm.datasets.converters', 'das_mm.datasets.synthetic'],
    'models': ['das_mm.models.pose_estimators', 'das_mm.models.heads', 'das_mm.models.layers'],
    'losses': ['das_mm.models.losses', 'das_mm.models.flows', 'das_mm.models.body_models'],
    'task_modules': ['das_mm.models.task_modules', 'das_mm.models.task_modules.trackers'],
    'evaluation': ['das_mm.evaluation.metrics', 'das_mm.evaluation.functional'],
    'fitting': ['das_mm.fitting'],
    'visualization': ['das_mm.visualization'],
    'deploy': ['das_mm.deploy'],
}


def api_page(room: str) -> str:
    """The page in the words of mkdocstrings."""
    lines = [f'# {room}\n']
    for package in ROOMS[room]:
        headline = _headline(package)
        lines.append(f'`{package}`: {headline}\n' if headline else f'`{package}`\n')
        lines += [f'::: {name}\n' for name in exported(package)]
    return '\n'.join(lines)


def exported(package: str) -> list[str]:
    """Full names of the classes and functions that a package takes from its modules, in the order of their names.

    Constants are left out: their values are long, and their comments stand with them in the code.
    """
    names = _places(package)
    others = {other for room in ROOMS.values() for other in room if not f'{package}.'.startswith(f'{other}.')}
    elsewhere = tuple(f'{other}.' for other in others - {package})
    chosen = {name for name, place in names.items() if not (name.isupper() or place.startswith(elsewhere))}
    return [names[name] for name in sorted(chosen, key=str.lower)]


def _places(package: str) -> dict[str, str]:
    """Name -> where it is written, of what a package takes from its modules; through packages below it, too."""
    names: dict[str, str] = {}
    for node in ast.walk(_init(package)):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
            names |= {alias.name: f'{package}.{node.module}.{alias.name}' for alias in node.names}
        if isinstance(node, ast.Call) and getattr(node.func, 'id', None) == 'lazy_exports':
            for module, words in ast.literal_eval(node.args[1]).items():
                names |= {word: f'{_absolute(package, module)}.{word}' for word in words.split()}
    inner = {place.rsplit('.', 1)[0] for place in names.values()}
    below = {module: _places(module) for module in inner if ROOT.joinpath(*module.split('.'), '__init__.py').is_file()}
    return {name: below.get(place.rsplit('.', 1)[0], {}).get(name, place) for name, place in names.items()}


def _absolute(package: str, module: str) -> str:
    dots = len(module) - len(module.lstrip('.'))
    above = package.split('.')[: len(package.split('.')) - (dots - 1)]
    return '.'.join([*above, module.lstrip('.')]) if dots else module


def _init(package: str) -> ast.Module:
    return ast.parse(ROOT.joinpath(*package.split('.'), '__init__.py').read_text(encoding='utf-8'))


def _headline(package: str) -> str:
    return (ast.get_docstring(_init(package)) or '').split('\n\n')[0].replace('\n', ' ')
