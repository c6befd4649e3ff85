"""Say which versions stand, what clashes, and the command that mends each: `das-mm doctor`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .diagnosis.clashes import find_clashes
from .diagnosis.environment import Clash, Environment, look_around
from .diagnosis.mmcv_kind import mmcv_kind
from .diagnosis.wanted_packages import WANTED, wanted_text

CHECKOUT = Path(__file__).resolve().parents[2]
HELP = 'say which versions are installed, what clashes, and the command that mends it'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has no options."""


def run(args: argparse.Namespace) -> int:
    """Print the report; 0 if all is well, 1 if something clashes."""
    found = look_around()
    clashes = find_clashes(found)
    for line in report(found, clashes):
        _print(line)
    return 1 if clashes else 0


def report(found: Environment, clashes: list[Clash]) -> list:
    """What is printed: a table, then the clashes or the good news."""
    broken = {clash.name for clash in clashes}
    rows = [('python', found.python, '>=3.10,<3.13', 'clash' if 'python' in broken else 'ok')]
    for wanted in WANTED:
        providers = found.providers(wanted.name)
        version = ', '.join(
            f'{found.versions[name]}' + (f' ({name})' if name != wanted.name else '') for name in providers
        )
        verdict = 'clash' if wanted.name in broken else 'ok' if version else f'only for {wanted.optional_for}'
        rows.append((wanted.name, version or '–', wanted_text(wanted), verdict))
    kind = mmcv_kind(found)
    rows.append(('mmcv operators', kind or '–', 'any', 'ok' if kind and 'mmcv' not in broken else 'clash'))
    browser = 'ok' if found.chromium else 'only to test the viewer: apt-get install -y chromium'
    rows.append(('chromium', found.chromium or '–', 'any', browser))
    lines = [_table(rows)]
    for clash in clashes:
        lines += [f'✗ {clash.name}: {clash.problem}', f'    {clash.command}']
    if not clashes:
        return [*lines, 'Everything fits together.']
    lines.append(f'{len(clashes)} to mend, from the top')
    if (CHECKOUT / 'pyproject.toml').is_file():
        lines.append(f'or all at once, with the versions that were tested: cd {CHECKOUT} && uv sync --all-extras')
    return lines


def _table(rows: list[tuple[str, str, str, str]]):
    """A rich table, or lines of text where rich itself is missing."""
    head = ('', 'found', 'needed', '')
    try:
        from rich.table import Table
    except ImportError:
        widths = [max(map(len, column)) for column in zip(head, *rows)]
        return '\n'.join(
            '  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in (head, *rows)
        )
    table = Table(*head)
    for row in rows:
        table.add_row(*row, style='red' if row[-1] == 'clash' else None)
    return table


def _print(line) -> None:
    if isinstance(line, str):  # commands go out as they are: no markup, no line breaks
        print(line)
    else:
        from rich.console import Console

        Console(markup=False, emoji=False).print(line)
