"""What people read: all Markdown of the repository, its blocks of code, and the commands in them."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

from tests.toy_run import REPOSITORY

_BLOCK = re.compile(r'^( *)```(\w*)[^\n]*\n(.*?)^\1```$', re.DOTALL | re.MULTILINE)
_STARTS = ('uv run --all-extras das-mm ', 'das-mm ')


def documents() -> list[Path]:
    """Every Markdown file that git knows or would add, but the changelog, which tells of what was."""
    listed = subprocess.run(
        ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '*.md'],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return sorted(path for name in listed if name != 'CHANGELOG.md' and (path := REPOSITORY / name).is_file())


def blocks(path: Path, language: str) -> list[str]:
    """Code of a language in a document, without the margin of a list that it stands in."""
    found = _BLOCK.finditer(path.read_text(encoding='utf-8'))
    return [re.sub(rf'^{block[1]}', '', block[3], flags=re.MULTILINE) for block in found if block[2] == language]


def commands(path: Path) -> list[list[str]]:
    """Words of every call of `das-mm` in a document, and of what torchrun, srun, mpirun and mim start of it."""
    lines = [line for block in blocks(path, 'bash') for line in block.replace('\\\n', ' ').splitlines()]
    parts = [part.strip() for line in lines for part in _without_comment(line).split('&&')]
    return [words for part in parts if (words := _words(part)) is not None]


def _without_comment(line: str) -> str:
    return re.sub(r'(^|\s)#.*', '', line)


def _words(part: str) -> list[str] | None:
    """Of `das-mm`; None where it is something else."""
    for start in _STARTS:
        if part.startswith(start):
            return shlex.split(part.removeprefix(start))
    started = re.search(r'-m das_mm\.tools\.(\w+) (.*)', part)
    return [started[1], *shlex.split(started[2])] if started else None
