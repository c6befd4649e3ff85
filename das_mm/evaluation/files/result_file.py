"""Result files: every person that was predicted, by image, in json or npz; written whole or not at all.

json::

    {"info": {"units": "mm, px", "frame": "camera", "bbox": "x y w h"},
     "images": [{"image_id": 7, "persons": [{"score": 0.9, "keypoints_3d": [[x, y, z], …],   # mm, camera frame
                                             "keypoints": [[u, v, score], …],                # px of the stored image
                                             "root_depth": 3100.0, "bbox": [x, y, w, h], "track_id": 3}]}]}

An image without people is listed with an empty list; a number that is not finite is ``null``. The npz holds the same in
flat arrays (P persons in all): ``image_ids`` (I,), ``person_image`` (P,) row of ``image_ids``, ``scores`` (P,),
``keypoints_3d_mm`` (P, K, 3), ``keypoints_px`` (P, K, 3), ``root_depths_mm`` (P,), ``bboxes_xywh_px`` (P, 4),
``track_ids`` (P,; -1 = none). Neither needs pickle.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import fastjsonschema
import numpy as np
from fastjsonschema import JsonSchemaValueException

from das_mm.engine import atomic_write
from das_mm.engine.array_files import read_npz
from das_mm.engine.json_files import read_json
from das_mm.engine.regular_files import check_regular
from das_mm.errors import UserError

_INFO = dict(units='mm, px', frame='camera', bbox='x y w h')
_REMEDY = 'write the file again'
_MOST = 1e18  # no number of a person is larger; one of 400 digits fits no array


def finite_or_none(value):
    """The same structure with every number that is not finite as None, so that json stays json.

    Example:
        >>> finite_or_none({'a': float('nan'), 'b': [1, float('inf')]})
        {'a': None, 'b': [1, None]}
    """
    if isinstance(value, dict):
        return {key: finite_or_none(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite_or_none(item) for item in value]
    if isinstance(value, np.ndarray):
        return finite_or_none(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_result_file(path: str | Path, images: list[dict]) -> None:
    """Write predictions.

    Args:
        path: ``*.json`` or ``*.npz``.
        images: ``[{'image_id': …, 'persons': [{…}]}]`` as in the head of the module.

    Raises:
        UserError: Unknown ending, or the place cannot be written to.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_result_file(folder + '/r.json', [dict(image_id=1, persons=[])])
        ...     read_result_file(folder + '/r.json')
        [{'image_id': 1, 'persons': []}]
    """
    check_ending(path, ('.json', '.npz'), 'result_file')
    if Path(path).suffix == '.json':
        text = json.dumps(finite_or_none(dict(info=_INFO, images=images)), allow_nan=False)
        atomic_write(path, text.encode())
    else:
        arrays = _to_arrays(images)
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        atomic_write(path, content.getvalue())


def read_result_file(path: str | Path) -> list[dict]:
    """Read what :func:`write_result_file` wrote; both endings give the same.

    Raises:
        UserError: The file is missing, truncated, lacks a field, or a field is of another kind.
    """
    check_ending(path, ('.json', '.npz'), 'result_file')
    check_regular(path, 'result_file')
    if Path(path).suffix == '.npz':
        try:
            return _from_arrays(read_npz(path, _REMEDY))
        except KeyError as error:
            raise UserError('is missing', file=path, field=str(error.args[0]), remedy=_REMEDY) from error
        except UserError as error:
            raise _no_result_file(path, error.problem) from error
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise _no_result_file(path, error) from error
    try:
        content = read_json(path, remedy=_REMEDY, field='result_file')
        _validator()(content)
    except UserError as error:
        raise _no_result_file(path, error.problem) from error
    except JsonSchemaValueException as error:
        field = str(error.name).removeprefix('data').removeprefix('.')
        if error.rule == 'required':
            missing = next(name for name in error.rule_definition if name not in error.value)
            raise UserError('is missing', file=path, field=f'{field}.{missing}'.strip('.'), remedy=_REMEDY) from error
        problem = str(error.message).removeprefix('data').removeprefix('.').removeprefix(field).strip()
        raise UserError(f'it {problem}', file=path, field=field or 'result_file', remedy=_REMEDY) from error
    return content['images']


def _no_result_file(path: str | Path, reason: object) -> UserError:
    return UserError(f'is not a result file: {reason}', file=path, field='result_file', remedy=_REMEDY)


@lru_cache(maxsize=1)
def _validator() -> Callable[[Any], Any]:
    number = dict(type=['number', 'null'], minimum=-_MOST, maximum=_MOST)
    row = lambda size: dict(type='array', items=number, minItems=size, maxItems=size)
    rows = dict(type='array', items=row(3))
    fields = dict(score=number, keypoints_3d=rows, keypoints=rows, root_depth=number, bbox=row(4))
    identity = dict(type='integer', minimum=-_MOST, maximum=_MOST)
    person = dict(type='object', required=[*fields], properties=dict(fields, track_id=identity))
    people = dict(type='array', items=person)
    known = dict(image_id=dict(type=['integer', 'string']), persons=people)
    images = dict(type='array', items=dict(type='object', required=[*known], properties=known))
    return fastjsonschema.compile(dict(type='object', required=['images'], properties=dict(images=images)))


def check_ending(path: str | Path, allowed: tuple[str, ...], field: str) -> None:
    """Raise UserError unless the file name ends as allowed."""
    if Path(path).suffix not in allowed:
        raise UserError(f'must end in {" or ".join(allowed)}', file=path, field=field, remedy='rename it')


def _to_arrays(images: list[dict]) -> dict[str, np.ndarray]:
    people = [(row, person) for row, image in enumerate(images) for person in image['persons']]

    def stack(name: str, shape: tuple[int, ...], default=None) -> np.ndarray:
        values = [person.get(name, default) for _, person in people]
        # None (json's null) becomes NaN
        return np.array(values, dtype=np.float64) if values else np.zeros((0, *shape))

    return dict(
        image_ids=np.array([image['image_id'] for image in images]),
        person_image=np.array([row for row, _ in people], dtype=np.int64),
        scores=stack('score', ()),
        keypoints_3d_mm=stack('keypoints_3d', (0, 3)),
        keypoints_px=stack('keypoints', (0, 3)),
        root_depths_mm=stack('root_depth', ()),
        bboxes_xywh_px=stack('bbox', (4,)),
        track_ids=stack('track_id', (), -1).astype(np.int64),
    )


def _from_arrays(arrays: dict[str, np.ndarray]) -> list[dict]:
    images = [dict(image_id=image_id, persons=[]) for image_id in arrays['image_ids'].tolist()]
    count, rows = len(arrays['scores']), arrays['person_image']
    shapes = dict(
        keypoints_3d_mm=(None, 3), keypoints_px=(None, 3), root_depths_mm=(), bboxes_xywh_px=(4,), track_ids=()
    )
    for name, shape in dict(shapes, person_image=(), scores=()).items():
        array = arrays[name]
        fits = array.ndim == 1 + len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape[1:]))
        if array.dtype.kind not in 'iuf' or len(array) != count or (count and not fits):
            raise ValueError(f'{name} is of the shape {array.shape} and type {array.dtype} for {count} people')
    if count and not (0 <= rows.min() and rows.max() < len(images)):
        raise ValueError(f'person_image names other rows than those of the {len(images)} images')
    for index, row in enumerate(arrays['person_image']):
        person = dict(
            score=arrays['scores'][index],
            keypoints_3d=arrays['keypoints_3d_mm'][index],
            keypoints=arrays['keypoints_px'][index],
            root_depth=arrays['root_depths_mm'][index],
            bbox=arrays['bboxes_xywh_px'][index],
        )
        if arrays['track_ids'][index] >= 0:
            person['track_id'] = arrays['track_ids'][index]
        images[row]['persons'].append(finite_or_none(person))
    return images
