"""A few poses that stand for many: K-means on samples, as the best of n hypotheses is measured (thesis §4.4).

The thesis draws 4096 samples and quantises them to n = 5, 10 or 25; the best of n plain draws is another number, and a
worse one.
"""

from __future__ import annotations

import numpy as np
from scipy.cluster.vq import kmeans2

from das_mm.errors import UserError


def quantise(points: np.ndarray, num: int, seed: int = 0, iterations: int = 20) -> np.ndarray:
    """Which samples stand for all of them: of each of ``num`` clusters the one nearest to its mean.

    A mean of poses is no pose (its limbs are too short), so a sample stands for it.

    Args:
        points: (S, K, 3) of S samples, about the root.
        num: Clusters, at most S.
        seed: Of the start (k-means++).
        iterations: Of Lloyd's algorithm.

    Returns:
        (n,) indices, rising, n ≤ ``num``: clusters that became empty have none.

    Raises:
        UserError: More clusters than samples, or samples that are not finite.

    Example:
        >>> points = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 5.2])[:, None, None] * np.ones((1, 1, 3))
        >>> quantise(points, 2).tolist()
        [1, 4]
    """
    flat = points.reshape(len(points), -1)
    if not 1 <= num <= len(flat):
        raise UserError(
            f'{len(flat)} samples cannot be quantised to {num}',
            field='num_samples',
            remedy='draw more samples (the thesis draws 4096), or ask for fewer clusters',
        )
    if not np.isfinite(flat).all():
        raise UserError(
            'some samples are not finite',
            field='samples',
            remedy='leave the people out for whom the network gives no numbers',
        )
    means, labels = kmeans2(flat, num, iter=iterations, minit='++', seed=seed)  # pyright: ignore[reportCallIssue]  # newer stubs: rng
    distance = np.linalg.norm(flat - means[labels], axis=1)
    order = np.lexsort((distance, labels))  # by cluster, the nearest first
    _, first = np.unique(labels[order], return_index=True)
    return np.sort(order[first])
