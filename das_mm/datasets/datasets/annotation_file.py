"""Reads and checks a COCO-style annotation file: the package's own format and the official COCO keypoint files.

Everything is checked once, when the file is loaded, with array operations; only a failed check looks for the culprit.
Letters: M images, A annotations, J keypoints of the file's own set.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS, KeypointSet, check_intrinsics, get_keypoint_set

# nobody is nearer to a camera than this on average: smaller depths mean metres or centimetres
LEAST_MEDIAN_DEPTH_MM = 250.0

# lists of numbers of an annotation, kept as arrays from the moment they are parsed
_NUMBER_LISTS = ('keypoints', 'keypoints_3d', 'keypoints_3d_valid', 'keypoints_3d_univ', 'occluded')


@dataclass
class People:
    """All annotations of a file as columns, in the order of the images.

    Attributes:
        image_row: (A,) row of the image each belongs to, ascending.
        bbox: (A, 4) x1, y1, x2, y2 px.
        keypoints: (A, J, 2) px; flags: (A, J) 0 not labelled, 1 labelled but hidden or out of the image, 2 visible.
        keypoints_3d: (A, J, 3) camera mm; keypoints_3d_valid: (A, J) bool.
        root_depth_mm: (A,) NaN where not given.
        occluded: (A, J) bool, or None where no annotation of the file says it; so are the next two.
        keypoints_3d_univ: (A, J, 3) camera mm of the body scaled to the universal height; 0 where not given.
        head_bbox: (A, 4) x, y, width, height px; NaN where not given.
    """

    image_row: np.ndarray
    bbox: np.ndarray
    keypoints: np.ndarray
    flags: np.ndarray
    keypoints_3d: np.ndarray
    keypoints_3d_valid: np.ndarray
    root_depth_mm: np.ndarray
    area: np.ndarray
    iscrowd: np.ndarray
    is_valid: np.ndarray
    track_id: np.ndarray
    smpl_row: np.ndarray
    ann_id: np.ndarray
    occluded: np.ndarray | None = None
    keypoints_3d_univ: np.ndarray | None = None
    head_bbox: np.ndarray | None = None


@dataclass
class AnnotationFile:
    """A checked annotation file.

    Attributes:
        info: The ``info`` object.
        keypoint_set: The set in which keypoints are stored.
        images: M dicts as in the file; ``cam_param`` is replaced by arrays (K, R, T, dist) or None, ``ignore_regions``
            by a list of polygons (P, 2) px, ``crowd_index`` (COCO style: ``crowdIndex``) by a float or None.
        people: The annotations.
    """

    info: dict
    keypoint_set: KeypointSet
    images: list[dict]
    people: People


class _Rows:
    """The entries of ``images`` or ``annotations`` of one file; knows how to name the one at fault."""

    def __init__(self, file: str, name: str, rows: list[dict], places: Sequence[int] | None = None):
        self.file, self.name, self.rows = file, name, rows
        self.places = range(len(rows)) if places is None else places  # in the file

    def having(self, key: str) -> _Rows:
        """The entries in which ``key`` is given."""
        chosen = [row for row, entry in enumerate(self.rows) if entry.get(key) is not None]
        return _Rows(self.file, self.name, [self.rows[row] for row in chosen], [self.places[row] for row in chosen])

    def fail(self, row: int, key: str, problem: str, remedy: str | None = None) -> None:
        """Raises the UserError for one entry."""
        entry = self.rows[row]
        number = f' (id {entry["id"]})' if isinstance(entry, dict) and 'id' in entry else ''
        raise UserError(problem, file=self.file, field=f'{self.name}[{self.places[row]}]{number}.{key}', remedy=remedy)

    def check(self, good: np.ndarray, key: str, problem: str, remedy: str | None = None) -> None:
        """Fails for the first row where ``good`` (rows, …) is not all True."""
        bad = np.flatnonzero(~good.all(axis=tuple(range(1, good.ndim))))
        if len(bad):
            more = f' (and {len(bad) - 1} more)' if len(bad) > 1 else ''
            self.fail(int(bad[0]), key, problem + more, remedy)

    def require(self, *keys: str, remedy: str | None = None) -> None:
        """Fails for the first entry that lacks one of the keys."""
        for row, entry in enumerate(self.rows):
            if not isinstance(entry, dict):
                raise UserError(
                    f'expected an object, found {type(entry).__name__}',
                    file=self.file,
                    field=f'{self.name}[{row}]',
                    remedy='write the file again',
                )
            for key in keys:
                if key not in entry:
                    self.fail(row, key, 'is missing', remedy or f'every entry of {self.name} needs {", ".join(keys)}')

    def numbers(self, key: str, shape: tuple[int, ...] = (), default=None, remedy: str | None = None) -> np.ndarray:
        """Column of numbers (rows, *shape) float64; null becomes NaN."""
        values = [entry.get(key, default) for entry in self.rows]
        try:
            column = np.asarray(values, dtype=np.float64)
            if column.shape == (len(values), *shape) or not values:
                return column.reshape(len(values), *shape)
        except (TypeError, ValueError):
            pass
        for row, value in enumerate(values):
            try:
                got = np.asarray(value, dtype=np.float64).shape
            except (TypeError, ValueError):
                self.fail(row, key, f'is not a regular list of numbers: {_short(value)}', remedy)
            if got != shape:
                self.fail(row, key, f'has shape {got}, expected {shape}', remedy)
        raise AssertionError('unreachable: every value fits alone but not together')

    def integers(self, key: str, default: int | None = None) -> np.ndarray:
        """Column of whole numbers (rows,) int64."""
        column = self.numbers(key, default=default)
        self.check(np.isfinite(column) & (column == np.rint(column)), key, 'is not a whole number')
        return np.asarray([int(entry.get(key, default)) for entry in self.rows], dtype=np.int64)  # exact beyond 2^53


def read_annotation_file(
    file: str, keypoint_set: str | None = None, require_annotations: bool = True, default_set: str | None = None
) -> AnnotationFile:
    """Loads and checks one file.

    Args:
        file: Path of the json.
        keypoint_set: The set in which its keypoints are stored; None reads it from ``info.joints`` or, for files such
            as COCO's, recognises the names in ``categories``.
        default_set: The set where ``keypoint_set`` is None and the file does not tell.
        require_annotations: False accepts a file of images alone (COCO's ``image_info_test-dev2017.json``).

    Raises:
        UserError: Anything is wrong with the file; it names file and field, and what to do.
    """
    content = load_json(file)
    for key in ('images', 'annotations') if require_annotations else ('images',):
        if not isinstance(content.get(key), list):
            raise UserError(
                'is missing or not a list',
                file=file,
                field=key,
                remedy='a COCO-style file has the lists `images` and `annotations`',
            )
    if not content['images']:
        raise UserError(
            'the dataset is empty: there are no images', file=file, field='images', remedy='check how the file was made'
        )
    info = content.get('info') or {}
    kset = source_set(content, info, keypoint_set, default_set, file)
    images = _Rows(file, 'images', content['images'])
    images.require('id', 'file_name', 'width', 'height')
    image_ids = images.integers('id')
    _check_unique(images, image_ids)
    for side in ('width', 'height'):
        images.check(images.numbers(side) > 0, side, 'is not positive')
    people = _read_people(_Rows(file, 'annotations', content.pop('annotations', [])), image_ids, kset)
    return AnnotationFile(info, kset, _read_images(images), people)


def load_json(file: str) -> dict:
    try:
        with open(file, encoding='utf-8') as stream:
            content = json.load(stream, object_hook=_compact)
    except FileNotFoundError:
        raise UserError(
            'the annotation file does not exist',
            file=file,
            remedy='check `data_root` and `ann_file` of the dataset, or create the file first',
        ) from None
    except OSError as error:
        raise UserError(
            f'the annotation file cannot be read ({error.strerror})', file=file, remedy='check its permissions'
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f'is no valid json, perhaps cut short ({error})', file=file, remedy='copy or create the file again'
        ) from None
    if not isinstance(content, dict):
        raise UserError(
            f'the top level is a {type(content).__name__}, not an object with `images` and `annotations`',
            file=file,
            remedy='convert the annotations to the COCO-style format first',
        )
    return content


def _compact(entry: dict) -> dict:
    """Called for each object as it is parsed: python's numbers take five times the memory of an array's."""
    if 'image_id' in entry:
        entry.pop('segmentation', None)  # not used, and the greater part of COCO's files
        for key in _NUMBER_LISTS:
            if isinstance(entry.get(key), list):
                try:
                    entry[key] = np.asarray(entry[key], dtype=np.float64)
                except (TypeError, ValueError):
                    pass  # the checks name it
    return entry


def source_set(content: dict, info: dict, given: str | None, default: str | None, file: str) -> KeypointSet:
    declared = info.get('joints')
    if given is not None and declared is not None and given != declared:
        raise UserError(
            f'the file declares {declared!r}, but `source_keypoint_set` is {given!r}',
            file=file,
            field='info.joints',
            remedy='leave `source_keypoint_set` out',
        )
    if given is not None:
        return get_keypoint_set(given, field='source_keypoint_set')
    if declared is not None:
        return get_keypoint_set(declared, file=file, field='info.joints')
    for category in content.get('categories') or []:
        for kset in KEYPOINT_SETS.values():
            if tuple(category.get('keypoints', ())) == kset.keypoints:
                return kset
    if default is not None:
        return get_keypoint_set(default)
    raise UserError(
        'nothing says in which order the keypoints are stored',
        file=file,
        field='info.joints',
        remedy=f'set `source_keypoint_set` of the dataset to one of: {", ".join(KEYPOINT_SETS)}',
    )


def _check_unique(rows: _Rows, ids: np.ndarray) -> None:
    _, first = np.unique(ids, return_index=True)
    repeated = np.ones(len(ids), dtype=bool)
    repeated[first] = False
    rows.check(
        ~repeated,
        'id',
        f'is used before: ids of {rows.name} must be unique',
        'give every entry an id of its own; two files must not simply be joined',
    )


def _read_images(images: _Rows) -> list[dict]:
    """The entries with their optional fields checked."""
    for row, image in enumerate(images.rows):
        if not isinstance(image['file_name'], str):
            images.fail(row, 'file_name', f'is no text: {_short(image["file_name"])}')
    images.integers('frame', default=-1)
    crowd_index = images.numbers('crowd_index', default=np.nan)
    theirs = images.numbers('crowdIndex', default=np.nan)  # CrowdPose's own files
    crowd_index = np.where(np.isnan(crowd_index), theirs, crowd_index)
    regions = [_polygons(images, row) for row in range(len(images.rows))]
    return [
        {
            **image,
            'cam_param': camera,
            'ignore_regions': polygons,
            'crowd_index': None if np.isnan(index) else float(index),
        }
        for image, camera, polygons, index in zip(images.rows, _read_cameras(images), regions, crowd_index)
    ]


def _polygons(images: _Rows, row: int) -> list[np.ndarray]:
    polygons = []
    for polygon in images.rows[row].get('ignore_regions') or ():
        try:
            points = np.asarray(polygon, dtype=np.float64)
        except (TypeError, ValueError):
            points = np.empty(0)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or not np.isfinite(points).all():
            images.fail(
                row,
                'ignore_regions',
                f'holds no polygon: {_short(polygon)}',
                'give a list of polygons [[x, y], [x, y], [x, y], …] in px',
            )
        polygons.append(points)
    return polygons


def _read_cameras(images: _Rows) -> list[dict | None]:
    """One dict of arrays (or None: camera unknown) an image; images with the same camera share one."""
    cameras, seen = [], {'None': None}
    for row, image in enumerate(images.rows):
        camera = image.get('cam_param')
        key = repr(camera)
        if key in seen:
            cameras.append(seen[key])
            continue
        field = f'images[{row}] (id {image["id"]}).cam_param'
        if not isinstance(camera, dict) or 'K' not in camera:
            raise UserError(
                'has no K',
                file=images.file,
                field=field,
                remedy='give K, or leave cam_param out where the camera is unknown',
            )
        parts = dict(K=check_intrinsics(camera['K'], file=images.file, field=f'{field}.K'))
        for key, shape in (('R', (3, 3)), ('T', (3,)), ('dist', (5,))):
            parts[key] = _camera_part(camera.get(key), shape, images.file, f'{field}.{key}')
        if parts['dist'] is not None and not parts['dist'].any():
            parts['dist'] = None
        seen[key] = parts
        cameras.append(parts)
    return cameras


def _camera_part(value, shape: tuple[int, ...], file: str, field: str) -> np.ndarray | None:
    if value is None:
        return None
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.size != math.prod(shape) or not np.isfinite(array).all():
        raise UserError(
            f'is not {shape} finite numbers: {_short(value)}',
            file=file,
            field=field,
            remedy='R is 3×3, T is 3 mm, dist is k1, k2, p1, p2, k3',
        )
    return array.reshape(shape)


def _read_people(rows: _Rows, image_ids: np.ndarray, kset: KeypointSet) -> People:
    rows.require('id', 'image_id', 'bbox', 'keypoints')
    ids, owners = rows.integers('id'), rows.integers('image_id')
    _check_unique(rows, ids)
    by_id = np.argsort(image_ids, kind='stable')
    place = np.minimum(np.searchsorted(image_ids, owners, sorter=by_id), len(image_ids) - 1)
    image_row = by_id[place]
    rows.check(
        image_ids[image_row] == owners,
        'image_id',
        'no image has this id',
        'the file may be cut, or images were removed without their annotations',
    )
    keypoints = rows.numbers(
        'keypoints',
        (kset.num_keypoints * 3,),
        remedy=(
            f'{kset.name} has {kset.num_keypoints} keypoints of (x, y, flag); name the right `source_keypoint_set`'
        ),
    ).reshape(-1, kset.num_keypoints, 3)
    flags, keypoints = keypoints[..., 2], keypoints[..., :2]
    rows.check(np.isin(flags, (0, 1, 2)), 'keypoints', 'holds a flag that is not 0, 1 or 2')
    rows.check(
        np.isfinite(keypoints).all(-1) | (flags == 0),
        'keypoints',
        'holds NaN or infinity where labelled',
        'set the flag of keypoints that are not known to 0',
    )
    keypoints[flags == 0] = 0
    bbox = rows.numbers('bbox', (4,), remedy='bbox is x, y, width, height')
    rows.check(np.isfinite(bbox), 'bbox', 'holds NaN or infinity')
    rows.check(bbox[:, 2:] >= 0, 'bbox', 'has a negative width or height', 'bbox is x, y, width, height')
    area = rows.numbers('area', default=np.nan)
    points, valid, root_depth = _read_depths(rows, kset)
    columns = People(
        image_row,
        np.concatenate([bbox[:, :2], bbox[:, :2] + bbox[:, 2:]], axis=1),
        keypoints,
        flags.astype(np.int64),
        points,
        valid,
        root_depth,
        np.where(np.isfinite(area), area, bbox[:, 2] * bbox[:, 3]),
        rows.numbers('iscrowd', default=0) != 0,
        rows.numbers('is_valid', default=1) != 0,
        rows.integers('track_id', default=-1),
        rows.integers('smpl', default=-1),
        ids,
        **_read_optional(rows, kset, valid),
    )
    order = np.argsort(image_row, kind='stable')
    return People(**{name: None if column is None else column[order] for name, column in vars(columns).items()})


def _read_optional(rows: _Rows, kset: KeypointSet, valid_3d: np.ndarray) -> dict[str, np.ndarray | None]:
    """Columns of fields that most files lack: None for those that no annotation has."""
    J = kset.num_keypoints
    remedy = f'{kset.name} has {J} keypoints'
    occluded = _sparse(rows, 'occluded', (J,), 0.0, remedy)
    univ = _sparse(rows, 'keypoints_3d_univ', (J, 3), np.nan, remedy)
    if univ is not None:
        rows.check(
            np.isfinite(univ).all(-1) | ~valid_3d,
            'keypoints_3d_univ',
            'is missing, or holds NaN or infinity',
            'other annotations have it: give it wherever keypoints_3d is valid, or nowhere',
        )
        univ[~valid_3d] = 0
    return dict(
        occluded=None if occluded is None else occluded > 0,
        keypoints_3d_univ=univ,
        head_bbox=_sparse(rows, 'head_bbox', (4,), np.nan, 'head_bbox is x, y, width, height'),
    )


def _sparse(rows: _Rows, key: str, shape: tuple[int, ...], fill: float, remedy: str) -> np.ndarray | None:
    """Column (rows, *shape) of a field that some entries have, ``fill`` elsewhere; None if no entry has it."""
    given = rows.having(key)
    if not given.rows:
        return None
    column = np.full((len(rows.rows), *shape), fill)
    column[given.places] = given.numbers(key, shape, remedy=remedy)
    return column


def _read_depths(rows: _Rows, kset: KeypointSet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(A, J, 3) camera mm, (A, J) bool and root depths (A,) mm; zeros, False and NaN for those labelled in 2D only."""
    count, J = len(rows.rows), kset.num_keypoints
    points, valid = np.zeros((count, J, 3)), np.zeros((count, J), dtype=bool)
    root_depth = rows.numbers('root_depth', default=np.nan)
    rows.check(
        ~(root_depth <= 0),
        'root_depth',
        'is not in front of the camera',
        'give mm along the optical axis, or null where it is not known',
    )
    labelled = rows.having('keypoints_3d')
    if not labelled.rows:
        return points, valid, root_depth
    labelled.require('keypoints_3d_valid', remedy='say with 0 and 1 which of keypoints_3d (camera-space mm) are known')
    remedy = f'{kset.name} has {J} keypoints; camera-space mm'
    some_points = labelled.numbers('keypoints_3d', (J, 3), remedy=remedy)
    some_valid = labelled.numbers('keypoints_3d_valid', (J,), remedy=remedy) > 0
    unknown = 'set keypoints_3d_valid to 0 for keypoints that are not known'
    labelled.check(np.isfinite(some_points).all(-1) | ~some_valid, 'keypoints_3d', 'holds NaN or infinity', unknown)
    labelled.check(
        (some_points[..., 2] > 0) | ~some_valid,
        'keypoints_3d',
        'has a keypoint behind the camera (z <= 0)',
        f'check R and the sign of T, or {unknown}',
    )
    depths = some_points[..., 2][some_valid]
    if len(depths) and np.median(depths) < LEAST_MEDIAN_DEPTH_MM:
        raise UserError(
            f'the median depth is {np.median(depths):.3g} mm: these are no millimetres',
            file=rows.file,
            field='annotations.keypoints_3d',
            remedy='store camera-space millimetres',
        )
    some_points[~some_valid] = 0
    points[labelled.places], valid[labelled.places] = some_points, some_valid
    return points, valid, root_depth


def _short(value, length: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= length else text[:length] + '…'
