"""Is the predicted uncertainty honest? Predicted standard deviations against the errors that were made. Pure numpy.

Letters: N keypoints, D coordinates, S samples of a density. σ is a predicted *standard deviation* in the unit of the
error, mm here. If it is honest, the errors of all keypoints with about the same σ have that root mean square (the
reliability curve is the diagonal), an interval that should hold 80 % of the errors does (coverage), and larger σ goes
with larger errors (rank correlation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .alignment import Root, root_position

#: shares of the errors that intervals are asked to hold
LEVELS = tuple(round(0.05 * i, 2) for i in range(1, 20))
AXES = ('x', 'y', 'z')
_CHUNK = 1024  # keypoints whose norms are compared with all samples at once


@dataclass(frozen=True)
class Reliability:
    """Bins of about equally many keypoints, in order of their σ.

    Attributes:
        sigma: (B,) root mean square of the predicted σ.
        error_rms, error_abs: (B,) root mean square and mean of the magnitude of the errors.
        count: (B,) keypoints.
    """

    sigma: list[float]
    error_rms: list[float]
    error_abs: list[float]
    count: list[int]


@dataclass(frozen=True)
class Calibration:
    """What can be said of the σ of one axis, or of the norm over all axes.

    Attributes:
        num: N.
        reliability: The curve.
        ence: Expected normalised calibration error (Levi et al. 2022): mean over the bins of |σ − RMS error| / σ.
        factor: RMS error over RMS σ: σ times this would be right on the whole (1: it is; 0.5: σ is twice too large).
        rank_correlation: Spearman's, between σ and the magnitude of the error; NaN where either is constant.
        coverage: Density -> share of the errors inside its central interval, for each of :data:`LEVELS`.
        coverage_error: Density -> mean over the levels of |share − level|.
    """

    num: int
    reliability: Reliability
    ence: float
    factor: float
    rank_correlation: float
    coverage: dict[str, list[float]]
    coverage_error: dict[str, float]

    @classmethod
    def from_dict(cls, values: Mapping) -> Calibration:
        """The inverse of ``dataclasses.asdict``."""
        return cls(**{**values, 'reliability': Reliability(**values['reliability'])})


def lateral_and_depth_errors(
    keypoints_px: np.ndarray,
    keypoints_3d: np.ndarray,
    sigma: np.ndarray,
    true_px: np.ndarray,
    true_3d: np.ndarray,
    focal_px: np.ndarray,
    root: Root,
) -> tuple[np.ndarray, np.ndarray]:
    """Errors of what σ speaks of, and σ, both in mm, of M people who were found.

    A network that regresses pixels and relative depths knows the spread of these two, not of where the whole person
    stands. So x and y are errors in the image, in mm at the true depth of the keypoint, and z is the error of the
    depth relative to the person's own root.

    Args:
        keypoints_px: (M, K, 2) predicted px; keypoints_3d: (M, K, 3) predicted mm, camera frame.
        sigma: (M, K, 3) predicted standard deviations px, px, mm; or (M, K, 2) of a model without depth.
        true_px, true_3d: As predicted.
        focal_px: (M, 2) focal lengths (fx, fy) px of each person's image.
        root: Index or indices of the root.

    Returns:
        errors, sigma: (M, K, D) mm, D as in ``sigma``. NaN where the truth is.

    Example:
        >>> true_px, true_3d = np.array([[[10., 10.], [10., 20.]]]), np.array([[[0., 0., 2000.], [0., 20., 2000.]]])
        >>> wrong_3d = true_3d + np.array([[[0., 0., 500.], [0., 0., 530.]]])
        >>> errors, sigma = lateral_and_depth_errors(true_px + 3, wrong_3d, np.ones((1, 2, 3)), true_px, true_3d,
        ...                                          np.array([[1000., 1000.]]), root=0)
        >>> errors[0, 1].tolist(), sigma[0, 1].tolist()
        ([6.0, 6.0, 30.0], [2.0, 2.0, 1.0])
    """
    mm_per_px = true_3d[..., 2:] / focal_px[:, None]  # (M, K, 2)
    errors, scales = [(keypoints_px - true_px) * mm_per_px], [sigma[..., :2] * mm_per_px]
    if sigma.shape[-1] == 3:
        relative, true_relative = (
            points[..., 2] - root_position(points, root)[:, None, 2] for points in (keypoints_3d, true_3d)
        )
        errors.append((relative - true_relative)[..., None])
        scales.append(sigma[..., 2:])
    return np.concatenate(errors, axis=-1), np.concatenate(scales, axis=-1)


def plain_density(name: str, dims: int, num: int = 4000, seed: int = 0) -> np.ndarray:
    """A plain density of standard deviation 1 on every axis, as samples.

    Every axis has the quantiles at (i + 0.5) / S, in an order of its own: shares along an axis are exact to 1 / S.

    Args:
        name: ``'gaussian'`` or ``'laplace'``.
        dims: D.
        num: S.
        seed: Of the order.

    Returns:
        (S, D)
    """
    family = dict(gaussian=stats.norm(), laplace=stats.laplace(scale=0.5**0.5))[name]
    values, rng = family.ppf((np.arange(num) + 0.5) / num), np.random.default_rng(seed)
    return np.stack([rng.permutation(values) for _ in range(dims)], axis=1)


def reliability(errors: np.ndarray, sigma: np.ndarray, num_bins: int = 10) -> Reliability:
    """The reliability curve of N errors and their σ, (N,) each.

    Example:
        >>> curve = reliability(np.array([1., -1., 4., 4.]), np.array([1., 1., 2., 2.]), num_bins=2)
        >>> curve.sigma, curve.error_rms
        ([1.0, 2.0], [1.0, 4.0])
    """
    order = np.argsort(sigma, kind='stable')
    bins = [rows for rows in np.array_split(order, num_bins) if len(rows)]
    root_mean_square = lambda values: [float(np.sqrt(np.mean(values[rows] ** 2))) for rows in bins]
    return Reliability(
        root_mean_square(sigma),
        root_mean_square(errors),
        [float(np.abs(errors[rows]).mean()) for rows in bins],
        [len(rows) for rows in bins],
    )


def calibrate(
    errors: np.ndarray, sigma: np.ndarray, densities: Mapping[str, np.ndarray], num_bins: int = 10
) -> dict[str, Calibration]:
    """How honest σ is along every axis and for the length of the error.

    Args:
        errors: (N, D) mm.
        sigma: (N, D) predicted standard deviations, mm, > 0.
        densities: Name -> samples (S, D) of error / σ: what the intervals are taken from. The model's own density, and
            plain ones for comparison (:func:`plain_density`).
        num_bins: Of the reliability curves.

    Returns:
        ``'x'``, ``'y'``, ``'z'`` as far as there are axes, and ``'norm'``.

    Raises:
        ValueError: Nothing to judge, shapes that do not fit, numbers that are not finite, or σ that is not positive.
    """
    _check(errors, sigma, densities)
    axes = {}
    for axis in range(errors.shape[1]):
        z = errors[:, axis] / sigma[:, axis]
        shares = {name: 2 * np.abs(_share_below(samples[:, axis], z) - 0.5) for name, samples in densities.items()}
        axes[AXES[axis]] = _judge(errors[:, axis], sigma[:, axis], shares, num_bins)
    shares = {name: _norm_share(errors, sigma, samples) for name, samples in densities.items()}
    length = lambda values: np.linalg.norm(values, axis=1)
    return {**axes, 'norm': _judge(length(errors), length(sigma), shares, num_bins)}


def _check(errors: np.ndarray, sigma: np.ndarray, densities: Mapping[str, np.ndarray]) -> None:
    if errors.ndim != 2 or errors.shape != sigma.shape or not 1 <= errors.shape[1] <= len(AXES):
        raise ValueError(f'errors {errors.shape} and sigma {sigma.shape} must both be (N, D), D at most {len(AXES)}')
    if not len(errors):
        raise ValueError('there is no keypoint to judge')
    if not (np.isfinite(errors).all() and np.isfinite(sigma).all() and (sigma > 0).all()):
        raise ValueError('errors and sigma must be finite, and sigma positive')
    for name, samples in densities.items():
        if samples.ndim != 2 or samples.shape[1] != errors.shape[1] or not len(samples):
            raise ValueError(f'the samples of {name} are {samples.shape}, not (S, {errors.shape[1]})')


def _share_below(samples: np.ndarray, z: np.ndarray) -> np.ndarray:
    """(N,) share of the samples (S,) below each z, half of those equal to it."""
    ordered = np.sort(samples)
    return (np.searchsorted(ordered, z, 'left') + np.searchsorted(ordered, z, 'right')) / (2 * len(ordered))


def _norm_share(errors: np.ndarray, sigma: np.ndarray, samples: np.ndarray, num: int = 1000) -> np.ndarray:
    """(N,) share of the density's errors, stretched by each keypoint's σ, that are shorter than its error."""
    samples = samples[np.linspace(0, len(samples) - 1, min(num, len(samples))).astype(int)]
    squares, shares = (samples**2).T, []  # (D, S)
    for rows in np.array_split(np.arange(len(errors)), -(-len(errors) // _CHUNK)):
        shares.append(((sigma[rows] ** 2) @ squares < (errors[rows] ** 2).sum(1, keepdims=True)).mean(1))
    return np.concatenate(shares)


def _judge(errors: np.ndarray, sigma: np.ndarray, shares: Mapping[str, np.ndarray], num_bins: int) -> Calibration:
    """``shares``: density -> (N,) the smallest share whose central interval holds the error."""
    curve = reliability(errors, sigma, num_bins)
    predicted, actual = np.array(curve.sigma), np.array(curve.error_rms)
    coverage = {name: [float((values <= level).mean()) for level in LEVELS] for name, values in shares.items()}
    return Calibration(
        num=len(errors),
        reliability=curve,
        ence=float((np.abs(predicted - actual) / predicted).mean()),
        factor=float(np.sqrt((errors**2).sum() / (sigma**2).sum())),
        rank_correlation=_rank_correlation(errors, sigma),
        coverage=coverage,
        coverage_error={name: _mean_gap(held) for name, held in coverage.items()},
    )


def _mean_gap(held: Sequence[float]) -> float:
    return float(np.abs(np.array(held) - LEVELS).mean())


def _rank_correlation(errors: np.ndarray, sigma: np.ndarray) -> float:
    if np.ptp(errors) == 0 or np.ptp(sigma) == 0:
        return float('nan')
    return float(stats.spearmanr(np.abs(errors), sigma).statistic)
