"""Results as files: their text, and reading them again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from das_mm.engine.regular_files import open_regular
from das_mm.errors import UserError

from .result_check import FORMAT, parse_result, result_schema

__all__ = ['FORMAT', 'read_results', 'result_schema', 'result_text']


def result_text(result: Mapping[str, Any]) -> str:
    """A result as one line of json (without its end)."""
    return json.dumps(result, allow_nan=False, ensure_ascii=False)


def read_results(path: str | Path) -> Iterator[dict[str, Any]]:
    """The results in a file: one of an image's ``.json``, one for each frame of a video's ``.jsonl``, one at a time.
    Each is checked against the schema.

    Raises:
        UserError: The file is missing, cut short or no file of results; the message names line and field.
    """
    try:
        with open_regular(path) as file:
            lines = file if Path(path).suffix == '.jsonl' else [file.read()]
            for number, line in enumerate(lines, 1):
                yield parse_result(line, path, number)
    except OSError as error:
        raise UserError(
            f'cannot be read: {error.strerror or error}',
            file=path,
            remedy='give a .json or .jsonl file that das-mm infer wrote',
        ) from error
