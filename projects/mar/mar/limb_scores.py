"""How well part affinity fields join two peaks, numpy (SMAP's rule, which is OpenPose's).

Letters: h, w of a map, C pairs of peaks, S samples of a pair.
"""

from __future__ import annotations

import numpy as np

_LEAST_SAMPLES, _MOST_SAMPLES = 5, 25
_LEAST_AGREEMENT = 0.05  # a sample counts whose field goes along
_LEAST_SHARE = 0.95  # of the samples that must count
_TOUCHING_SCORE = 0.1  # of peaks so near to each other that nothing lies between them
_PROBES = (0.5, 0.25, 0.75)  # where most pairs are seen not to belong together


def limb_scores(fields: np.ndarray, limb: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(C,) scores of pairs: the mean agreement of the field along the line; -1 of a pair that is not joined.

    Most pairs of a crowd are of two people. They fail at one of three probes among their samples, and the rest of
    their samples is not read; the scores are those of reading all.

    Args:
        fields: (M, 2, h, w).
        limb: (C,) which field.
        start, end: (C, 2) cells.
    """
    height, width = fields.shape[2:]
    vectors = end - start
    distance = np.hypot(vectors[:, 0], vectors[:, 1])
    count = np.rint(np.sqrt(5 * np.abs(vectors).max(1, initial=0))).clip(_LEAST_SAMPLES, _MOST_SAMPLES).astype(np.int64)
    units = vectors / np.maximum(distance, 1e-6)[:, None]
    scores = np.where(distance < np.sqrt(width * height) / 150, _TOUCHING_SCORE, -1.0)

    rows, missed = np.arange(len(limb)), np.zeros(len(limb), np.int64)
    for probe in _PROBES:  # different samples
        place = (count[rows, None] * probe).astype(np.int64) / count[rows, None]
        agreement = _agreement(fields, limb[rows], start[rows], vectors[rows], units[rows], place)
        missed[rows] += agreement[:, 0] <= _LEAST_AGREEMENT
        rows = rows[count[rows] - missed[rows] > _LEAST_SHARE * count[rows]]

    samples = np.arange(_MOST_SAMPLES)
    used = samples < count[rows, None]  # the end itself is not read
    places = np.where(used, samples / count[rows, None], 0)
    agreement = _agreement(fields, limb[rows], start[rows], vectors[rows], units[rows], places)
    counted = used & (agreement > _LEAST_AGREEMENT)
    number = counted.sum(1)
    mean = (agreement * counted).sum(1) / np.maximum(number, 1)
    scores[rows] = np.where(number > _LEAST_SHARE * count[rows], mean, scores[rows])
    return scores


def _agreement(
    fields: np.ndarray, limb: np.ndarray, start: np.ndarray, vectors: np.ndarray, units: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """(C, S) field times direction at shares (C, S) of the way from the start to the end."""
    height, width = fields.shape[2:]
    x = np.rint(start[:, :1] + share * vectors[:, :1]).astype(np.int64).clip(0, width - 1)
    y = np.rint(start[:, 1:] + share * vectors[:, 1:]).astype(np.int64).clip(0, height - 1)
    place = (2 * height * limb[:, None] + y) * width + x
    flat = fields.reshape(-1)
    return flat.take(place) * units[:, :1] + flat.take(place + height * width) * units[:, 1:]
