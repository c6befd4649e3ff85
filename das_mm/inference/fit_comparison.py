"""Fitted bodies against the truth of an annotation file: is what they add to the keypoints right?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.datasets.annotations.annotation_file import read_annotation_file
from das_mm.errors import UserError
from das_mm.evaluation.functional.errors import mpjpe, pa_mpjpe
from das_mm.evaluation.functional.matching import OneToOneMatcher
from das_mm.structures import KeypointSet, convert_keypoints
from das_mm.structures.people import People

from .fitted_results import FittedResult

#: what is compared: keypoints as the network tells them, of the body before, and after the fit
STAGES = ('network', 'start', 'fit')


@dataclass
class FitComparison:
    """Errors of people of whom the truth is known, one number a person in every list.

    Args:
        annotations: File in the package's format; images are recognised by their names.
        keypoint_set: Of the results.

    Attributes:
        px, mpjpe_mm, pa_mpjpe_mm: By stage (:data:`STAGES`): mean distances from the truth in the image, in 3D with the
            roots on each other, and after Procrustes alignment.

    Raises:
        UserError: The file is unfit, or has no keypoint of the set.
    """

    annotations: str | Path
    keypoint_set: KeypointSet
    px: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})
    mpjpe_mm: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})
    pa_mpjpe_mm: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})

    def __post_init__(self) -> None:
        file = read_annotation_file(str(self.annotations))
        people = file.people
        pixels, flags = convert_keypoints(people.keypoints, people.flags, file.keypoint_set, self.keypoint_set)
        points, valid = convert_keypoints(
            people.keypoints_3d, people.keypoints_3d_valid, file.keypoint_set, self.keypoint_set
        )
        if not valid.any():
            raise UserError(
                f'nobody in it has 3D keypoints of the set {self.keypoint_set.name!r}',
                file=self.annotations,
                field='truth',
                remedy='give the annotations of images with 3D labels',
            )
        self._by_name: dict[str, People] = {}
        for row, image in enumerate(file.images):
            of_image = people.image_row == row
            self._by_name[Path(image['file_name']).stem] = People(
                bboxes_px=people.bbox[of_image],
                keypoints_px=pixels[of_image],
                keypoints_valid=flags[of_image] > 0,
                keypoints_cam_mm=points[of_image],
                keypoints_cam_valid=valid[of_image],
            )

    def add(self, fitted: FittedResult) -> int:
        """Compare the people of a result who have a fit; the number of those whose truth is known."""
        truth = self._by_name.get(_stem(fitted.result))
        rows = np.flatnonzero(fitted.fits.fitted)
        if truth is None or not len(rows):
            return 0
        found = np.array([fitted.result['people'][row]['keypoints_cam_mm'] for row in rows], np.float64)
        pixels = fitted.given.keypoints_px[rows]
        partners = OneToOneMatcher().match(truth, People(keypoints_px=pixels), root=0)
        matched = np.flatnonzero(partners >= 0)
        stages = dict(
            network=(pixels, found),
            start=(fitted.fits.start_px[rows], fitted.fits.start_cam_mm[rows]),
            fit=(fitted.fits.keypoints_px[rows], fitted.fits.keypoints_cam_mm[rows]),
        )
        root = self.keypoint_set.root_sources
        for person in matched:
            seen, valid = truth.keypoints_valid[person], truth.keypoints_cam_valid[person][None]
            for stage, (places, points) in stages.items():
                one, true = points[partners[person]][None], truth.keypoints_cam_mm[person][None]
                off = np.linalg.norm(places[partners[person]] - truth.keypoints_px[person], axis=-1)
                self.px[stage].append(float(off[seen].mean()))
                self.mpjpe_mm[stage].append(float(mpjpe(one, true, valid, root=root)[0]))
                self.pa_mpjpe_mm[stage].append(float(pa_mpjpe(one, true, valid)[0]))
        return len(matched)

    def means(self) -> dict[str, dict[str, float]]:
        """Stage -> mean over people of each error, NaN where nobody's truth is known."""
        mean = lambda values: float(np.nanmean(values)) if np.isfinite(values).any() else float('nan')
        tables = dict(px=self.px, mpjpe_mm=self.mpjpe_mm, pa_mpjpe_mm=self.pa_mpjpe_mm)
        return {stage: {name: mean(table[stage]) for name, table in tables.items()} for stage in STAGES}


def _stem(result: Mapping[str, Any]) -> str:
    file = result['image']['file']
    return Path(file).stem if file else result['image']['name']
