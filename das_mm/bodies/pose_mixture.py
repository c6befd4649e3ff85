"""Mixtures of Gaussians over body poses, as files and as arrays: what SMPLify's pose prior is made of.

Letters: M components, 69 = 23 joints × 3 axis-angle numbers (rad), the global orientation left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from das_mm.engine.array_files import numbers_of, read_npz
from das_mm.engine.restricted_pickle import load_pickle
from das_mm.errors import UserError

NUM_POSE = 69
#: fitted on generated poses by ``das-mm assets mixture``
GENERATED_MIXTURE = Path(__file__).parent / 'data' / 'pose_mixture.npz'
_KEYS = ('means', 'covars', 'weights')
_REMEDY = 'give the gmm_08.pkl of SMPLify, or an npz with means (M, 69), covars (M, 69, 69) and weights (M,)'


@dataclass(frozen=True)
class PoseMixture:
    """Arrays of float64.

    Attributes:
        means: (M, 69) rad.
        covariances: (M, 69, 69) rad², symmetric and positive definite.
        weights: (M,), positive, sum 1.
    """

    means: np.ndarray
    covariances: np.ndarray
    weights: np.ndarray

    @property
    def mean_pose(self) -> np.ndarray:
        """(23, 3) rad, mean of the mixture."""
        return (self.weights @ self.means).reshape(-1, 3)


def load_pose_mixture(path: str | Path | None = None) -> PoseMixture:
    """Reads a mixture.

    Args:
        path: SMPLify's ``gmm_08.pkl`` (read without running anything in it) or an npz with the same three arrays; None
            takes the one that was fitted on generated poses.

    Raises:
        UserError: The file cannot be read, lacks an array, or its numbers are no mixture of Gaussians over 69 numbers.
    """
    path = Path(GENERATED_MIXTURE if path is None else path)
    stored = read_npz(path, _REMEDY) if path.suffix == '.npz' else load_pickle(path)
    if not isinstance(stored, dict):
        raise UserError(f'it holds a {type(stored).__name__}, not named arrays', file=path, remedy=_REMEDY)
    lacking = [key for key in _KEYS if key not in stored]
    if lacking:
        raise UserError(f'it lacks {", ".join(lacking)}', file=path, remedy=_REMEDY)
    try:
        arrays = [numbers_of(stored[key]) for key in _KEYS]
    except ValueError as error:
        raise UserError(f'it does not hold arrays of numbers: {error}', file=path, remedy=_REMEDY) from None
    _check(path, *arrays)
    means, covariances, weights = arrays
    return PoseMixture(means, (covariances + covariances.swapaxes(1, 2)) / 2, weights / weights.sum())


def _check(path: Path, means: np.ndarray, covariances: np.ndarray, weights: np.ndarray) -> None:
    num = len(means) if means.ndim else 0
    for name, array, shape in zip(
        _KEYS, (means, covariances, weights), ((num, NUM_POSE), (num, NUM_POSE, NUM_POSE), (num,))
    ):
        if array.shape != shape or num == 0:
            raise UserError(
                f'its shape is {array.shape}, expected {("M", *shape[1:])} with one M >= 1',
                file=path,
                field=name,
                remedy=_REMEDY,
            )
        if not np.isfinite(array).all():
            raise UserError('it holds numbers that are not finite', file=path, field=name, remedy=_REMEDY)
    if (weights <= 0).any() or abs(weights.sum() - 1) > 1e-2:
        raise UserError(
            f'the weights must be positive and sum to 1, got {weights.tolist()}',
            file=path,
            field='weights',
            remedy=_REMEDY,
        )
    scale = np.abs(covariances).max()
    if (
        np.abs(covariances - covariances.swapaxes(1, 2)).max() > 1e-4 * scale
        or np.linalg.eigvalsh(covariances).min() <= 1e-9 * scale
    ):
        raise UserError(
            'a covariance is not symmetric and positive definite', file=path, field='covars', remedy=_REMEDY
        )
