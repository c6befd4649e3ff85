"""What `das-mm speed` shows and writes of its measurements."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

_WIDTH_OF_FILES = 180


def device_words(facts: dict[str, Any]) -> str:
    """What it was measured on."""
    machine = facts['machine']
    return machine.get('gpu') or f'{machine["cpu"]}, {machine["threads"]} thread{"s" * (machine["threads"] > 1)}'


def write_measurement(out: Path, name: str, result: dict[str, Any], figure: Any) -> None:
    """``out/name.json`` and ``.png``."""
    from das_mm.engine import atomic_write
    from das_mm.visualization.figures import save_figure

    atomic_write(out / f'{name}.json', (json.dumps(result, indent=2) + '\n').encode())
    save_figure(out / f'{name}.png', figure)


def print_tables(tables: list, written: str) -> None:
    """Tables on the terminal, and where their numbers are."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, emoji=False, width=_WIDTH_OF_FILES)
    for table in tables:
        console.print(table)
    console.print(written)


class round_progress:
    """A bar over the rounds, on stderr and only where somebody looks."""

    def __init__(self, name: str):
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        self._bar = Progress(console=console, disable=not console.is_terminal, transient=True)
        self._task = self._bar.add_task(name, total=None)

    def __enter__(self) -> Callable[[int, int], None]:
        self._bar.start()
        return lambda done, total: self._bar.update(self._task, completed=done, total=total)

    def __exit__(self, *error: object) -> None:
        self._bar.stop()
