"""The keypoints of one person as a detector tells them: places, and how sure it is of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .keypoint_conversion import convert_indices, superset_indices
from .keypoint_sets import KeypointSet, get_keypoint_set


@dataclass(frozen=True)
class DetectedKeypoints:
    """K keypoints of a set.

    Attributes:
        keypoint_set: Name of the set.
        places_px: (K, 2), finite; 0 where nothing is known.
        confidence: (K,), 0 where nothing is known.
        sigma_px: (K, 2) scales of the errors, of a detector that tells them; None: it tells confidences alone.
    """

    keypoint_set: str
    places_px: np.ndarray
    confidence: np.ndarray
    sigma_px: np.ndarray | None = None

    @classmethod
    def of_numbers(
        cls, keypoint_set: str, places: np.ndarray, confidence: np.ndarray, sigma: np.ndarray | None = None
    ) -> DetectedKeypoints:
        """Of numbers that may not be finite: nothing is known there.

        Example:
            >>> found = DetectedKeypoints.of_numbers('coco17', np.full((17, 2), np.nan), np.ones(17))
            >>> bool(found.known.any())
            False
        """
        places, confidence = np.asarray(places, np.float64), np.asarray(confidence, np.float64)
        known = np.isfinite(places).all(-1) & np.isfinite(confidence) & (confidence > 0)
        if sigma is not None:
            sigma = np.asarray(sigma, np.float64)
            known &= np.isfinite(sigma).all(-1) & (sigma > 0).all(-1)
            sigma = np.where(known[:, None], sigma, 1.0)
        return cls(keypoint_set, np.where(known[:, None], places, 0.0), np.where(known, confidence, 0.0), sigma)

    @property
    def known(self) -> np.ndarray:
        """(K,) bool."""
        return self.confidence > 0

    def box(self) -> np.ndarray:
        """(4,) x1, y1, x2, y2 px about what is known; NaN where nothing is."""
        places = self.places_px[self.known]
        return np.concatenate([places.min(0), places.max(0)]) if len(places) else np.full(4, np.nan)

    def in_superset(self, superset: str | KeypointSet) -> DetectedKeypoints:
        """The same in ``spin49`` or ``prohmr44``.

        A detector's keypoints go to the detector's part of the superset. Those of a set that has the joints of 3D
        labels (a pelvis of its own, or a head top) mean what people annotate, and go to the other part.

        Example:
            >>> ones = DetectedKeypoints('coco17', np.ones((17, 2)), np.ones(17))
            >>> int(ones.in_superset('prohmr44').known.sum()), int(ones.in_superset('prohmr44').known[25:].sum())
            (17, 0)
        """
        source, target = get_keypoint_set(self.keypoint_set), get_keypoint_set(superset)
        annotated = source.root == 'pelvis' or 'head_top' in source.keypoints
        table = convert_indices(source, target) if annotated else superset_indices(source, target)
        absent = table < 0
        take = lambda values: np.where(absent.reshape(-1, *[1] * (values.ndim - 1)), 0, values[table])
        sigma = None if self.sigma_px is None else np.where(absent[:, None], 1.0, self.sigma_px[table])
        return DetectedKeypoints(target.name, take(self.places_px), take(self.confidence), sigma)
