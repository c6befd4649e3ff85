"""Every fault of the entries of a file, one by one. The reader of a training stops at the first; this goes on.

Used only where the reader refuses a file, so it may take its time: about 0.2 ms an annotation. J: keypoints of the set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import KeypointSet, check_intrinsics

from ..datasets.annotation_file import LEAST_MEDIAN_DEPTH_MM
from .findings import Findings, Kind

_IMAGE_NEEDS = ('id', 'file_name', 'width', 'height')
_ANNOTATION_NEEDS = ('id', 'image_id', 'bbox', 'keypoints')
_CAMERA_PARTS = (('R', (3, 3)), ('T', (3,)), ('dist', (5,)))


class _Entry:
    """One entry under examination. ``sound`` turns False with its first fault.

    Args:
        rows: 'images' or 'annotations'; ``row``: place in that list; ``place``: file name of the image, if known.
    """

    def __init__(self, rows: str, row: int, fields: dict, findings: Findings, place: str | None):
        self.rows, self.row, self.fields, self.findings = rows, row, fields, findings
        self.place, self.sound = place, True

    def fault(self, key: str, problem: str, meaning: str, remedy: str, detail: str = '') -> None:
        self.sound = False
        kind = Kind(f'{self.rows}.{key}', problem, meaning, remedy)
        about = ', '.join(str(part) for part in (f'id {self.fields.get("id")}', self.place) if part is not None)
        self.findings.fault(kind, [f'{self.rows}[{self.row}] ({about})' + (f': {detail}' if detail else '')])

    def require(self, keys: Iterable[str]) -> bool:
        """Whether all of them are there; a fault for each that is not."""
        absent = [key for key in keys if key not in self.fields]
        for key in absent:
            self.fault(
                key, 'is missing', f'every entry of {self.rows} needs {", ".join(keys)}', 'write it into every entry'
            )
        return not absent

    def numbers(self, key: str, shape: tuple[int, ...], remedy: str) -> np.ndarray | None:
        """The numbers of a field; None, and a fault, if it holds something else."""
        value = self.fields[key]
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            self.fault(key, 'is not a regular list of numbers', 'it cannot be read', remedy, _short(value))
            return None
        if array.shape != shape:
            self.fault(
                key,
                f'does not have the shape {_shape(shape)}',
                'the numbers cannot be told apart',
                remedy,
                f'has {_shape(array.shape)}',
            )
            return None
        return array

    def number(self, key: str, whole: bool = False) -> float | None:
        """The number of a field; None without it or, with a fault, if it is none. Null is no whole number."""
        value = self.fields.get(key)
        if value is None and not (whole and key in self.fields):
            return None
        number = self.numbers(key, (), f'give a {"whole " * whole}number')
        if number is not None and whole and number != np.rint(number):  # NaN too
            self.fault(key, 'is not a whole number', 'it is an id or a count', 'give a whole number', _short(value))
            return None
        return None if number is None else float(number)

    def identity(self, used: set[int]) -> None:
        """Checks ``id``; ``used`` holds those before."""
        number = self.number('id', whole=True)
        if number is not None and number in used:
            self.fault(
                'id',
                'is used before',
                f'ids of {self.rows} must be unique: two files must not simply be joined',
                'give every entry an id of its own',
            )
        used.add(number)


def find_faults(content: dict, kset: KeypointSet | None, findings: Findings) -> dict:
    """Notes all faults and returns the content without the entries at fault.

    Args:
        kset: The set of the file; None if it is not known: then keypoints are not looked at.
    """
    used: set[int] = set()
    images = [entry for entry in _entries(content, 'images', findings, {}) if _image_is_sound(entry, used)]
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


def _entries(content: dict, rows: str, findings: Findings, names: dict) -> Iterable[_Entry]:
    for row, fields in enumerate(content[rows]):
        if not isinstance(fields, dict):
            kind = Kind(rows, 'holds entries that are no objects', 'they cannot be read', 'write the file again')
            findings.fault(kind, [f'{rows}[{row}]: {_short(fields)}'])
            continue
        of_image = fields.get('image_id')
        place = fields.get('file_name') if rows == 'images' else names.get(of_image) if _hashable(of_image) else None
        yield _Entry(rows, row, fields, findings, place)


def _image_is_sound(entry: _Entry, used: set[int]) -> bool:
    if not entry.require(_IMAGE_NEEDS):
        return False
    entry.identity(used)
    if not isinstance(entry.fields['file_name'], str):
        entry.fault('file_name', 'is no text', 'the image cannot be found', 'give its path below the image folder')
    for side in ('width', 'height'):
        pixels = entry.number(side)
        if pixels is None or not pixels > 0:
            entry.fault(
                side,
                'is not a positive number',
                'boxes are cut to it, and images are checked against it',
                'write the size of the image file in px',
                _short(entry.fields[side]),
            )
    entry.number('frame', whole=True)
    entry.number('crowd_index')
    _check_camera(entry)
    _check_regions(entry)
    return entry.sound


def _check_camera(entry: _Entry) -> None:
    camera = entry.fields.get('cam_param')
    if camera is None:
        return
    if not isinstance(camera, dict) or 'K' not in camera:
        entry.fault(
            'cam_param',
            'has no K',
            'without K nothing can be projected',
            'give K, or leave cam_param out where the camera is not known',
        )
        return
    try:
        check_intrinsics(camera['K'])
    except UserError as error:
        entry.fault(
            'cam_param.K', 'is no camera matrix', 'nothing can be projected with it', error.remedy, error.problem
        )
    for key, shape in _CAMERA_PARTS:
        try:
            part = np.asarray(0.0 if camera.get(key) is None else camera[key], dtype=np.float64)
        except (TypeError, ValueError):
            part = np.array(np.nan)
        if camera.get(key) is not None and (part.size != np.prod(shape) or not np.isfinite(part).all()):
            entry.fault(
                f'cam_param.{key}',
                f'is not {_shape(shape)} finite numbers',
                'nothing can be projected with it',
                'R is 3×3, T is 3 mm, dist is k1, k2, p1, p2, k3; or leave it out',
                _short(camera[key]),
            )


def _check_regions(entry: _Entry) -> None:
    for polygon in entry.fields.get('ignore_regions') or ():
        try:
            points = np.asarray(polygon, dtype=np.float64)
        except (TypeError, ValueError):
            points = np.empty(0)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or not np.isfinite(points).all():
            entry.fault(
                'ignore_regions',
                'holds no polygon',
                'what is to be ignored is not known',
                'give a list of polygons [[x, y], [x, y], [x, y], …] in px',
                _short(polygon),
            )


def _annotation_is_sound(entry: _Entry, used: set[int], image_ids: set, kset: KeypointSet | None, univ: bool) -> bool:
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
            _short(of_image),
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
                entry.numbers(key, shape, f'give {_shape(shape)} numbers, or leave it out')
    return entry.sound


def _check_box(entry: _Entry) -> None:
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


def _check_keypoints(entry: _Entry, kset: KeypointSet) -> None:
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


def _check_3d(entry: _Entry, kset: KeypointSet, univ_wanted: bool) -> None:
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


def _check_univ(entry: _Entry, kset: KeypointSet, valid: np.ndarray) -> None:
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


def _shape(shape: tuple[int, ...]) -> str:
    return '×'.join(map(str, shape)) if shape else 'of one number'


def _hashable(value: Any) -> bool:
    return isinstance(value, (int, float, str))


def _short(value: Any, length: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= length else text[:length] + '…'
