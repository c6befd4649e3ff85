"""Results as files: their text, reading them again, and the json schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from das_mm.errors import UserError

FORMAT = 'das_mm.result/1'


def result_schema() -> dict[str, Any]:
    """The JSON schema of a result."""
    return json.loads(resources.files('das_mm.inference').joinpath('result.schema.json').read_text(encoding='utf-8'))


def result_text(result: Mapping[str, Any]) -> str:
    """A result as one line of json (without its end)."""
    return json.dumps(result, allow_nan=False, ensure_ascii=False)


def read_results(path: str | Path) -> Iterator[dict[str, Any]]:
    """The results in a file: one of an image's ``.json``, one for each frame of a video's ``.jsonl``, one at a time.

    Raises:
        UserError: The file is missing, cut short or no file of results.
    """
    remedy = 'give a .json or .jsonl file that das-mm infer wrote'
    try:
        with open(path, encoding='utf-8') as file:
            lines = file if Path(path).suffix == '.jsonl' else [file.read()]
            for number, line in enumerate(lines, 1):
                try:
                    result = json.loads(line)
                except ValueError as error:
                    raise UserError(f'line {number} is no json: {error}', file=path, remedy=remedy) from error
                if not isinstance(result, dict) or result.get('format') != FORMAT:
                    raise UserError(
                        f'line {number} is no result of the format {FORMAT}', file=path, field='format', remedy=remedy
                    )
                yield result
    except OSError as error:
        raise UserError(f'cannot be read: {error.strerror or error}', file=path, remedy=remedy) from error
