"""Keypoints of people out of a file, whatever detector wrote it.

Read are results of das-mm (.json, .jsonl); predictions of mmpose (its inferencer's list of people, or ``instance_info``
beside ``meta_info``, of an image or of the frames of a video); OpenPose's (``people``: ``pose_keypoints_2d``); COCO's
lists of results and annotations; and tables {"photo.jpg": [[[x, y, confidence], …], …]}.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.engine.json_files import read_json
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS, KeypointSet, get_keypoint_set
from das_mm.structures.detected_keypoints import DetectedKeypoints

from .result_check import FORMAT
from .result_files import read_results

_REMEDY = (
    'give results of das-mm infer, predictions of mmpose, OpenPose or COCO, or {"photo.jpg": [[[x, y, confidence], …]]}'
)
# what mmpose calls the data set whose keypoints it tells -> set
_MMPOSE_SETS = {
    'coco': 'coco17', 'aic': None, 'crowdpose': 'crowdpose14', 'h36m': 'h36m17', 'mpii': 'mpii16',
    'posetrack18': 'posetrack17',
}  # fmt: skip
# of files that say nothing of their keypoints
_SET_BY_COUNT = {17: 'coco17', 18: 'coco18', 25: 'openpose25', 14: 'crowdpose14', 16: 'mpii16'}


@dataclass(frozen=True)
class PersonKeypoints:
    """One person of a file.

    Attributes:
        image: Name or path of the image, as the file says it; of a file about one image its own stem.
        frame: Of a video, else None.
        keypoints: What was found.
        score: Of the person, in [0, 1].
    """

    image: str
    frame: int | None
    keypoints: DetectedKeypoints
    score: float


def read_keypoints(path: str | Path, keypoint_set: str | None = None) -> list[PersonKeypoints]:
    """The people of a file, in its order; those without a keypoint that can be used are left out, counted and told.

    Args:
        path: The file.
        keypoint_set: Of the file; None: what it says itself, or by the number of keypoints.

    Raises:
        UserError: It cannot be read or is of no known kind, the number of keypoints is not that of the set, or nobody
            is left.
    """
    path = Path(path)
    found: list[PersonKeypoints] = []
    left_out: Counter[str] = Counter()
    for person in _people(path, keypoint_set):
        if person.keypoints.known.any():
            found.append(person)
        else:
            left_out['have no visible keypoint with finite numbers'] += 1
    told = ', '.join(f'{count} {reason}' for reason, count in left_out.items())
    if not found:
        raise UserError(
            f'it has no people with keypoints{f": {told}" if told else ""}',
            file=path,
            field='keypoints',
            remedy=_REMEDY,
        )
    if told:
        logging.getLogger('das_mm').warning(f'{path}: people are left out: {told}')
    return found


def _people(path: Path, keypoint_set: str | None) -> Iterator[PersonKeypoints]:
    if path.suffix == '.jsonl':
        yield from _of_results(path)
        return
    content = read_json(path, what='the file of keypoints', field='keypoints')
    if isinstance(content, dict) and content.get('format') == FORMAT:
        yield from _of_results(path)
    elif isinstance(content, dict) and 'instance_info' in content:
        named = keypoint_set or _mmpose_set(content.get('meta_info') or {})
        yield from _of_mmpose(content['instance_info'], path, named)
    elif isinstance(content, dict) and isinstance(content.get('people'), list):
        yield from _of_openpose(content['people'], path, keypoint_set)
    elif isinstance(content, dict) and 'annotations' in content and 'images' in content:
        names = {one.get('id'): one.get('file_name') for one in _objects(content['images'], path, 'images')}
        yield from _of_coco(content['annotations'], path, keypoint_set, names)
    elif isinstance(content, list) and _is_mmpose(content):
        yield from _of_mmpose(content, path, keypoint_set)
    elif isinstance(content, list):
        yield from _of_coco(content, path, keypoint_set, {})
    elif isinstance(content, dict):
        for image, people in content.items():
            for number, rows in enumerate(people if isinstance(people, list) else [people]):
                yield _person(str(image), None, rows, path, f'{image}[{number}]', keypoint_set)
    else:
        raise _fault(f'a {type(content).__name__} is no table of keypoints', path, None)


def _of_results(path: Path) -> Iterator[PersonKeypoints]:
    for result in read_results(path):
        image = result['image']
        for person in result['people']:
            keypoints = DetectedKeypoints.of_numbers(
                result['keypoint_set'],
                person['keypoints_px'],
                person['keypoint_scores'],
                person.get('keypoints_sigma_px'),
            )
            yield PersonKeypoints(image['file'] or image['name'], image['frame'], keypoints, person['score'])


def _is_mmpose(content: list) -> bool:
    first = next(iter(content), None)
    return isinstance(first, dict) and ('instances' in first or 'keypoint_scores' in first)


def _of_mmpose(entries: Any, path: Path, keypoint_set: str | None) -> Iterator[PersonKeypoints]:
    for number, one in enumerate(_objects(entries, path, 'instance_info')):
        if 'instances' in one:
            frame = one.get('frame_id')
            for row, person in enumerate(_objects(one['instances'], path, f'[{number}].instances')):
                yield _mmpose_person(person, path, f'[{number}].instances[{row}]', keypoint_set, frame)
        else:
            yield _mmpose_person(one, path, f'[{number}]', keypoint_set, None)


def _mmpose_person(
    person: Mapping[str, Any], path: Path, field: str, keypoint_set: str | None, frame: int | None
) -> PersonKeypoints:
    places = _array(person.get('keypoints'), path, f'{field}.keypoints').reshape(-1, 2)
    scores = _array(person.get('keypoint_scores', [1.0] * len(places)), path, f'{field}.keypoint_scores').reshape(-1)
    if len(scores) != len(places):
        raise _fault(f'there are {len(scores)} scores of {len(places)} keypoints', path, f'{field}.keypoint_scores')
    rows = np.concatenate([places, scores[:, None]], axis=1)
    score = np.reshape(person.get('bbox_score', 1.0), -1)[0]
    return _person(path.stem, frame, rows, path, f'{field}.keypoints', keypoint_set, float(score))


def _mmpose_set(meta: Mapping[str, Any]) -> str | None:
    names = tuple(dict(meta.get('keypoint_name2id') or {}))
    for kset in KEYPOINT_SETS.values():
        if names and kset.keypoints == names:
            return kset.name
    return _MMPOSE_SETS.get(str(meta.get('dataset_name')))


def _of_openpose(people: Sequence[Any], path: Path, keypoint_set: str | None) -> Iterator[PersonKeypoints]:
    image = path.stem.removesuffix('_keypoints')
    for number, person in enumerate(_objects(people, path, 'people')):
        field = f'people[{number}].pose_keypoints_2d'
        yield _person(image, None, person.get('pose_keypoints_2d'), path, field, keypoint_set)


def _of_coco(entries: Any, path: Path, keypoint_set: str | None, names: Mapping[Any, Any]) -> Iterator[PersonKeypoints]:
    for number, one in enumerate(_objects(entries, path, 'annotations')):
        if one.get('iscrowd') or (names and not one.get('num_keypoints', 1)):
            continue
        image = one.get('file_name', names.get(one.get('image_id'), one.get('image_id')))
        if image is None:
            raise _fault('it names no image', path, f'[{number}].image_id')
        field, score = f'[{number}].keypoints', float(one.get('score', 1.0))
        yield _person(str(image), None, one.get('keypoints'), path, field, keypoint_set, score)


def _person(
    image: str, frame: int | None, rows: Any, path: Path, field: str, keypoint_set: str | None, score: float = 1.0
) -> PersonKeypoints:
    numbers = _array(rows, path, field)
    if numbers.size % 3 or not numbers.size:
        raise _fault(f'{numbers.size} numbers are no x, y and confidence of keypoints', path, field)
    numbers = numbers.reshape(-1, 3)
    kset = _set_of(len(numbers), path, field, keypoint_set)
    confidence = np.minimum(numbers[:, 2], 1)  # 2 of COCO's flags
    return PersonKeypoints(
        image, frame, DetectedKeypoints.of_numbers(kset.name, numbers[:, :2], confidence), min(max(score, 0.0), 1.0)
    )


def _set_of(count: int, path: Path, field: str, keypoint_set: str | None) -> KeypointSet:
    name = keypoint_set or _SET_BY_COUNT.get(count)
    if name is None:
        raise UserError(
            f'it has {count} keypoints, and nothing says which',
            file=path,
            field=field,
            remedy=f'name their set: --keypoint-set, one of {", ".join(KEYPOINT_SETS)}',
        )
    kset = get_keypoint_set(name, file=path, field='keypoint_set')
    if kset.num_keypoints != count:
        raise UserError(
            f'it has {count} keypoints, and {kset.name} has {kset.num_keypoints}',
            file=path,
            field=field,
            remedy='name the set of these keypoints: --keypoint-set',
        )
    return kset


def _array(values: Any, path: Path, field: str) -> np.ndarray:
    """Numbers of a list, lists in it or not; null is NaN."""
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise _fault('these are no numbers', path, field) from error


def _objects(entries: Any, path: Path, place: str) -> list[dict]:
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise _fault('it is no list of objects', path, place)
    return entries


def _fault(problem: str, path: Path, field: str | None) -> UserError:
    return UserError(problem, file=path, field=field, remedy=_REMEDY)
