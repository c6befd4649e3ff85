"""What a file may hold, but hardly should: wrong units, exchanged sides, cameras of other images, shifted pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from das_mm.structures import root_of

from ..converters.people_statistics import SHOULDER_TO_HIP_MM, PeopleStatistics
from .camera_oddities import images_twice, odd_cameras
from .findings import Findings, Kind
from .labels import Labels

_FAR_OUT = 1.0  # of the longer image side beyond the border
_BOX_SLACK, _BOX_SLACK_PX = 0.25, 5.0  # of the box's longer side
_LEAST_BOX_PX = 1.0
_REPROJECTION_PX, _REPROJECTION_SHARE = 3.0, 0.005  # the greater counts; the share is of the longer image side
_SHIFTS_PX = (-1.0, -0.5, 0.5, 1.0)
_SHIFT_SPREAD_PX = 0.15
_LENGTH_UNITS = (('metres', 1000.0), ('centimetres', 10.0), ('inches', 25.4))
_ROOT_DEPTH_MM = 50.0
_MANY = 0.5


def find_oddities(labels: Labels, findings: Findings) -> None:
    """Adds a warning for each kind of oddity."""
    for check in (_places, _boxes, _twins, _roots):
        _note_people(labels, findings, check(labels))
    images_twice(labels, findings)
    odd_cameras(labels, findings)
    if labels.with_3d.any():
        _note_people(labels, findings, _depths(labels))
        _note_people(labels, findings, _reprojection(labels))
        _shift(labels, findings)
        _body(labels, findings)


def _note_people(labels: Labels, findings: Findings, odd: Iterator[tuple[Kind, np.ndarray]]) -> None:
    for kind, mask in odd:
        rows = np.flatnonzero(mask)
        if len(rows):
            findings.warn(kind, (labels.name(row) for row in rows), len(rows))


def _places(labels: Labels) -> Iterator[tuple[Kind, np.ndarray]]:
    keypoints, size = labels.people.keypoints, labels.size_px[:, None]
    beyond = np.maximum(-keypoints, keypoints - size).max(-1) > _FAR_OUT * size.max(-1)
    yield (
        Kind(
            'annotations.keypoints',
            'lie far outside of the image (by more than its longer side)',
            'often pixels of another size of the image, or a failed projection',
            'check which image the pixels belong to; set the flag of keypoints that are not known to 0',
        ),
        (beyond & labels.labelled).any(1),
    )
    yield (
        Kind(
            'annotations.keypoints',
            'are flagged visible (2) but lie outside of the image',
            'nobody can see them there',
            'flag them 1: labelled, but hidden or outside',
        ),
        ((labels.people.flags == 2) & ~labels.inside).any(1),
    )
    yield (
        Kind(
            'annotations.keypoints',
            'are labelled at exactly (0, 0)',
            'in most data sets that means "not known", and the network would learn it',
            'set their flag to 0',
        ),
        (labels.labelled & (keypoints == 0).all(-1)).any(1),
    )


def _boxes(labels: Labels) -> Iterator[tuple[Kind, np.ndarray]]:
    boxes, counted = labels.people.bbox, labels.counted
    extent = boxes[:, 2:] - boxes[:, :2]
    small = counted & (extent.min(1) < _LEAST_BOX_PX)
    yield (
        Kind(
            'annotations.bbox',
            'is less than one pixel wide or high',
            'such people are left out of most metrics',
            'give the box of the whole visible person',
        ),
        small,
    )
    slack = np.maximum(_BOX_SLACK * extent.max(1), _BOX_SLACK_PX)[:, None]
    outside = np.maximum(boxes[:, None, :2] - labels.people.keypoints, labels.people.keypoints - boxes[:, None, 2:])
    missed = (outside.max(-1) > slack) & labels.inside & labels.labelled
    as_corners = np.concatenate([boxes[:, :2], extent], 1)  # the numbers as they were stored
    corners_fit = (as_corners[:, 2:] > as_corners[:, :2]).all(1) & (boxes[:, 2:] > labels.size_px + 1).any(1)
    hint = ''
    if counted.any() and corners_fit[counted].mean() > _MANY:
        hint = '; these look like corners (x1, y1, x2, y2)'
    yield (
        Kind(
            'annotations.bbox',
            'does not contain the keypoints of its person',
            'people are mixed up, or the box is in another unit',
            f'bbox is x, y, width, height in px{hint}',
        ),
        missed.any(1) & counted & ~small,
    )
    yield (
        Kind(
            'annotations.bbox',
            'reaches out of the image',
            'boxes are understood as cut to the image',
            f'cut it; bbox is x, y, width, height in px{hint}',
        ),
        ((boxes[:, :2] < -2).any(1) | (boxes[:, 2:] > labels.size_px + 2).any(1)) & counted,
    )


def _twins(labels: Labels) -> Iterator[tuple[Kind, np.ndarray]]:
    people = labels.people
    able = np.flatnonzero((labels.labelled.sum(1) > 1) & ~people.iscrowd)
    places = np.rint(people.keypoints[able]).reshape(len(able), 2 * labels.kset.num_keypoints)
    _, first = np.unique(np.column_stack([people.image_row[able], places]), axis=0, return_index=True)
    again = np.ones(len(able), bool)
    again[first] = False
    twins = np.zeros(len(people.ann_id), bool)
    twins[able[again]] = True
    yield (
        Kind(
            'annotations',
            'repeat a person of the same image (all keypoints within a pixel)',
            'one of the two can never be found, and counts as missed',
            'remove the repetition',
        ),
        twins,
    )


def _roots(labels: Labels) -> Iterator[tuple[Kind, np.ndarray]]:
    _, flags = root_of(labels.people.keypoints, labels.people.flags, labels.kset)
    people = labels.counted & labels.labelled.any(1)
    rootless = people & (flags == 0)
    if people.any() and rootless.sum() > _MANY * people.sum():
        sources = ' and '.join(labels.kset.keypoints[i] for i in labels.kset.root_sources)
        yield (
            Kind(
                'annotations.keypoints',
                f'have no labelled root ({sources}) for most people',
                'the root is the centre of a person: whoever has none is ignored by the training',
                'label it (flag 1 where hidden), or name the right set in info.joints',
            ),
            rootless,
        )


def _depths(labels: Labels) -> Iterator[tuple[Kind, np.ndarray]]:
    people = labels.people
    valid = people.keypoints_3d_valid
    z = np.where(valid, people.keypoints_3d[..., 2], np.nan)
    with np.errstate(all='ignore'):
        flat = (valid.sum(1) > 2) & (np.where(valid, z, -np.inf).max(1) == np.where(valid, z, np.inf).min(1))
    yield (
        Kind(
            'annotations.keypoints_3d',
            'are all at the same depth',
            'the body is flat: probably a depth for the whole person was copied to all its keypoints',
            'give the depth of each keypoint, or leave keypoints_3d out and give root_depth alone',
        ),
        flat,
    )
    root, root_valid = root_of(people.keypoints_3d, valid, labels.kset)
    given = people.root_depth_mm
    differs = root_valid & np.isfinite(given) & (np.abs(given - root[..., 2]) > _ROOT_DEPTH_MM)
    yield (
        Kind(
            'annotations.root_depth',
            f'differs from the root of keypoints_3d by more than {_ROOT_DEPTH_MM:g} mm',
            'one of the two is of another frame, unit or person',
            'it is the z of the root in keypoints_3d, mm',
        ),
        differs,
    )


def _reprojection(labels: Labels) -> Iterator[tuple[Kind, np.ndarray]]:
    distance = np.linalg.norm(labels.residual_px, axis=-1)
    known = np.isfinite(distance)
    number = known.sum(1)
    # (A,) median of each person's, NaN for those who have none: sorting puts NaN last
    middle = np.take_along_axis(np.sort(distance, axis=1), np.maximum(number - 1, 0)[:, None] // 2, axis=1)[:, 0]
    limit = np.maximum(_REPROJECTION_PX, _REPROJECTION_SHARE * labels.size_px.max(1))
    median = np.median(distance[known]) if known.any() else 0.0
    yield (
        Kind(
            'annotations.keypoints_3d',
            'do not project onto the keypoints '
            f'({_REPROJECTION_PX:g} px, or {100 * _REPROJECTION_SHARE:g} % of the image, apart)',
            f'the median of the file is {median:.3g} px; usually a K of another size of the image, world instead of '
            'camera coordinates, or frames that do not belong together',
            'keypoints_3d are in the camera frame of cam_param; K and keypoints belong to the stored image',
        ),
        middle > limit,
    )


def _shift(labels: Labels, findings: Findings) -> None:
    residual = labels.residual_px
    residual = residual[np.isfinite(residual).all(-1)]
    if not len(residual):
        return
    middle = np.median(residual, axis=0)
    spread = np.median(np.abs(residual - middle), axis=0)
    close = [any(abs(value - shift) < _SHIFT_SPREAD_PX for shift in _SHIFTS_PX) for value in middle]
    if all(close) and (spread < _SHIFT_SPREAD_PX).all():
        findings.warn(
            Kind(
                'annotations.keypoints',
                'are shifted against the projected keypoints_3d, all by the same',
                'pixels are counted from 1 (MATLAB), or from the corner of a pixel and not its centre',
                '(0, 0) is the centre of the top-left pixel: subtract 1, or 0.5',
            ),
            [f'by ({-middle[0]:.2f}, {-middle[1]:.2f}) px'],
            int(labels.with_3d.sum()),
        )


def _body(labels: Labels, findings: Findings) -> None:
    """Units and sides, by the limits of the converters' own checks."""
    people, use = labels.people, labels.with_3d & labels.counted
    statistics = PeopleStatistics(labels.kset.name)
    statistics.add(
        {},
        [
            dict(keypoints_3d=people.keypoints_3d[row], keypoints_3d_valid=people.keypoints_3d_valid[row])
            for row in np.flatnonzero(use)
        ],
    )
    length = statistics.medians().get('shoulder_to_hip_mm')
    low, high = SHOULDER_TO_HIP_MM
    units = [(unit, factor) for unit, factor in _LENGTH_UNITS if length and low <= length * factor <= high]
    advice = (
        f'they look like {units[0][0]}: multiply by {units[0][1]:g} (T and root_depth too)'
        if units
        else "camera mm, x right, y down, z forward; left and right are the person's own"
    )
    for sentence in statistics.faults():
        problem, _, meaning = sentence.partition(': ')
        findings.warn(
            Kind(
                'annotations.keypoints_3d',
                f'look wrong: {problem}',
                meaning or "sides were exchanged, the order of the keypoints is another set's, or an axis is mirrored",
                advice,
            ),
            [],
            int(use.sum()),
        )
