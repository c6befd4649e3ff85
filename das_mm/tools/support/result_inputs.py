"""The files of results that a verb is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from das_mm.errors import UserError


def result_paths(given: Sequence[Path]) -> list[Path]:
    """Files, and those in folders.

    Raises:
        UserError: A folder holds none, or two files have one name, and so what is written would have.
    """
    found: list[Path] = []
    for path in given:
        inside = sorted(one for one in path.glob('*') if one.suffix in ('.json', '.jsonl')) if path.is_dir() else [path]
        if not inside:
            raise UserError(
                'there are no results in this folder',
                file=path,
                field='results',
                remedy='give the folder predictions/ of das-mm infer',
            )
        found += inside
    names = [path.name for path in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(
            f'two files are called {twice[0]}, and so would be what is written',
            field='results',
            remedy='take them one after the other, into different folders',
        )
    return found


def first_result(files: Sequence[Path]) -> dict[str, Any]:
    """The first result in some files.

    Raises:
        UserError: There is none.
    """
    from das_mm.inference.result_files import read_results

    for path in files:
        for result in read_results(path):
            return result
    raise UserError('it is empty', file=files[0], field='results', remedy='give results of das-mm infer')
