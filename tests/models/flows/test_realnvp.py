"""RealNVP: an invertible map, a density that integrates to 1, the released parameter names."""

from __future__ import annotations

import math

import pytest
import torch
from mmpose.models.utils.realnvp import RealNVP as MMPoseRealNVP
from torch.distributions import MultivariateNormal

from das_mm.models.flows import RealNVP
from das_mm.registry import MODELS
from tests.models.losses.likelihood_cases import perturbed_flow


def skewed_samples(n: int, dims: int, seed: int) -> torch.Tensor:
    """A bent, skewed, two-peaked cloud."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, dims, generator=generator)
    x[:, 0] = torch.where(torch.rand(n, generator=generator) < 0.3, 2.5 + 0.3 * x[:, 0], -0.5 + 0.6 * x[:, 0])
    x[:, -1] = 0.5 * x[:, -1] + 0.4 * (x[:, 0] ** 2 - 1)
    return x


@pytest.mark.parametrize('dims, count', [(2, 53784), (3, 55332)])
def test_parameter_count_of_the_released_flows(dims, count):
    assert sum(p.numel() for p in RealNVP(dims).parameters()) == count


def test_masks():
    assert RealNVP(2).mask.tolist() == [[0, 1], [1, 0]] * 3
    assert RealNVP(3).mask.tolist() == [[0, 0, 1], [1, 1, 0]] * 3
    for dims in range(1, 7):
        mask = RealNVP(dims, num_layers=4).mask
        assert mask.shape == (4, dims)
        assert torch.equal(mask[0] + mask[1], torch.ones(dims)) and torch.equal(mask[:2], mask[2:])
        # each layer but those of a single dimension both keeps and changes something
        assert dims == 1 or bool(((mask.sum(1) > 0) & (mask.sum(1) < dims)).all())


def test_state_dict_names():
    names = set(RealNVP(3).state_dict())
    assert names == {'mask'} | {
        f'{net}.{i}.{j}.{kind}' for net in 'st' for i in range(6) for j in (0, 2, 4) for kind in ('weight', 'bias')
    }


def test_loads_weights_of_mmpose_and_agrees():
    torch.manual_seed(0)
    theirs, ours = MMPoseRealNVP(), RealNVP(2)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    state = {k: v for k, v in theirs.state_dict().items() if k not in ('loc', 'cov')}
    ours.load_state_dict(state, strict=True)
    x = 3 * torch.randn(200, 2)
    torch.testing.assert_close(ours.log_prob(x), theirs.log_prob(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('dims', [1, 2, 3, 4, 5])
def test_inverse_undoes_forward(dims):
    flow = perturbed_flow(dims)
    z = torch.randn(64, dims, generator=torch.Generator().manual_seed(1)).double()
    x, log_det = flow(z)
    back, inverse_log_det = flow.inverse(x)
    assert (x - z).abs().max() > 0.05  # not the identity
    torch.testing.assert_close(back, z)
    torch.testing.assert_close(inverse_log_det, -log_det)


@pytest.mark.parametrize('dims', [1, 2, 3, 4, 5])
def test_log_det_is_that_of_the_jacobian(dims):
    flow = perturbed_flow(dims)
    x = torch.randn(6, dims, generator=torch.Generator().manual_seed(2)).double()
    log_det = flow.inverse(x)[1]
    for row, expected in zip(x, log_det):
        jacobian = torch.autograd.functional.jacobian(lambda r: flow.inverse(r[None])[0][0], row)
        torch.testing.assert_close(torch.linalg.slogdet(jacobian).logabsdet, expected)


def test_identity_flow_is_the_standard_normal():
    flow = RealNVP(3)
    torch.nn.init.zeros_(flow.mask)  # any mask: without weights every layer is the identity
    for parameter in flow.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(flow.log_prob(x), MultivariateNormal(torch.zeros(3), torch.eye(3)).log_prob(x))


@pytest.mark.parametrize('dims, extent, cells', [(1, 12, 400), (2, 10, 160), (3, 8, 56)])
def test_trained_flow_integrates_to_one(dims, extent, cells):
    torch.manual_seed(0)
    flow = RealNVP(dims)
    data, unseen = skewed_samples(2000, dims, seed=0), skewed_samples(2000, dims, seed=1)
    before = flow.log_prob(unseen).mean().item()
    optimizer = torch.optim.Adam(flow.parameters(), lr=5e-3)
    for step in range(60):
        optimizer.zero_grad()
        batch = data[(step * 250) % 2000 :][:250]
        (-flow.log_prob(batch).mean()).backward()
        optimizer.step()
    with torch.no_grad():
        assert flow.log_prob(unseen).mean().item() > before + 0.2  # it did learn
        cell = 2 * extent / cells
        axis = (torch.arange(cells) + 0.5) * cell - extent
        points = torch.cartesian_prod(*[axis] * dims).reshape(-1, dims)
        mass = torch.cat([flow.log_prob(p) for p in points.split(65536)]).double().exp().sum().item() * cell**dims
    assert mass == pytest.approx(1, abs=0.01)


def test_samples_follow_the_density():
    flow = perturbed_flow(2, scale=0.2)
    samples = flow.sample(20000, torch.Generator().manual_seed(0))
    assert torch.equal(samples, flow.sample(20000, torch.Generator().manual_seed(0)))
    axis = (torch.arange(120) + 0.5) * 0.1 - 6
    grid = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        density = flow.log_prob(grid).exp() * 0.01  # mass of each cell
    mean = (density[:, None] * grid).sum(0)
    spread = (density[:, None] * (grid - mean) ** 2).sum(0).sqrt()
    torch.testing.assert_close(samples.mean(0), mean, rtol=0, atol=0.03)
    torch.testing.assert_close(samples.std(0), spread, rtol=0.03, atol=0)


def test_empty_input_keeps_every_parameter_in_the_graph():
    flow = RealNVP(3)
    log_prob = flow.log_prob(torch.zeros(0, 3))
    assert log_prob.shape == (0,)
    log_prob.sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in flow.parameters())


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_float32_inside(dtype):
    flow = perturbed_flow(2)
    x = (2 * torch.randn(100, 2, generator=torch.Generator().manual_seed(4))).to(dtype)
    expected = flow.log_prob(x.float())
    with torch.autocast('cpu', dtype=dtype):
        got = flow.log_prob(x)
    assert got.dtype == torch.float32
    assert torch.equal(got, expected)
    # parameters kept in half precision: still computed in float32
    assert flow.to(dtype).log_prob(x).dtype == torch.float32


def test_far_outliers_are_finite():
    flow = perturbed_flow(3, scale=1.0)
    x = torch.tensor([[1e6, -1e6, 1e6], [1e8, 0, 0], [0, -1e12, 1e15]], requires_grad=True)
    log_prob = flow.log_prob(x)
    log_prob.sum().backward()
    assert log_prob.isfinite().all() and (log_prob < -1e10).all()
    assert x.grad.isfinite().all() and all(p.grad.isfinite().all() for p in flow.parameters())


def test_wrong_dimension_is_refused():
    with pytest.raises(ValueError, match='3 dimensions'):
        RealNVP(3).log_prob(torch.zeros(4, 2))
    with pytest.raises(ValueError, match='dims >= 1'):
        RealNVP(0)


def test_registered():
    flow = MODELS.build(dict(type='das_mm.RealNVP', dims=4, num_layers=8, hidden=32))
    assert isinstance(flow, RealNVP) and flow.mask.shape == (8, 4) and flow.s[0][0].out_features == 32


def test_init_weights_undoes_a_heads_normal_init_but_no_training():
    flow = RealNVP(2)
    torch.nn.init.constant_(flow.s[0][0].weight, 7)
    flow.init_weights()
    assert flow.s[0][0].weight.abs().max() < 0.01 * math.sqrt(6 / (2 + 64)) + 1e-6
    torch.nn.init.constant_(flow.s[0][0].weight, 7)
    flow.init_weights()
    assert (flow.s[0][0].weight == 7).all()
