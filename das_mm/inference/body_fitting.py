"""Bodies for the people that a network tells as 2.5D keypoints: who can be fitted, the fit, and the fields of results.

Letters: n people, K keypoints. Pixels and mm are those of the original images and their cameras.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from das_mm.bodies.joint_supersets import SUPERSET_POINTS
from das_mm.bodies.pose_mixture import load_pose_mixture
from das_mm.errors import UserError
from das_mm.fitting.cameras import FittingCamera
from das_mm.fitting.people_energy import PeopleObservations
from das_mm.fitting.people_fitter import FittedPeople, PeopleFitOptions, PeopleFitter
from das_mm.models.body_models import superset_layer
from das_mm.models.losses.body_priors import MaxMixturePrior
from das_mm.structures import KeypointSet, get_keypoint_set

if TYPE_CHECKING:
    from pathlib import Path

    from das_mm.models.body_models import SMPLBody

#: a person with fewer keypoints is not fitted: six places say less than a body has of turns, but where its limbs are
LEAST_KEYPOINTS = 6
_LARGEST_BATCH = 64  # people at once; memory does not grow beyond
_ROOT_DEPTH_ERROR = 0.05  # of the depth: networks tell no scale for it


@dataclass(frozen=True)
class FittedKeypoints:
    """2.5D keypoints of n people of any images.

    Attributes:
        keypoints_px: (n, K, 2).
        sigma_px: (n, K, 2); sigma_depth_mm: (n, K), NaN where the network knows no depth's scale.
        relative_depths_mm: (n, K).
        root_cam_mm: (n, 3); NaN of people who are not in front of the camera.
        K: (n, 3, 3) px.
        dist: (n, 5) or None.
    """

    keypoints_px: np.ndarray
    sigma_px: np.ndarray
    sigma_depth_mm: np.ndarray
    relative_depths_mm: np.ndarray
    root_cam_mm: np.ndarray
    K: np.ndarray
    dist: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.keypoints_px)


@dataclass(frozen=True)
class BodyFits:
    """Of n people; rows of those without a fit are NaN.

    Attributes:
        fields: The arrays of :data:`~das_mm.bodies.smpl_fields.SMPL_FIELDS` by name.
        start_cam_mm, keypoints_cam_mm: (n, K, 3) keypoints of the body before and after the fit.
        start_px, keypoints_px: (n, K, 2) the same as they are seen.
        reasons: (n,) why there is no fit; None where there is one.
    """

    fields: dict[str, np.ndarray]
    start_cam_mm: np.ndarray
    keypoints_cam_mm: np.ndarray
    start_px: np.ndarray
    keypoints_px: np.ndarray
    reasons: list[str | None]

    @property
    def fitted(self) -> np.ndarray:
        """(n,) bool."""
        return np.array([reason is None for reason in self.reasons], dtype=bool)


class BodyFitter:
    """Fits a body to people of one keypoint set.

    Args:
        body: The body; its keypoints are found by their names.
        keypoint_set: Any set of which the body has all keypoints.
        mixture_file: See :class:`.MaxMixturePrior`.
        options: Of the fit.

    Raises:
        UserError: The set is unknown, or the body lacks keypoints of it.
    """

    def __init__(
        self,
        body: SMPLBody,
        keypoint_set: str | KeypointSet,
        mixture_file: str | Path | None = None,
        options: PeopleFitOptions | None = None,
    ) -> None:
        self.body, self.keypoint_set = body, get_keypoint_set(keypoint_set)
        lacking = sorted(set(self.keypoint_set.keypoints) - set(body.keypoint_names))
        if lacking and self.keypoint_set.name not in SUPERSET_POINTS:
            raise UserError(
                f'the body has no {", ".join(lacking)} of the keypoint set {self.keypoint_set.name!r}',
                field='keypoint_set',
                remedy='fit results of a set whose keypoints are joints or landmarks of a body, such as panoptic15',
            )
        self._fitter = PeopleFitter(
            superset_layer(body, self.keypoint_set.name)
            if lacking
            else body.keypoint_layer(self.keypoint_set.keypoints),
            self.keypoint_set.root_sources,
            MaxMixturePrior(mixture_file).to(body.v_template.device),
            load_pose_mixture(mixture_file),
            options,
            body.num_betas,
        ).to(body.v_template.device)

    def fit(self, given: FittedKeypoints) -> BodyFits:
        """Fit people, 64 at a time; nobody's fit depends on the others."""
        reasons = _reasons(given)
        num, num_keypoints = len(given), self.keypoint_set.num_keypoints
        nothing = lambda *shape: np.full((num, *shape), np.nan)
        fields = dict(
            smpl_global_orient=nothing(3),
            smpl_body_pose=nothing(23, 3),
            smpl_betas=nothing(self.body.num_betas),
            smpl_root_mm=nothing(3),
            smpl_transl_mm=nothing(3),
        )
        places = [nothing(num_keypoints, size) for size in (3, 3, 2, 2)]
        rows = np.flatnonzero([reason is None for reason in reasons])
        for first in range(0, len(rows), _LARGEST_BATCH):
            part = rows[first : first + _LARGEST_BATCH]
            observed, camera = self._observed(given, part)
            found = self._fitter.fit(observed, camera)
            self._write(found, camera, part, given, fields, places)
            for row in part[~found.valid.cpu().numpy()]:
                reasons[row] = 'the fit has gone astray: a number of it is not finite'
        lost = np.array([reason is not None for reason in reasons], dtype=bool)
        for array in (*fields.values(), *places):
            array[lost] = np.nan
        start_mm, fitted_mm, start_px, fitted_px = places
        return BodyFits(fields, start_mm, fitted_mm, start_px, fitted_px, reasons)

    def _observed(self, given: FittedKeypoints, rows: np.ndarray) -> tuple[PeopleObservations, FittingCamera]:
        device = self.body.v_template.device
        tensor = lambda array: torch.as_tensor(np.asarray(array[rows], np.float32), device=device)
        depth = tensor(given.sigma_depth_mm) / 1000
        root_depths = tensor(given.root_cam_mm)[:, 2] / 1000
        observed = PeopleObservations(
            keypoints_px=tensor(given.keypoints_px),
            sigma_px=tensor(given.sigma_px),
            valid=torch.as_tensor(usable_keypoints(given)[rows], device=device),
            relative_depths=tensor(given.relative_depths_mm) / 1000,
            sigma_depth=torch.where(depth.isnan(), torch.inf, depth),
            root_depths=root_depths,
            sigma_root=_ROOT_DEPTH_ERROR * root_depths,
        )
        dist = None if given.dist is None else tensor(given.dist)
        return observed, FittingCamera(tensor(given.K), dist)

    @torch.no_grad()
    def _write(
        self,
        found: FittedPeople,
        camera: FittingCamera,
        rows: np.ndarray,
        given: FittedKeypoints,
        fields: dict[str, np.ndarray],
        places: Sequence[np.ndarray],
    ) -> None:
        array = lambda tensor: tensor.cpu().double().numpy()
        pose = array(found.pose).reshape(-1, 24, 3)
        translation_mm = 1000 * array(found.translation)
        fields['smpl_global_orient'][rows], fields['smpl_body_pose'][rows] = pose[:, 0], pose[:, 1:]
        fields['smpl_betas'][rows], fields['smpl_transl_mm'][rows] = array(found.betas), translation_mm
        # results tell where of the unmoved body their root comes to lie, and compute the translation from it
        fields['smpl_root_mm'][rows] = given.root_cam_mm[rows] - translation_mm
        start_mm, fitted_mm, start_px, fitted_px = places
        start_mm[rows], fitted_mm[rows] = 1000 * array(found.start), 1000 * array(found.keypoints)
        start_px[rows], fitted_px[rows] = array(camera.project(found.start)), array(camera.project(found.keypoints))


def usable_keypoints(given: FittedKeypoints) -> np.ndarray:
    """(n, K) bool: keypoints with a finite place and depth, and a positive finite scale in the image."""
    usable = np.isfinite(given.keypoints_px).all(-1) & np.isfinite(given.relative_depths_mm)
    usable &= np.isfinite(given.sigma_px).all(-1) & (given.sigma_px > 0).all(-1)
    return usable & ((given.sigma_depth_mm > 0) | np.isnan(given.sigma_depth_mm))


def _reasons(given: FittedKeypoints) -> list[str | None]:
    counts = usable_keypoints(given).sum(1)
    in_front = np.isfinite(given.root_cam_mm).all(1) & (given.root_cam_mm[:, 2] > 0)
    reasons: list[str | None] = []
    for count, placed in zip(counts, in_front):
        if not placed:
            reasons.append('no root in front of the camera is told')
        elif count < LEAST_KEYPOINTS:
            reasons.append(f'{count} keypoints have a finite place, depth and scale; a fit needs {LEAST_KEYPOINTS}')
        else:
            reasons.append(None)
    return reasons
