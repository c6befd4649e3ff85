"""What trackers look at of the people of one frame. Letters: n people, K keypoints.

Original image px and camera mm (x right, y down, z forward). Scores, roots and boxes of everybody must be there; what
else there is helps: ``keypoints_px``, ``keypoints_cam_mm``, and in ``data``

======================  ==============================================================================================
``displacements_px``    (n, 2) root in the previous frame minus root now
``roots_cam_mm``        (n, 3) made by :func:`with_camera_roots`
``keypoints_sigma_mm``  (n, K, 3) predicted standard errors of the keypoints along x, y, z; made there too
======================  ==============================================================================================

A number that is not finite is not known of that person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.people import People

_NEEDED = ('scores', 'roots_px', 'bboxes_px')
_HELPFUL = ('keypoints_px', 'keypoints_cam_mm')
_DATA = ('displacements_px', 'roots_cam_mm', 'keypoints_sigma_mm')
_LEAST_SIDE_PX = 1.0


def with_camera_roots(people: People, root: Sequence[int], focal_px: float) -> People:
    """The people with what the 3D tracker compares, where they have keypoints in camera space.

    Args:
        people: With ``keypoints_cam_mm``, and with ``keypoints_sigma`` (px, px, mm) where it is known.
        root: Keypoints whose mean is the root.
        focal_px: Focal length of the original image, which makes mm of sigmas in px.
    """
    if people.keypoints_cam_mm is None or not len(people):
        return people
    points = people.keypoints_cam_mm.astype(np.float64)
    data = {**people.data, 'roots_cam_mm': points[:, list(root)].mean(1)}
    if (sigma := people.keypoints_sigma) is not None:
        across = sigma[..., :2] * (points[..., 2:].clip(min=0) / focal_px)
        # a model of the image plane alone knows none along the ray
        along = sigma[..., 2:] if sigma.shape[-1] == 3 else np.full((*sigma.shape[:2], 1), np.nan)
        data['keypoints_sigma_mm'] = np.concatenate([across, along], axis=-1)
    return replace(people, data=data)


def tracked_people(people: People) -> People:
    """Only what trackers look at, in double precision.

    Raises:
        UserError: A field is missing that every tracker needs.
    """
    for name in _NEEDED:
        if getattr(people, name) is None:
            raise UserError('a tracker needs it', field=name, remedy='track the predictions of a DAS model')
    known = {name: value for name in (*_NEEDED, *_HELPFUL) if (value := getattr(people, name)) is not None}
    return People(
        **{name: value.astype(np.float64) for name, value in known.items()},
        data={name: people.data[name].astype(np.float64) for name in _DATA if name in people.data},
    )


def people_arrays(people: Sequence[People]) -> dict[str, np.ndarray]:
    """Rows of :func:`tracked_people`, one each, as arrays by the name of the field; of what all of them have."""
    arrays = {}
    for name in (*_NEEDED, *_HELPFUL):
        rows = [getattr(one, name) for one in people]
        if rows and all(row is not None for row in rows):
            arrays[name] = np.concatenate(rows)
    for name in _DATA:
        if people and all(name in one.data for one in people):
            arrays[name] = np.concatenate([one.data[name] for one in people])
    return arrays


def people_of_arrays(arrays: Mapping[str, np.ndarray]) -> People:
    """The other way round, all in one."""
    fields = {name: np.array(values) for name, values in arrays.items()}
    return People(data={name: fields.pop(name) for name in _DATA if name in fields}, **fields)


def usable_people(people: People) -> np.ndarray:
    """(n,) bool: root, box, score and (where there is one) displacement are finite."""
    parts = [people.roots_px, people.bboxes_px, people.scores[:, None]]
    if 'displacements_px' in people.data:
        parts.append(people.data['displacements_px'])
    return np.isfinite(np.hstack(parts)).all(1)


def radii_px(people: People) -> np.ndarray:
    """(n,) size of people: that of the box, or of the keypoints if they reach further."""
    return people.sizes_px(_LEAST_SIDE_PX)
