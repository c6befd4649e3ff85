"""The learned density: normalised where the raw Q·G is not, its marginals, its samples."""

from __future__ import annotations

import math

import pytest
import torch

from das_mm.models.losses import RLELoss, error_density_grid, log_partition

from .likelihood_cases import build, make_identity, perturbed_flow


def cell_of(grid) -> float:
    return math.prod((axis[1] - axis[0]).item() for axis in grid.axes)


def test_partition_against_the_closed_form():
    """Laplace times normal: ∫ exp(-|z|)/2 · exp(-z²/2)/√(2π) dz = √e · Φ(-1) per coordinate."""
    expected = 0.5 + math.log(0.5 * math.erfc(1 / math.sqrt(2)))
    for dims, resolution in ((1, 400), (2, 200), (3, 40)):
        loss = build('RLELoss', dims)
        make_identity(loss.flow)
        assert log_partition(loss, extent=6, resolution=resolution) == pytest.approx(dims * expected, abs=0.02)


@pytest.mark.parametrize('name, extent', [('DLELoss', 10), ('LaplaceNLLLoss', 12), ('GaussianNLLLoss', 8)])
def test_partition_of_normalised_densities_is_one(name, extent):
    loss = build(name, 2)
    if name == 'DLELoss':
        loss.flow = perturbed_flow(2, scale=0.2)
    assert log_partition(loss, extent=extent, resolution=240, num_dims=2) == pytest.approx(0, abs=0.01)


def test_grid_is_normalised_and_marginals_agree():
    loss = RLELoss(perturbed_flow(3, scale=0.2))
    full = error_density_grid(loss, extent=6, resolution=28, dims=(0, 1, 2))
    assert full.density.shape == (28, 28, 28)
    assert full.density.sum().item() * cell_of(full) == pytest.approx(1, abs=1e-9)
    cell = (full.axes[0][1] - full.axes[0][0]).item()
    for dims in ((0, 1), (2, 0), (1,)):
        grid = error_density_grid(loss, extent=6, resolution=28, dims=dims)
        assert grid.density.sum().item() * cell_of(grid) == pytest.approx(1, abs=1e-9)
        others = [d for d in range(3) if d not in dims]
        expected = full.density.sum(dim=others) * cell ** len(others)
        torch.testing.assert_close(grid.density, expected.T if dims == (2, 0) else expected)
    # the raw product is far from normalised: this is what the grid mends
    assert abs(full.log_partition) > 1


def test_grid_shows_the_density_at_its_points():
    loss = RLELoss(perturbed_flow(2, scale=0.2))
    grid = error_density_grid(loss, extent=5, resolution=50)
    point = torch.stack([grid.axes[0][31], grid.axes[1][20]])[None]
    expected = loss.log_density(point).item() - grid.log_partition
    assert grid.density[31, 20].log().item() == pytest.approx(expected, abs=1e-5)


def test_scaled_grid_is_the_density_of_the_error():
    grid = error_density_grid(build('LaplaceNLLLoss', 2), num_dims=2)
    scaled = grid.scaled((0.5, 4.0))
    assert scaled.axes[0][-1] == grid.axes[0][-1] * 0.5 and scaled.axes[1][-1] == grid.axes[1][-1] * 4
    assert scaled.density.sum().item() * cell_of(scaled) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize('dims', [1, 2, 3])
def test_samples_follow_the_product(dims):
    loss = RLELoss(perturbed_flow(dims, scale=0.3))
    samples = loss.sample_residuals(2500, torch.Generator().manual_seed(0))
    assert samples.shape == (2500, dims)
    grid = error_density_grid(loss, extent=6, resolution=36, dims=tuple(range(dims)))
    mass = grid.density * cell_of(grid)
    for d, axis in enumerate(grid.axes):
        marginal = mass.sum(dim=[other for other in range(dims) if other != d]) if dims > 1 else mass
        mean = (marginal * axis).sum().item()
        spread = math.sqrt((marginal * (axis - mean) ** 2).sum().item())
        assert samples[:, d].mean().item() == pytest.approx(mean, abs=0.06)
        assert samples[:, d].std().item() == pytest.approx(spread, rel=0.08)


def test_samples_without_a_flow_and_of_the_flow_alone():
    generator = torch.Generator().manual_seed(0)
    laplace = build('LaplaceNLLLoss', 4).sample_residuals(20000, generator, num_dims=4)
    assert laplace.shape == (20000, 4)
    assert laplace.abs().mean().item() == pytest.approx(1, abs=0.02) and abs(laplace.mean().item()) < 0.02
    released = build('OfficialRLELoss', 2).prior
    assert released.sample(20000, 2, generator).abs().mean().item() == pytest.approx(math.sqrt(2), abs=0.03)
    dle = build('DLELoss', 2)
    make_identity(dle.flow)
    assert dle.sample_residuals(5000, generator).std().item() == pytest.approx(1, abs=0.05)
    assert RLELoss(perturbed_flow(5)).sample_residuals(0, generator).shape == (0, 5)


def test_what_cannot_be_asked_for():
    loss = build('RLELoss', 3)
    with pytest.raises(ValueError, match='distinct'):
        error_density_grid(loss, dims=(0, 3))
    with pytest.raises(ValueError, match='even'):
        error_density_grid(loss, resolution=31)
    with pytest.raises(ValueError, match='num_dims says 2'):
        error_density_grid(loss, num_dims=2)
    with pytest.raises(ValueError, match='give num_dims'):
        error_density_grid(build('LaplaceNLLLoss', 2))
    with pytest.raises(ValueError, match='sample_residuals'):
        error_density_grid(build('RLELoss', 4))
