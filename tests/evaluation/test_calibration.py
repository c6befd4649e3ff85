"""Generated errors whose true spread is known: honest σ is found honest, σ that lies is found out, and by how much."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from das_mm.evaluation.functional.calibration import (
    LEVELS,
    Calibration,
    calibrate,
    lateral_and_depth_errors,
    plain_density,
)

RNG = np.random.default_rng(0)
SIGMA = RNG.uniform(10, 60, (20000, 3)) * [1, 1, 3]  # mm
ERRORS = RNG.normal(size=SIGMA.shape) * SIGMA
DENSITIES = {name: plain_density(name, 3) for name in ('gaussian', 'laplace')}


@pytest.fixture(scope='module')
def honest() -> dict[str, Calibration]:
    return calibrate(ERRORS, SIGMA, DENSITIES)


@pytest.mark.parametrize('axis', ['x', 'y', 'z', 'norm'])
def test_honest_sigma_is_the_diagonal(honest, axis):
    found = honest[axis]
    assert sum(found.reliability.count) == found.num == len(SIGMA)
    assert np.allclose(found.reliability.error_rms, found.reliability.sigma, rtol=0.08)
    assert found.ence < 0.04 and found.factor == pytest.approx(1, abs=0.02)
    assert np.allclose(found.coverage['gaussian'], LEVELS, atol=0.015)
    assert found.coverage_error['gaussian'] < 0.01
    # errors are not Laplace's: too few lie in the middle
    assert found.coverage_error['laplace'] > 0.02
    assert 0.25 < found.rank_correlation < 0.6


@pytest.mark.parametrize('stretch', [2.0, 0.5])
def test_a_stretched_sigma_is_found_as_such(stretch, honest):
    for axis, found in calibrate(ERRORS, stretch * SIGMA, DENSITIES).items():
        assert found.factor == pytest.approx(1 / stretch, rel=0.02)
        assert found.ence == pytest.approx(abs(1 - 1 / stretch), rel=0.08)
        assert found.rank_correlation == pytest.approx(honest[axis].rank_correlation)
        middle = found.coverage['gaussian'][LEVELS.index(0.5)]
        assert middle > 0.75 if stretch > 1 else middle < 0.3
        assert found.coverage_error['gaussian'] > 0.15


def test_sigma_that_knows_nothing():
    shuffled = RNG.permutation(SIGMA)
    for found in calibrate(ERRORS, shuffled, DENSITIES).values():
        assert abs(found.rank_correlation) < 0.03 and found.factor == pytest.approx(1, abs=0.02)
        assert found.ence > 0.15  # right on the whole, wrong for each
    constant = calibrate(ERRORS, np.full_like(SIGMA, 30.0), DENSITIES)
    assert all(np.isnan(found.rank_correlation) for found in constant.values())


def test_a_density_that_leans():
    """Central intervals of a density that is not symmetric lie aside of zero; its own samples know where."""
    leaning = RNG.exponential(size=(6000, 3)) - 1  # mean 0, standard deviation 1
    errors = (RNG.exponential(size=SIGMA.shape) - 1) * SIGMA
    found = calibrate(errors, SIGMA, {'learned': leaning, **DENSITIES})
    for axis in found.values():
        assert axis.coverage_error['learned'] < 0.015 < axis.coverage_error['gaussian']


def test_plain_densities_have_unit_spread():
    for samples in DENSITIES.values():
        assert samples.shape == (4000, 3)
        assert np.allclose(samples.std(0), 1, atol=0.01) and np.allclose(samples.mean(0), 0, atol=1e-6)
        assert abs(np.corrcoef(samples.T)[0, 1]) < 0.05


def test_written_and_read_again(honest):
    text = json.dumps({axis: asdict(found) for axis, found in honest.items()})
    assert {axis: Calibration.from_dict(values) for axis, values in json.loads(text).items()} == honest


def test_few_keypoints_and_two_dimensions():
    found = calibrate(ERRORS[:3, :2], SIGMA[:3, :2], {'gaussian': plain_density('gaussian', 2)})
    assert list(found) == ['x', 'y', 'norm'] and found['x'].reliability.count == [1, 1, 1]


@pytest.mark.parametrize(
    'errors, sigma, words',
    [
        (ERRORS[:0], SIGMA[:0], 'no keypoint'),
        (ERRORS[:4], SIGMA[:5], 'must both be'),
        (np.where(ERRORS > 0, np.nan, 0), SIGMA, 'finite'),
        (ERRORS, 0 * SIGMA, 'positive'),
        (ERRORS[:, :2], SIGMA[:, :2], r'not \(S, 2\)'),
    ],
)
def test_what_cannot_be_judged(errors, sigma, words):
    with pytest.raises(ValueError, match=words):
        calibrate(errors, sigma, DENSITIES)


def test_errors_in_mm_at_the_true_depth():
    """px become mm at the true depth, with fx along x and fy along y; the depth of the whole person plays no part."""
    true_3d = RNG.uniform(-400, 400, (5, 4, 3)) + [0, 0, 3000]
    K = np.array([900.0, 1100.0])
    true_px = true_3d[..., :2] / true_3d[..., 2:] * K + 200
    moved = true_3d + [30.0, -20.0, 0.0]
    px = moved[..., :2] / moved[..., 2:] * K + 200
    farther = moved + [0, 0, 777.0]
    farther[:, 1, 2] += 25
    sigma = np.full((5, 4, 3), 2.0)
    errors, scales = lateral_and_depth_errors(px, farther, sigma, true_px, true_3d, np.tile(K, (5, 1)), root=0)
    assert np.allclose(errors[..., 0], 30) and np.allclose(errors[..., 1], -20)
    assert np.allclose(errors[..., 2], [0, 25, 0, 0])
    assert np.allclose(scales[..., :2], 2 * true_3d[..., 2:] / K) and (scales[..., 2] == 2).all()
    flat, _ = lateral_and_depth_errors(px, farther, sigma[..., :2], true_px, true_3d, np.tile(K, (5, 1)), root=(0, 1))
    assert flat.shape == (5, 4, 2)
