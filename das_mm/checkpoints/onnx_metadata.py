"""What the metadata of an exported graph must look like before anybody relies on it; their table: :mod:`.onnx_file`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from das_mm.structures import get_keypoint_set
from das_mm.structures.image_resize import SHRINK_INTERPOLATIONS

Check = Callable[[Any, str], None]
_MOST_PX, _MANY = 16_384, 1_000_000


def check_metadata(said: dict[str, Any]) -> None:
    """Refuse values that no export writes.

    Args:
        said: What was json, read; parts that older files lack are None.

    Raises:
        ValueError: The message says where and what.
    """
    for name, check in _METADATA.items():
        check(said[name], name)
    if said['input']['kind'] == 'normalised' and said['tasks'] is not None:
        lacking = [name for name in ('preprocessor', 'tracking') if said[name] is None]
        if lacking:
            raise ValueError(f'{lacking[0]}: it is missing, and the input is normalised')
    known = get_keypoint_set(said['dataset_meta']['keypoint_set'])
    if list(said['keypoints']) != list(known.keypoints):
        raise ValueError(f'keypoints: they are not those of {known.name}')


def _number(low: float = -1e9, high: float = 1e9, whole: bool = False) -> Check:
    def check(value: Any, place: str) -> None:
        kind = isinstance(value, int) if whole else isinstance(value, (int, float))
        if not kind or isinstance(value, bool) or not (low <= value <= high) or not math.isfinite(value):
            raise ValueError(f'{place}: {_shown(value)} is no {"whole " * whole}number from {low:g} to {high:g}')

    return check


def _text(*choices: str) -> Check:
    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or (choices and value not in choices):
            raise ValueError(f'{place}: {_shown(value)} is no text{" out of " * bool(choices)}{", ".join(choices)}')

    return check


def _truth(value: Any, place: str) -> None:
    if not isinstance(value, bool):
        raise ValueError(f'{place}: {_shown(value)} is neither true nor false')


def _anything(value: Any, place: str) -> None:
    pass


def _or_null(check: Check) -> Check:
    return lambda value, place: None if value is None else check(value, place)


def _list(check: Check, length: int | None = None) -> Check:
    def check_all(value: Any, place: str) -> None:
        if not isinstance(value, list) or (length is not None and len(value) != length):
            raise ValueError(f'{place}: {_shown(value)} is no list{"" if length is None else f" of {length}"}')
        for index, part in enumerate(value):
            check(part, f'{place}[{index}]')

    return check_all


def _object(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise ValueError(f'{place}: {_shown(value)} is no object')
        for name, part in {**required, **(optional or {})}.items():
            if name in value:
                part(value[name], f'{place}.{name}')
            elif name in required:
                raise ValueError(f'{place}.{name}: it is missing')

    return check


def _shown(value: Any) -> str:
    return repr(value)[:60] if isinstance(value, (str, int, float, type(None))) else f'a {type(value).__name__}'


_NAMED = _object({'type': _text()})
_SIDE = _number(1, _MOST_PX, whole=True)
_STEP = _object(
    {'type': _text()},
    {
        'input_size': _or_null(_list(_SIDE, 2)),
        'short_side_range': _or_null(_list(_SIDE, 2)),
        'max_long_side': _SIDE,
        'shrink_interpolation': _text(*SHRINK_INTERPOLATIONS),
    },
)
_FIELD = _object(
    {'name': _text(), 'shape': _list(_number(0, _MANY, whole=True))},
    {
        'group': _or_null(_text()),
        'frame': _text(),
        'digits': _number(0, 20, whole=True),
        'smoothed': _or_null(_text()),
        'in_results': _truth,
        'in_tracks': _truth,
    },
)
_BODY = _object(
    {
        'model_path': _or_null(_text()),
        'gender': _text('neutral', 'male', 'female'),
        'num_betas': _number(1, 300, whole=True),
        'sha256': _text(),
    },
    {'root': _list(_text()), 'placement': _text()},
)
_TASK = _object({'name': _text(), 'fields': _list(_FIELD), 'body': _or_null(_BODY), 'declared': _truth})
_CHANNELS = _or_null(_list(_number(), 3))
_METADATA: dict[str, Check] = {
    'dataset_meta': _object({'keypoint_set': _text()}),
    'keypoints': _list(_text()),
    'test_cfg': _object(
        {},
        {
            'score_thr': _number(0, 1),
            'nms_pre': _number(1, _MANY, whole=True),
            'with_sigma': _truth,
            'default_fov_deg': _or_null(_number(1, 179)),
        },
    ),
    'coder': _NAMED,
    'nms': _NAMED,
    'input': _object({'kind': _text('pixels', 'normalised'), 'divisor': _number(1, 4096, whole=True)}),
    'precision': _text('float32', 'float16'),
    'tasks': _or_null(_list(_TASK)),
    'pipeline': _or_null(_list(_STEP)),
    'preprocessor': _or_null(
        _object({'mean': _CHANNELS, 'std': _CHANNELS, 'swaps_channels': _truth, 'pad_value': _number()})
    ),
    'tracking': _or_null(
        _object(
            {
                'tracker': _object({}, {'type': _text()}),
                'root': _or_null(_list(_text())),
                'max_frame_gap': _number(0, _MANY, whole=True),
            }
        )
    ),
}
