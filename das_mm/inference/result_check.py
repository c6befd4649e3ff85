"""Whether what was read is a result: by the json schema, and by what a schema cannot say."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from das_mm.errors import UserError
from das_mm.structures import check_intrinsics

FORMAT = 'das_mm.result/1'
_REMEDY = 'give a .json or .jsonl file that das-mm infer wrote'
_LARGEST_INT = 1 << 63
_PER_KEYPOINT = (
    *('keypoints_px', 'keypoint_scores', 'keypoints_cam_mm', 'relative_depths_mm'),
    *('keypoints_sigma_px', 'keypoints_sigma_at_limit', 'relative_depths_sigma_mm', 'keypoints_sigma_mm'),
)


def result_schema() -> dict[str, Any]:
    """The JSON schema of a result."""
    return json.loads(resources.files('das_mm.inference').joinpath('result.schema.json').read_text(encoding='utf-8'))


def parse_result(text: bytes, file: str | Path, line: int) -> dict[str, Any]:
    """A result out of a line of a file; a byte order mark before it is passed over.

    Raises:
        UserError: It is no json, holds a number that is none (NaN, infinity, larger than any computer's), or is no
            result; the message names the line and the field.
    """
    try:
        result = json.loads(
            text.decode('utf-8-sig'), parse_constant=_no_number, parse_float=_finite, parse_int=_moderate
        )
    except RecursionError:
        raise UserError(f'line {line} is nested too deeply', file=file, remedy=_REMEDY) from None
    except ValueError as error:  # of json and of UTF-8 too
        raise UserError(f'line {line} is no json: {error}', file=file, remedy=_REMEDY) from error
    if not isinstance(result, dict) or result.get('format') != FORMAT:
        raise UserError(f'line {line} is no result of the format {FORMAT}', file=file, field='format', remedy=_REMEDY)
    _check_schema(result, file, line)
    check_intrinsics(result['camera']['K'], file=file, field=f'line {line}: camera.K')
    _check_people(result, file, line)
    return result


def _check_schema(result: dict[str, Any], file: str | Path, line: int) -> None:
    from fastjsonschema import JsonSchemaValueException  # for who reads results, not for who writes them

    try:
        _validator()(result)
    except JsonSchemaValueException as error:
        name = str(error.name).removeprefix('data').removeprefix('.')
        if error.rule == 'required':
            missing = next(one for one in error.rule_definition if one not in error.value)
            raise _fault('it is missing', file, line, f'{name}.{missing}'.removeprefix('.')) from error
        problem = str(error.message).removeprefix('data').removeprefix('.').removeprefix(name).strip()
        raise _fault(f'it {problem}', file, line, name or 'result') from error


@lru_cache(maxsize=1)
def _validator() -> Callable[[Any], Any]:
    import fastjsonschema

    return fastjsonschema.compile(result_schema())


def _check_people(result: Mapping[str, Any], file: str | Path, line: int) -> None:
    num_keypoints, people = len(result['keypoint_names']), result['people']
    for row, person in enumerate(people):
        for name in _PER_KEYPOINT:
            values = person.get(name)
            if values is not None and len(values) != num_keypoints:
                problem = f'there are {len(values)} of them, and {num_keypoints} keypoint_names'
                raise _fault(problem, file, line, f'people[{row}].{name}')
        if person.keys() != people[0].keys():
            field = min(person.keys() ^ people[0].keys())
            raise _fault('some people of this image have it, others have not', file, line, f'people[{row}].{field}')
    identities = [one for person in people if (one := person.get('track_id')) is not None]
    if len(set(identities)) < len(identities):
        raise _fault('two people of one image have the same', file, line, 'people.track_id')


def _fault(problem: str, file: str | Path, line: int, field: str) -> UserError:
    return UserError(problem, file=file, field=f'line {line}: {field}', remedy=_REMEDY)


def _no_number(text: str) -> float:
    raise ValueError(f'{text} is no number of json')


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f'the number {text[:20]} is too large')
    return value


def _moderate(text: str) -> int:
    value = int(text)
    if abs(value) >= _LARGEST_INT:
        raise ValueError(f'the number {text[:20]}… is too large')
    return value
