"""Weights out of a graph model of TensorFlow.js: a json that lists them, and the binary files beside it.

Only numbers are read; the graph itself is not.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from das_mm.engine.json_files import read_json
from das_mm.engine.regular_files import check_regular
from das_mm.errors import UserError

_REMEDY = 'give the whole model as it was downloaded: the json, and the binary files that it names, in one folder'
_DTYPES = dict(float32='<f4', float16='<f2', int32='<i4')
# bytes of all weights of a file; MoveNet has 10 million
_LIMIT_BYTES = 1 << 30


def read_tfjs_weights(path: str | Path) -> dict[str, Tensor]:
    """Names and weights of ``path`` as TensorFlow has them (convolutions are height, width, in, out).

    Floating-point numbers that are stored as float16 become float32; constants of other types than float32 and int32
    are left out.

    Raises:
        UserError: The json is no graph model, or its binary files are absent, of another size or outside its folder.
    """
    path = Path(path)
    model = read_json(path, what='the checkpoint', remedy=_REMEDY)
    groups = model.get('weightsManifest') if isinstance(model, dict) else None
    if not isinstance(groups, list) or not groups:
        raise UserError('no graph model of TensorFlow.js', file=path, field='weightsManifest', remedy=_REMEDY)
    weights: dict[str, Tensor] = {}
    for number, group in enumerate(groups):
        field = f'weightsManifest[{number}]'
        try:
            entries, names = list(group['weights']), [str(name) for name in group['paths']]
            sizes = [_size(entry) for entry in entries]
        except (TypeError, KeyError, ValueError) as error:
            raise UserError(
                f'its list of weights is not whole ({error!r})', file=path, field=field, remedy=_REMEDY
            ) from error
        data, begin = _read_files(path, names, sum(sizes), f'{field}.paths'), 0
        for entry, size in zip(entries, sizes):
            if entry['dtype'] in ('float32', 'int32'):
                numbers = np.frombuffer(data, _stored_type(entry), offset=begin, count=math.prod(entry['shape']))
                wanted = np.float32 if entry['dtype'] == 'float32' else np.int32
                weights[str(entry['name'])] = torch.from_numpy(numbers.astype(wanted).reshape(entry['shape']))
            begin += size
    return weights


def _stored_type(entry: dict[str, Any]) -> str:
    quantization = entry.get('quantization') or {}
    return _DTYPES[quantization.get('dtype', entry['dtype'])]


def _size(entry: dict[str, Any]) -> int:
    """Bytes of a weight in the binary file.

    Raises:
        KeyError, TypeError, ValueError: The entry is no weight, or of a type that is not read.
    """
    shape = entry['shape']
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f'shape {shape!r}')
    if entry['dtype'] not in ('float32', 'int32', 'bool'):
        raise ValueError(f'dtype {entry["dtype"]!r}')
    if entry['dtype'] == 'bool':
        return math.prod(shape)
    return math.prod(shape) * int(_stored_type(entry)[-1])


def _read_files(path: Path, names: list[str], size: int, field: str) -> bytes:
    if size > _LIMIT_BYTES:
        raise UserError(f'weights of {size} bytes are announced', file=path, field=field, remedy=_REMEDY)
    parts = []
    for name in names:
        if Path(name).name != name:
            raise UserError(f'{name!r} is not a file of the same folder', file=path, field=field, remedy=_REMEDY)
        part = path.parent / name
        try:
            check_regular(part, field)
            if part.stat().st_size > size:
                raise UserError(f'{size} bytes are announced, it has more', file=part, field=field, remedy=_REMEDY)
            parts.append(part.read_bytes())
        except OSError as error:
            raise UserError(
                f'its weights cannot be read ({error.strerror})', file=part, field=field, remedy=_REMEDY
            ) from error
    data = b''.join(parts)
    if len(data) != size:
        raise UserError(
            f'{size} bytes of weights are announced, there are {len(data)}', file=path, field=field, remedy=_REMEDY
        )
    return data
