"""A predictor whose people get bodies: whatever finds 2.5D keypoints, and the fit after it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from das_mm.bodies.posable_body import PosableBody
from das_mm.bodies.smpl_fields import SMPL_FIELDS
from das_mm.errors import UserError
from das_mm.models.body_models import SMPLBody
from das_mm.structures import back_project
from das_mm.structures.people import People
from das_mm.structures.task_fields import TaskDescription

from .body_fitting import BodyFitter, FittedKeypoints
from .fitted_results import AssumedSigma, select_fits, together
from .predictor import InputImage, Prediction, Predictor


class FittedPredictor:
    """See :class:`.Predictor`; its people tell meshes, so results, overlays, viewers and exports have them.

    Args:
        predictor: Finds the people.
        fitter: Of the keypoint set of the predictor.
        assumed: Scales for a predictor that tells none.

    Raises:
        UserError: The predictor tells no scales, and none are assumed.

    Example::

        predictor = open_predictor(task='pose')
        fitter = BodyFitter(SMPLBody(), predictor.keypoint_set)
        for found in Inferencer(FittedPredictor(predictor, fitter))('photos/'):
            print([person['smpl'] for person in found.result['people']])
    """

    def __init__(self, predictor: Predictor, fitter: BodyFitter, assumed: AssumedSigma | None = None):
        if not predictor.uses_sigma and assumed is None:
            raise UserError(
                'this model learns no sigma, by which joints are weighed',
                field='fit',
                remedy='assume one: --fit-sigma PX,MM',
            )
        self._predictor, self._fitter, self._assumed = predictor, fitter, assumed
        self.keypoint_set, self.max_frame_gap = predictor.keypoint_set, predictor.max_frame_gap
        self.provenance: Mapping[str, Any] = predictor.provenance
        root = [fitter.keypoint_set.keypoints[row] for row in fitter.keypoint_set.root_sources]
        body = dict(fitter.body.describe(), root=root, placement='camera')
        self.tasks: Mapping[str, TaskDescription] = {
            **predictor.tasks,
            'mesh': TaskDescription('mesh', SMPL_FIELDS, body),
        }
        #: what a run that is gone on with must have had too
        self.run_settings = dict(fitted_body=fitter.body.name, fit_sigma=None if assumed is None else str(assumed))

    @property
    def body(self) -> PosableBody | None:
        return cast('PosableBody', self._fitter.body)

    @property
    def uses_sigma(self) -> bool:
        return self._predictor.uses_sigma

    @property
    def score_thr(self) -> float:
        return self._predictor.score_thr

    @property
    def tracker(self):
        return getattr(self._predictor, 'tracker', None)

    def forget(self) -> None:
        self._predictor.forget()

    def prepare(self, image: InputImage) -> Any:
        return self._predictor.prepare(image)

    def predict(
        self, prepared: Sequence[Any], score_thr: float | None = None, with_sigma: bool | None = None
    ) -> list[Prediction]:
        found = self._predictor.predict(prepared, score_thr, True if self.uses_sigma else None)
        if not found:
            return found
        given = [self._given(one) for one in found]
        fits = self._fitter.fit(together(given))
        fitted, first = [], 0
        for prediction, keypoints in zip(found, given):
            own = select_fits(fits, slice(first, first + len(keypoints)))
            first += len(keypoints)
            for row, reason in enumerate(own.reasons):
                if reason is not None:
                    logging.getLogger('das_mm').warning(f'person {row} of an image gets no body: {reason}')
            fields = {name: array.astype(np.float32) for name, array in own.fields.items()}
            people = replace(prediction.people, data={**prediction.people.data, **fields})
            if with_sigma is False:
                people = replace(people, keypoints_sigma=None)
            fitted.append(prediction.with_people(people))
        return fitted

    def _given(self, prediction: Prediction) -> FittedKeypoints:
        people, camera = prediction.people, prediction.camera
        num, K = len(people), np.asarray(camera['K'], np.float64)
        dist = None if camera.get('dist') is None else np.asarray(camera['dist'], np.float64)
        sigma_px, sigma_depth = self._sigma(people)
        size = self._fitter.keypoint_set.num_keypoints
        unknown = np.full((num, size), np.nan)  # of a model of the image plane alone
        relative = people.data.get('relative_depths_mm', unknown)
        depths = unknown[:, 0] if people.root_depths_mm is None else people.root_depths_mm
        depths = np.asarray(depths, np.float64).reshape(num)
        with np.errstate(all='ignore'):  # of people behind the camera
            roots = back_project(np.asarray(people.roots_px, np.float64).reshape(num, 2), depths, K, dist)
        repeat = lambda values: np.repeat(values[None], num, axis=0)
        return FittedKeypoints(
            np.asarray(people.keypoints_px, np.float64).reshape(num, size, 2),
            sigma_px,
            sigma_depth,
            np.asarray(relative, np.float64).reshape(num, size),
            roots,
            repeat(K),
            None if dist is None else repeat(dist),
        )

    def _sigma(self, people: People) -> tuple[np.ndarray, np.ndarray]:
        """Scales (n, K, 2) px and (n, K) mm, the latter NaN where no depth's scale is known."""
        num, size = len(people), self._fitter.keypoint_set.num_keypoints
        depth = np.full((num, size), np.nan)
        if people.keypoints_sigma is None:
            assumed = self._assumed or AssumedSigma(1.0)  # nobody is there: the constructor has asked
            if assumed.depth_mm is not None:
                depth[:] = assumed.depth_mm
            return np.full((num, size, 2), assumed.px), depth
        sigma = np.asarray(people.keypoints_sigma, np.float64).reshape(num, size, -1) if num else np.zeros((0, size, 3))
        return sigma[..., :2], sigma[..., 2] if sigma.shape[-1] == 3 else depth


def with_bodies(predictor: Predictor, fitter: BodyFitter | None = None) -> FittedPredictor:
    """A predictor whose people get bodies.

    Args:
        predictor: Finds the people, and tells scales of their keypoints.
        fitter: Fits them; the generated body and the package's own mixture of poses where there is none.

    Raises:
        UserError: The predictor tells no scales, or finds keypoints that the body does not have.
    """
    return FittedPredictor(predictor, fitter or BodyFitter(SMPLBody(), predictor.keypoint_set))
