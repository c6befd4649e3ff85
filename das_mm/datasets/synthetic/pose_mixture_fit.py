"""Fits the default pose prior of mesh recovery: a mixture of Gaussians on generated poses.

``das-mm assets mixture`` runs it (about a minute; the same numbers every time on one processor). Writes
``means`` (M, 69), ``covars`` (M, 69, 69) and ``weights`` (M,), the names of SMPLify's ``gmm_08.pkl``. Every pose counts
twice, as it is and mirrored. Letters: N poses, M components, D numbers.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from das_mm.bodies.pose_mixture import PoseMixture
from das_mm.engine import atomic_write
from das_mm.structures.rotations import mirror_pose

from .poses import sample_pose

# Generated people keep feet and hands exactly at rest and other joints within a few degrees of what they do. People in
# photographs do not: without this much room the prior would punish them by hundreds.
SPREAD_RAD = 0.06


def generated_poses(count: int, seed: int) -> np.ndarray:
    """(2 · count, 69) rad: poses of all activities by their usual shares, and their mirror images."""
    rng = np.random.default_rng(seed)
    poses = np.stack([sample_pose(rng)['body_pose'] for _ in range(count)])  # (count, 23, 3)
    mirrored = mirror_pose(np.pad(poses, ((0, 0), (1, 0), (0, 0))))[:, 1:]  # a root in front, and away again
    return np.concatenate([poses, mirrored]).reshape(2 * count, -1)


def log_densities(data: np.ndarray, mixture: PoseMixture) -> np.ndarray:
    """log(w_k · N(x; μ_k, Σ_k)) of every point under every component, (N, D) -> (N, M)."""
    columns = []
    for mean, covariance, weight in zip(mixture.means, mixture.covariances, mixture.weights):
        root = np.linalg.cholesky(covariance)
        white = np.linalg.solve(root, (data - mean).T)  # (D, N)
        columns.append(
            np.log(weight) - np.log(np.diag(root)).sum() - 0.5 * len(root) * np.log(2 * np.pi) - 0.5 * (white**2).sum(0)
        )
    return np.stack(columns, axis=1)


def log_likelihood(data: np.ndarray, mixture: PoseMixture) -> np.ndarray:
    """log density of every point, (N, D) -> (N,)."""
    return _log_sum(log_densities(data, mixture))


def fit_mixture(
    data: np.ndarray, components: int, spread: float, seed: int = 0, steps: int = 100, tolerance: float = 1e-3
) -> PoseMixture:
    """Expectation maximisation with full covariances from one deterministic start.

    Args:
        data: (N, D), N well above D · M.
        components: M.
        spread: Least standard deviation of a component in any direction; its square is added to each covariance.
        seed: Of the start, which takes points far from each other (k-means++).
        steps: Most rounds.
        tolerance: Ends when a round gains less than this log likelihood a point.
    """
    responsible = np.eye(components)[_start(data, components, np.random.default_rng(seed))]  # (N, M)
    before = -np.inf
    for _ in range(steps):
        mixture = _maximised(data, responsible, spread)
        joint = log_densities(data, mixture)
        total = _log_sum(joint)
        if total.mean() - before < tolerance:
            break
        before, responsible = total.mean(), np.exp(joint - total[:, None])
    return mixture


def _start(data: np.ndarray, components: int, rng: np.random.Generator) -> np.ndarray:
    """(N,) nearest of M centres drawn by their squared distance from those before."""
    centres = data[[rng.integers(len(data))]]
    for _ in range(components - 1):
        distance = _squared_distances(data, centres).min(1)
        centres = np.concatenate([centres, data[[rng.choice(len(data), p=distance / distance.sum())]]])
    return _squared_distances(data, centres).argmin(1)


def _squared_distances(data: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return ((data**2).sum(1)[:, None] - 2 * data @ centres.T + (centres**2).sum(1)).clip(min=0)


def _maximised(data: np.ndarray, responsible: np.ndarray, spread: float) -> PoseMixture:
    shares = responsible.sum(0) + 1e-9
    means = responsible.T @ data / shares[:, None]
    covariances = []
    for k, share in enumerate(shares):
        centred = data - means[k]
        covariances.append((centred * responsible[:, k, None]).T @ centred / share)
    covariances = np.stack(covariances) + spread**2 * np.eye(data.shape[1])
    return PoseMixture(means, covariances, shares / shares.sum())


def _log_sum(columns: np.ndarray) -> np.ndarray:
    highest = columns.max(1)
    return highest + np.log(np.exp(columns - highest[:, None]).sum(1))


def write_mixture(path: str | Path, count: int = 20000, components: int = 8) -> list[str]:
    """Fit the mixture to ``count`` generated poses and their mirror images, and write it.

    Returns:
        What there is to say of it: how likely it finds poses, its size and shares.
    """
    mixture = fit_mixture(generated_poses(count, seed=0), components, SPREAD_RAD)
    buffer = io.BytesIO()
    # rounded to 2^-20 rad²: half the size, and six orders below the least variance
    np.savez_compressed(
        buffer,
        means=mixture.means.astype(np.float32),
        weights=mixture.weights,
        covars=(np.round(mixture.covariances * 2**20) / 2**20).astype(np.float32),
    )
    atomic_write(path, buffer.getvalue())
    said = []
    for name, seed in (('the poses fitted', 0), ('unseen poses', 1)):
        poses = generated_poses(min(2000, count), seed)
        said.append(f'{name}: mean log likelihood {log_likelihood(poses, mixture).mean():.2f}')
    return [*said, f'{len(buffer.getvalue()) / 1000:.0f} kB, shares {np.round(mixture.weights, 3).tolist()}']
