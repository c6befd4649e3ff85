"""Every fault of the entries of a file, one by one. The reader of a training stops at the first; this goes on.

Used only where the reader refuses a file, so it may take its time: about 0.2 ms an annotation. J: keypoints of the set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from das_mm.datasets.datasets.annotation_entries import short_text
from das_mm.structures import KeypointSet

from ..datasets.annotation_people import LEAST_MEDIAN_DEPTH_MM
from .annotation_entry import Entry, shape_text
from .findings import Findings, Kind
from .image_entries import image_is_sound

_ANNOTATION_NEEDS = ('id', 'image_id', 'bbox', 'keypoints')


def find_faults(content: dict, kset: KeypointSet | None, findings: Findings) -> dict:
    """Notes all faults and returns the content without the entries at fault.

    Args:
        kset: The set of the file; None if it is not known: then keypoints are not looked at.
    """
    used: set[float | None] = set()
    images = [entry for entry in _entries(content, 'images', findings, {}) if image_is_sound(entry, used)]
    names = {image.fields['id']: image.fields['file_name'] for image in images}
    all_ids = {image['id'] for image in content['images'] if isinstance(image, dict) and _hashable(image.get('id'))}
    univ = any(
        isinstance(entry, dict) and entry.get('keypoints_3d_univ') is not None for entry in content['annotations']
    )
    used = set()
    people = [
        entry
        for entry in _entries(content, 'annotations', findings, names)
        if _annotation_is_sound(entry, used, all_ids, kset, univ)
    ]
    sound = [entry.fields for entry in people if entry.fields['image_id'] in names]
    sound = _without_wrong_units(sound, findings)
    return {**content, 'images': [image.fields for image in images], 'annotations': sound}


def _entries(content: dict, rows: str, findings: Findings, names: dict) -> Iterable[Entry]:
    for row, fields in enumerate(content[rows]):
        if not isinstance(fields, dict):
            kind = Kind(rows, 'holds entries that are no objects', 'they cannot be read', 'write the file again')
            findings.fault(kind, [f'{rows}[{row}]: {short_text(fields, 60)}'])
            continue
        of_image = fields.get('image_id')
        place = fields.get('file_name') if rows == 'images' else names.get(of_image) if _hashable(of_image) else None
        yield Entry(rows, row, fields, findings, place)


def _annotation_is_sound(
    entry: Entry, used: set[float | None], image_ids: set, kset: KeypointSet | None, univ: bool
) -> bool:
    if not entry.require(_ANNOTATION_NEEDS):
        return False
    entry.identity(used)
    of_image = entry.fields['image_id']
    if not _hashable(of_image) or of_image not in image_ids:
        entry.fault(
            'image_id',
            'names no image',
            'the file may be cut, or images were removed without their annotations',
            'remove the annotation, or add the image',
            short_text(of_image, 60),
        )
    _check_box(entry)
    for key in ('area', 'iscrowd', 'is_valid'):
        entry.number(key)
    for key in ('track_id', 'smpl'):
        entry.number(key, whole=True)
    depth = entry.number('root_depth')
    if depth is not None and depth <= 0:
        entry.fault(
            'root_depth',
            'is not in front of the camera',
            'it is the z of the root in the camera frame',
            'give mm along the optical axis, or null where it is not known',
            f'{depth:g}',
        )
    if kset is not None:
        _check_keypoints(entry, kset)
        _check_3d(entry, kset, univ)
        for key, shape in (('occluded', (kset.num_keypoints,)), ('head_bbox', (4,))):
            if entry.fields.get(key) is not None:
                entry.numbers(key, shape, f'give {shape_text(shape)} numbers, or leave it out')
    return entry.sound


def _check_box(entry: Entry) -> None:
    remedy = 'bbox is x, y, width, height in px'
    box = entry.numbers('bbox', (4,), remedy)
    if box is None:
        return
    if not np.isfinite(box).all():
        entry.fault('bbox', 'holds NaN or infinity', 'the person has no place', remedy)
    elif (box[2:] < 0).any():
        entry.fault(
            'bbox', 'has a negative width or height', 'corners may have been exchanged', remedy, str(box.tolist())
        )


def _check_keypoints(entry: Entry, kset: KeypointSet) -> None:
    J = kset.num_keypoints
    keypoints = entry.numbers(
        'keypoints',
        (3 * J,),
        f'{kset.name} has {J} keypoints of (x, y, flag), all in one '
        'list; if the file has others, name their set in info.joints',
    )
    if keypoints is None:
        return
    keypoints = keypoints.reshape(J, 3)
    flags = keypoints[:, 2]
    if not np.isin(flags, (0, 1, 2)).all():
        entry.fault(
            'keypoints',
            'holds a flag that is not 0, 1 or 2',
            'it is not known which keypoints are labelled',
            'the third number is 0 not labelled, 1 labelled but hidden or outside, 2 visible: no confidence',
            f'{flags[~np.isin(flags, (0, 1, 2))][0]:g}',
        )
    elif not np.isfinite(keypoints[flags > 0]).all():
        entry.fault(
            'keypoints',
            'holds NaN or infinity where labelled',
            'a training would end in NaN',
            'set the flag of keypoints that are not known to 0',
            _named(kset, ~np.isfinite(keypoints).all(1)),
        )


def _check_3d(entry: Entry, kset: KeypointSet, univ_wanted: bool) -> None:
    if entry.fields.get('keypoints_3d') is None:
        return
    if entry.fields.get('keypoints_3d_valid') is None:
        entry.fault(
            'keypoints_3d_valid',
            'is missing',
            'it is not known which of keypoints_3d may be learnt',
            f'give {kset.num_keypoints} of 0 and 1',
        )
        return
    remedy = f'{kset.name} has {kset.num_keypoints} keypoints; keypoints_3d is (x, y, z) of each, camera mm'
    points = entry.numbers('keypoints_3d', (kset.num_keypoints, 3), remedy)
    valid = entry.numbers('keypoints_3d_valid', (kset.num_keypoints,), remedy)
    if points is None or valid is None:
        return
    unknown = 'set keypoints_3d_valid to 0 for keypoints that are not known'
    finite = np.isfinite(points).all(1)
    if not finite[valid > 0].all():
        entry.fault(
            'keypoints_3d',
            'holds NaN or infinity',
            'a training would end in NaN',
            unknown,
            _named(kset, ~finite & (valid > 0)),
        )
    behind = finite & (valid > 0) & (points[:, 2] <= 0)
    if behind.any():
        entry.fault(
            'keypoints_3d',
            'has keypoints behind the camera (z <= 0)',
            'usually world instead of camera coordinates, the sign of T, or y and z exchanged',
            f'store R·X + T: x right, y down, z forward; or {unknown}',
            _named(kset, behind),
        )
    if univ_wanted and (valid > 0).any():
        _check_univ(entry, kset, valid)


def _check_univ(entry: Entry, kset: KeypointSet, valid: np.ndarray) -> None:
    remedy = 'give it wherever keypoints_3d is valid, in the same shape, or nowhere'
    if entry.fields.get('keypoints_3d_univ') is None:
        entry.fault('keypoints_3d_univ', 'is missing, but others have it', 'metrics would mix two truths', remedy)
        return
    univ = entry.numbers('keypoints_3d_univ', (kset.num_keypoints, 3), remedy)
    if univ is not None and not np.isfinite(univ[valid > 0]).all():
        entry.fault('keypoints_3d_univ', 'holds NaN or infinity', 'metrics would end in NaN', remedy)


def _without_wrong_units(people: list[dict], findings: Findings) -> list[dict]:
    """The annotations; without their 3D if all of it is in the wrong unit."""
    with_3d = [person for person in people if person.get('keypoints_3d') is not None]
    depths = [np.asarray(person['keypoints_3d'])[np.asarray(person['keypoints_3d_valid']) > 0, 2] for person in with_3d]
    depths = np.concatenate(depths) if depths else np.empty(0)
    if not len(depths) or np.median(depths) >= LEAST_MEDIAN_DEPTH_MM:
        return people
    findings.fault(
        Kind(
            'annotations.keypoints_3d',
            'is not in millimetres',
            'nobody is so near to a camera: metres or centimetres were stored',
            'multiply metres by 1000, centimetres by 10 (root_depth and T too)',
        ),
        [f'the median depth is {np.median(depths):.3g}'],
        count=len(with_3d),
    )
    of_depth = ('keypoints_3d', 'keypoints_3d_valid', 'keypoints_3d_univ', 'root_depth')
    return [{key: value for key, value in person.items() if key not in of_depth} for person in people]


def _named(kset: KeypointSet, mask: np.ndarray) -> str:
    return ', '.join(kset.keypoints[i] for i in np.flatnonzero(mask)[:4])


def _hashable(value: Any) -> bool:
    return isinstance(value, (int, float, str))
