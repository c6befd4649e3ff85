"""Seeded damage to json: values that files of others hold where numbers, text or lists belong."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

NAN, INFINITY = float('nan'), float('inf')
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    3,
    0.87,
    -7.5,
    1e308,
    -1e308,
    NAN,
    INFINITY,
    2**63,
    2**64 + 1,
    10**400,
    '',
    'x',
    '1',
    'a\0b',
    '\ud800',
    '../up',
    [],
    [None],
    ['x', 1],
    [[1, 2], [3]],
    [NAN, 1, 1, 1],
    {},
    {'a': 1},
    [[[[[[0]]]]]],
)


def mutations(content: Any, number: int, seed: int) -> Iterator[tuple[str, Any]]:
    """(what was done, a damaged copy of ``content``), ``number`` times: a value replaced, a key or an entry removed or
    repeated, two values exchanged; now and then two of these."""
    generator = random.Random(seed)
    for _ in range(number):
        damaged, words = copy.deepcopy(content), []
        for _ in range(generator.choice((1, 1, 1, 2))):
            words.append(_damage(damaged, generator))
        yield '; '.join(words), damaged


def damaged_bytes(data: bytes, number: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """(what was done, damaged bytes): cut short, bits turned, pieces repeated or overwritten."""
    generator = random.Random(seed)
    for _ in range(number):
        place = generator.randrange(len(data))
        length = generator.randrange(1, 64)
        kind = generator.choice(('cut', 'bit', 'bit', 'repeat', 'zeros', 'noise'))
        if kind == 'cut':
            damaged = data[:place]
        elif kind == 'bit':
            damaged = data[:place] + bytes([data[place] ^ (1 << generator.randrange(8))]) + data[place + 1 :]
        elif kind == 'repeat':
            damaged = data[: place + length] + data[place:]
        else:
            piece = bytes(length) if kind == 'zeros' else generator.randbytes(length)
            damaged = data[:place] + piece + data[place + length :]
        yield f'{kind} at {place}', damaged


def dump(content: Any) -> str:
    """Json as python writes it: with NaN and Infinity."""
    return json.dumps(content)


def _damage(content: Any, generator: random.Random) -> str:
    """Damages one place, the deeper the rarer; says which."""
    path, parent, key = [], None, None
    at = content
    while isinstance(at, (dict, list)) and at and (parent is None or generator.random() < 0.75):
        key = generator.choice(list(at) if isinstance(at, dict) else range(len(at)))
        parent, at = at, at[key]
        path.append(key)
    if parent is None:
        return 'nothing'
    kind = generator.choice(('replace', 'replace', 'replace', 'remove', 'repeat', 'exchange', 'to text'))
    if kind == 'remove':
        del parent[key]
    elif kind == 'repeat' and isinstance(parent, list):
        parent.insert(key, copy.deepcopy(at))
    elif kind == 'exchange' and len(parent) > 1:
        other = generator.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
        parent[key], parent[other] = parent[other], parent[key]
    elif kind == 'to text' and isinstance(at, (int, float)):
        parent[key] = str(at)
    else:
        kind, parent[key] = 'replace', copy.deepcopy(generator.choice(VALUES))
        return f'{path} = {str(parent[key])[:40]!r}'
    return f'{kind} {path}'
