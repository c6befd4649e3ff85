"""Results of inference with the bodies that were fitted to their people."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.bodies.smpl_fields import GROUP, SMPL_FIELDS
from das_mm.errors import UserError

from .body_fitting import BodyFits, BodyFitter, FittedKeypoints, usable_keypoints
from .result_camera import rounded

_PEOPLE_AT_ONCE, _RESULTS_AT_ONCE = 64, 256


@dataclass(frozen=True)
class AssumedSigma:
    """Scales for people of whom no model tells any.

    Attributes:
        px: Of every place in the image.
        depth_mm: Of every relative depth; None: depths are not used.
    """

    px: float
    depth_mm: float | None = None

    @classmethod
    def parse(cls, text: str, field: str = 'fit_sigma') -> AssumedSigma:
        """'PX' or 'PX,MM'.

        Raises:
            UserError: It is something else, or not positive.
        """
        try:
            numbers = [float(part) for part in text.split(',')]
        except ValueError:
            numbers = []
        if len(numbers) not in (1, 2) or not all(0 < number < np.inf for number in numbers):
            raise UserError(f'{text!r} are no scales', field=field, remedy='give px, or px and mm of depth: 8,80')
        return cls(*numbers)


@dataclass(frozen=True)
class FittedResult:
    """A result with bodies.

    Attributes:
        result: See :mod:`.results`; ``smpl`` of every person is the fitted body, or null.
        given: What was fitted.
        fits: What was found; rows are people.
        file: Where the result is from.
    """

    result: dict[str, Any]
    given: FittedKeypoints
    fits: BodyFits
    file: str | Path | None = None

    @property
    def reprojection_px(self) -> tuple[np.ndarray, np.ndarray]:
        """(m,) and (m,) mean distance in the image of the body's keypoints from those that were told, of the people who
        have a fit, before and after it."""
        rows = self.fits.fitted
        used = usable_keypoints(self.given)[rows]
        mean = lambda places: (
            np.where(used, np.linalg.norm(places[rows] - self.given.keypoints_px[rows], axis=-1), 0).sum(1)
            / used.sum(1)
        )
        return mean(self.fits.start_px), mean(self.fits.keypoints_px)


def fit_results(
    results: Iterable[tuple[str | Path | None, Mapping[str, Any]]],
    fitter: BodyFitter,
    assumed: AssumedSigma | None = None,
) -> Iterator[FittedResult]:
    """Fit bodies to the people of results; people of several images and files are fitted together.

    Args:
        results: With the files they are from; all of the keypoint set of ``fitter``. They are not changed.
        fitter: The fitter.
        assumed: Scales where a result tells none.

    Raises:
        UserError: A result is of another keypoint set, or tells no scales and none are assumed.
    """
    waiting: list[tuple[str | Path | None, dict[str, Any], FittedKeypoints]] = []
    for file, result in results:
        if result['keypoint_set'] != fitter.keypoint_set.name:
            raise UserError(
                f'it is of the keypoint set {result["keypoint_set"]!r}, others are of {fitter.keypoint_set.name!r}',
                file=file,
                field='keypoint_set',
                remedy='fit results of one model at a time',
            )
        waiting.append((file, copy.deepcopy(dict(result)), told_keypoints(result, file, assumed)))
        if sum(len(given) for *_, given in waiting) >= _PEOPLE_AT_ONCE or len(waiting) >= _RESULTS_AT_ONCE:
            yield from _fitted(waiting, fitter)
            waiting = []
    yield from _fitted(waiting, fitter)


def _fitted(
    waiting: Sequence[tuple[str | Path | None, dict[str, Any], FittedKeypoints]], fitter: BodyFitter
) -> Iterator[FittedResult]:
    if not waiting:
        return
    fits = fitter.fit(together([given for *_, given in waiting]))
    first = 0
    for file, result, given in waiting:
        own = select_fits(fits, slice(first, first + len(given)))
        first += len(given)
        for row, person in enumerate(result['people']):
            person[GROUP] = _words(own, row, fitter.body.name)
        yield FittedResult(result, given, own, file)


def _words(fits: BodyFits, row: int, body: str) -> dict[str, Any] | None:
    """The body of a person as results tell it."""
    if fits.reasons[row] is not None:
        return None
    told = {field.key: rounded(fits.fields[field.name][row], field.digits) for field in SMPL_FIELDS}
    return {**told, 'body': body}


def select_fits(fits: BodyFits, rows: slice) -> BodyFits:
    """The fits of some people."""
    return BodyFits(
        {name: array[rows] for name, array in fits.fields.items()},
        fits.start_cam_mm[rows],
        fits.keypoints_cam_mm[rows],
        fits.start_px[rows],
        fits.keypoints_px[rows],
        fits.reasons[rows],
    )


def told_keypoints(
    result: Mapping[str, Any], file: str | Path | None = None, assumed: AssumedSigma | None = None
) -> FittedKeypoints:
    """What a result tells of its people.

    Raises:
        UserError: It tells no scales, and none are assumed.
    """
    people, num = result['people'], len(result['keypoint_names'])
    if people and 'keypoints_sigma_px' not in people[0] and assumed is None:
        raise UserError(
            'it tells no sigma, by which joints are weighed',
            file=file,
            field='people.keypoints_sigma_px',
            remedy='infer with a model that learns sigma (das-mm infer --sigma), or assume one: --fit-sigma PX,MM',
        )
    column = lambda name, *shape: np.array(
        [np.full(shape, np.nan) if person.get(name) is None else person[name] for person in people], np.float64
    ).reshape(-1, *shape)
    sigma_px, sigma_depth = column('keypoints_sigma_px', num, 2), column('relative_depths_sigma_mm', num)
    if assumed is not None and people and 'keypoints_sigma_px' not in people[0]:
        sigma_px[:], sigma_depth[:] = assumed.px, np.nan if assumed.depth_mm is None else assumed.depth_mm
    camera = result['camera']
    repeat = lambda values: np.repeat(np.array(values, np.float64)[None], len(people), axis=0)
    return FittedKeypoints(
        column('keypoints_px', num, 2),
        sigma_px,
        sigma_depth,
        column('relative_depths_mm', num),
        column('root_cam_mm', 3),
        repeat(camera['K']),
        None if camera['dist'] is None else repeat(camera['dist']),
    )


def together(parts: Sequence[FittedKeypoints]) -> FittedKeypoints:
    """The people of several images in one; where some have a lens distortion, it is 0 for the others."""
    join = lambda name: np.concatenate([getattr(part, name) for part in parts])
    dist = None
    if any(part.dist is not None for part in parts):
        dist = np.concatenate([np.zeros((len(part), 5)) if part.dist is None else part.dist for part in parts])
    return FittedKeypoints(
        join('keypoints_px'),
        join('sigma_px'),
        join('sigma_depth_mm'),
        join('relative_depths_mm'),
        join('root_cam_mm'),
        join('K'),
        dist,
    )
