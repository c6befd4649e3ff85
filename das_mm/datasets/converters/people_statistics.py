"""What the numbers of a converted file must look like if units, cameras and sides are right (datasets.md §2.4).

A slip of units (cm, m), the sign of a translation or exchanged sides move the medians far beyond these limits.
"""

from __future__ import annotations

import numpy as np

from das_mm.structures import KEYPOINT_SETS, project

ROOT_DEPTH_MM = (1000.0, 15000.0)
SHOULDER_TO_HIP_MM = (350.0, 650.0)
HIP_TO_HIP_MM = (90.0, 350.0)  # SMPL's hip joints lie 120 mm apart, Human3.6M's markers 260
_LEAST_SHARE_OF_SIDES = 0.8  # most people must have their sides right; a few lie or twist
_FACES = ('nose', 'jaw')


class PeopleStatistics:
    """Collects a few numbers of every person with 3D, then says what is wrong with them.

    Args:
        keypoint_set: Key of ``KEYPOINT_SETS``.
        reprojection_limit_px: Greatest sound median distance between stored and projected keypoints; None: not asked.
    """

    def __init__(self, keypoint_set: str, reprojection_limit_px: float | None = None):
        self.kset = KEYPOINT_SETS[keypoint_set]
        self.reprojection_limit_px = reprojection_limit_px
        self._columns: dict[str, list[np.ndarray]] = {}

    def add(self, image: dict, people: list[dict]) -> None:
        """One image and its people, entries of the annotation format."""
        people = [
            person for person in people if person.get('keypoints_3d') is not None and person.get('is_valid', True)
        ]
        if not people:
            return
        points = np.array([person['keypoints_3d'] for person in people])  # (P, J, 3)
        valid = np.array([person['keypoints_3d_valid'] for person in people]) > 0
        known = np.where(valid[..., None], points, np.nan)
        self._note('root_depth_mm', known[:, list(self.kset.root_sources), 2].mean(1))
        self._add_lengths(known)
        self._add_sides(known)
        if image.get('cam_param'):
            stored = np.array([person['keypoints'] for person in people], np.float64).reshape(*valid.shape, 3)
            K, dist = (image['cam_param'].get(name) for name in ('K', 'dist'))
            with np.errstate(invalid='ignore', divide='ignore'):
                seen = project(known, np.asarray(K, float), None if dist is None else np.asarray(dist, float))
            off = np.linalg.norm(seen - stored[..., :2], axis=-1)
            self._note('reprojection_px', off[(stored[..., 2] > 0) & valid])

    def medians(self) -> dict[str, float]:
        """Median of each number that could be taken."""
        return {name: float(np.median(column)) for name, column in self._all().items()}

    def faults(self) -> list[str]:
        """Sentences, one for each limit that is broken; empty where all is well."""
        medians, faults = self.medians(), []
        for name, (low, high), meaning in (
            ('root_depth_mm', ROOT_DEPTH_MM, 'median depth of the roots'),
            ('shoulder_to_hip_mm', SHOULDER_TO_HIP_MM, 'median distance from shoulder to hip'),
            ('hip_to_hip_mm', HIP_TO_HIP_MM, 'median distance between the hips'),
        ):
            if name in medians and not low <= medians[name] <= high:
                faults.append(
                    f'the {meaning} is {medians[name]:.4g} mm, not between {low:g} and {high:g} mm: wrong '
                    'units, or a wrong sign of a translation'
                )
        off = medians.get('reprojection_px', 0.0)
        if self.reprojection_limit_px is not None and off > self.reprojection_limit_px:
            faults.append(
                f'projected 3D keypoints lie {off:.4g} px from the stored ones (median), allowed are '
                f'{self.reprojection_limit_px:g}: a wrong camera, or frames that do not belong together'
            )
        for name, meaning in (
            ('faces_forward', 'shoulders and face say that left and right are exchanged'),
            ('hips_with_shoulders', 'left and right of hips and shoulders are opposite'),
        ):
            share = np.mean(self._all().get(name, [1.0]))
            if share < _LEAST_SHARE_OF_SIDES:
                faults.append(f'{meaning} for {100 * (1 - share):.0f} % of the people')
        return faults

    def _note(self, name: str, values: np.ndarray) -> None:
        values = values[np.isfinite(values)]
        if len(values):
            self._columns.setdefault(name, []).append(values)

    def _all(self) -> dict[str, np.ndarray]:
        return {name: np.concatenate(values) for name, values in self._columns.items()}

    def _has(self, *names: str) -> bool:
        return all(name in self.kset.keypoints for name in names)

    def _pick(self, points: np.ndarray, name: str) -> np.ndarray:
        return points[:, self.kset.index(name)]

    def _add_lengths(self, points: np.ndarray) -> None:
        length = lambda a, b: np.linalg.norm(self._pick(points, a) - self._pick(points, b), axis=-1)
        for side in ('left', 'right'):
            if self._has(f'{side}_shoulder', f'{side}_hip'):
                self._note('shoulder_to_hip_mm', length(f'{side}_shoulder', f'{side}_hip'))
        if self._has('left_hip', 'right_hip'):
            self._note('hip_to_hip_mm', length('left_hip', 'right_hip'))

    def _add_sides(self, points: np.ndarray) -> None:
        """Chirality: in a right-handed frame (up × forward) points to a person's own left."""
        if not self._has('left_shoulder', 'right_shoulder', 'left_hip', 'right_hip'):
            return
        leftward = self._pick(points, 'left_shoulder') - self._pick(points, 'right_shoulder')
        hips = self._pick(points, 'left_hip') - self._pick(points, 'right_hip')
        self._note('hips_with_shoulders', _positive((hips * leftward).sum(-1)))
        face = next((name for name in _FACES if self._has(name)), None)
        if face is not None:
            neck = (self._pick(points, 'left_shoulder') + self._pick(points, 'right_shoulder')) / 2
            up = neck - (self._pick(points, 'left_hip') + self._pick(points, 'right_hip')) / 2
            forward = self._pick(points, face) - neck
            self._note('faces_forward', _positive((np.cross(up, forward) * leftward).sum(-1)))


def _positive(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values > 0, np.nan)
