"""Greedy one-to-one matching of n people with m tracks by a cost (n, m); entries above 1 may not be paired."""

from __future__ import annotations

import numpy as np


def match_by_score(cost: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """In order of score, each person takes the cheapest track that is left.

    Ties: of equal scores the first row, of equal costs the first column.

    Returns:
        (n,) column of each row, -1 for none.

    Example:
        >>> match_by_score(np.array([[.1, .9], [.0, .5], [.2, 2.]]), np.array([.9, .8, .7])).tolist()
        [0, 1, -1]
    """
    pairs = np.full(len(cost), -1, dtype=np.int64)
    left = _allowed(cost)
    for row in np.argsort(-np.asarray(scores, dtype=np.float64), kind='stable'):
        if left.shape[1] and np.isfinite(left[row]).any():
            pairs[row] = column = left[row].argmin()
            left[:, column] = np.inf
    return pairs


def match_by_cost(cost: np.ndarray) -> np.ndarray:
    """The cheapest pair of all first, then the cheapest of those left, and so on; ties as they lie, row by row.

    Returns:
        (n,) column of each row, -1 for none.

    Example:
        >>> match_by_cost(np.array([[.1, .9], [.0, .5], [.2, 2.]])).tolist()
        [1, 0, -1]
    """
    pairs = np.full(len(cost), -1, dtype=np.int64)
    left = _allowed(cost)
    while left.size and np.isfinite(left).any():
        row, column = np.unravel_index(left.argmin(), left.shape)
        pairs[row] = column
        left[row], left[:, column] = np.inf, np.inf
    return pairs


def _allowed(cost: np.ndarray) -> np.ndarray:
    cost = np.asarray(cost, dtype=np.float64)
    return np.where(cost <= 1, cost, np.inf)  # NaN is no cost
