"""The part of JSON schema that ``result.schema.json`` uses, checked without another dependency."""

from __future__ import annotations

import math
from typing import Any

_TYPES = dict(object=dict, array=list, string=str, null=type(None))


def violations(value: Any, schema: dict, at: str = '$') -> list[str]:
    """Every place where a value breaks a schema; a keyword that is not known here raises."""
    known = {
        '$schema',
        'title',
        'description',
        'type',
        'const',
        'enum',
        'properties',
        'required',
        'additionalProperties',
        'items',
        'minItems',
        'maxItems',
        'minimum',
        'maximum',
        'exclusiveMinimum',
    }
    assert set(schema) <= known, set(schema) - known
    if 'const' in schema:
        return [] if value == schema['const'] else [f'{at} is not {schema["const"]}']
    if 'enum' in schema:
        return [] if value in schema['enum'] else [f'{at} is not one of {schema["enum"]}']
    kinds = schema['type'] if isinstance(schema['type'], list) else [schema['type']]
    if not any(_is(value, kind) for kind in kinds):
        return [f'{at} is {value!r}, not {kinds}']
    if isinstance(value, dict):
        found = [f'{at} lacks {key}' for key in schema['required'] if key not in value]
        found += [f'{at} has {key}' for key in value if key not in schema['properties']]
        return found + [
            text
            for key in value
            if key in schema['properties']
            for text in violations(value[key], schema['properties'][key], f'{at}.{key}')
        ]
    if isinstance(value, list):
        found = [] if schema.get('minItems', 0) <= len(value) <= schema.get('maxItems', math.inf) else [f'{at}: length']
        return found + [text for i, one in enumerate(value) for text in violations(one, schema['items'], f'{at}[{i}]')]
    if isinstance(value, (int, float)) and (
        value < schema.get('minimum', -math.inf)
        or value > schema.get('maximum', math.inf)
        or value <= schema.get('exclusiveMinimum', -math.inf)
    ):
        return [f'{at} is {value}']
    return []


def _is(value: Any, kind: str) -> bool:
    if kind in ('number', 'integer'):
        numbers = (int, float) if kind == 'number' else int
        return isinstance(value, numbers) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, _TYPES[kind])
