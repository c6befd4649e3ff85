"""Notebooks run in this process, as importing torch for each would take longer than all the rest."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from das_mm.cli import main


def run_notebook(path: Path) -> dict:
    """Run the code of a notebook from the first cell to the last; the names that it leaves.

    A line `!das-mm …` is run as Jupyter does it, but in this process, and must end well.
    """
    names: dict = {'__name__': '__main__', '_shell': _shell}
    for number, cell in enumerate(json.loads(path.read_text(encoding='utf-8'))['cells']):
        if cell['cell_type'] == 'code':
            code = ''.join(cell['source'])
            lines = [
                f'_shell(f{line.removeprefix("!")!r})' if line.startswith('!') else line for line in code.splitlines()
            ]
            exec(compile('\n'.join(lines), f'{path.name}, cell {number}', 'exec'), names)
    return names


def _shell(line: str) -> None:
    program, *words = shlex.split(re.sub(r' > .*', '', line))
    assert program == 'das-mm' and main(words) == 0, line
