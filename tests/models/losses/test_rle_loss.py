"""The likelihood losses: the formulas, counted once; the flow learns; only labelled keypoints reach it."""

from __future__ import annotations

import math

import pytest
import torch
from mmpose.models.losses import RLELoss as MMPoseRLELoss

from das_mm.models.flows import RealNVP
from das_mm.models.losses import OfficialRLELoss, RLELoss, log_partition, positive_scale, residual_spread
from das_mm.registry import MODELS

from .likelihood_cases import ALL_LOSSES, FLOW_LOSSES, build, make_identity, random_batch, skewed_residuals


@pytest.mark.parametrize('dims', [1, 2, 3, 4, 5])
@pytest.mark.parametrize('prior', ['laplace', 'gaussian'])
def test_eq_10_with_the_flow_at_identity(dims, prior):
    loss = build('RLELoss', dims, prior=prior)
    make_identity(loss.flow)
    pred, sigma, target = random_batch(40, dims, dtype=torch.float64)
    z = (target - pred) / sigma
    log_q = -z.abs() - math.log(2) if prior == 'laplace' else -(z**2) / 2 - math.log(math.sqrt(2 * math.pi))
    log_g = (-(z**2) / 2).sum(1) - dims / 2 * math.log(2 * math.pi)
    expected = (-log_q.sum(1) - log_g + sigma.log().sum(1)).mean()
    torch.testing.assert_close(loss(pred, sigma, target), expected)


@pytest.mark.parametrize(
    'name, times',
    [('RLELoss', 1), ('DLELoss', 1), ('LaplaceNLLLoss', 1), ('GaussianNLLLoss', 1), ('OfficialRLELoss', 2)],
)
def test_how_often_log_sigma_is_counted(name, times):
    """Where the prediction is the target, z is 0 whatever σ is, so only log σ is left of the derivative by σ."""
    loss = build(name, 3)
    pred = torch.randn(5, 3)
    sigma = torch.full((5, 3), 0.25, requires_grad=True)
    loss(pred, sigma, pred).backward()
    torch.testing.assert_close(sigma.grad * 5, torch.full((5, 3), times / 0.25))


def test_learned_scale_is_that_of_the_data_when_counted_once():
    """For Laplace errors of scale b, Laplace NLL is least at σ = b; counting log σ twice would give b / 2."""
    generator = torch.Generator().manual_seed(0)
    target = 0.3 * build('LaplaceNLLLoss', 1).prior.sample(20000, 1, generator)
    loss = build('LaplaceNLLLoss', 1)
    scales = torch.linspace(0.1, 0.6, 101)
    values = torch.stack([loss(torch.zeros_like(target), s.expand_as(target), target) for s in scales])
    assert scales[values.argmin()].item() == pytest.approx(0.3, abs=0.01)


def test_official_form_differs_by_the_stated_terms():
    dims = 3
    once, official = build('RLELoss', dims, prior=dict(type='ReleasedLaplacePrior')), build('OfficialRLELoss', dims)
    official.flow = once.flow
    pred, sigma, target = random_batch(30, dims)
    log_g = once.flow.log_prob((target - pred) / sigma)
    difference = (sigma.log().sum(1) - (dims - 1) * log_g).mean()
    torch.testing.assert_close(official(pred, sigma, target), once(pred, sigma, target) + difference)


def test_official_form_written_out():
    loss = build('OfficialRLELoss', 2)
    pred, sigma, target = random_batch(30, 2)
    q = torch.log(sigma * math.sqrt(2 * math.pi)) + (pred - target).abs() / (math.sqrt(2) * sigma)
    flow_part = sigma.log() - loss.flow.log_prob((target - pred) / sigma)[:, None]
    torch.testing.assert_close(loss(pred, sigma, target), (q + flow_part).sum(1).mean())


@pytest.mark.parametrize('prior', ['laplace', 'gaussian'])
def test_official_form_equals_mmpose(prior):
    torch.manual_seed(0)
    theirs = MMPoseRLELoss(use_target_weight=True, q_distribution=prior)
    ours = OfficialRLELoss(flow=dict(type='RealNVP', dims=2), prior=prior)
    ours.flow.load_state_dict({k: v for k, v in theirs.flow_model.state_dict().items() if k not in ('loc', 'cov')})
    raw = torch.randn(4, 17, 2)
    pred, target = torch.rand(4, 17, 2), torch.rand(4, 17, 2)
    weight = (torch.rand(4, 17, 1) > 0.3).float()
    expected = theirs(pred, raw, target, weight)
    # theirs is pred - target: the mirrored residual, so swap the roles
    flat = [x.flatten(0, 1) for x in (target, raw.sigmoid(), pred, weight)]
    got = ours(*flat, avg_factor=4)
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize('name', FLOW_LOSSES)
def test_gradient_reaches_flow_and_network(name):
    loss = build(name, 3)
    pred, sigma, target = random_batch(50, 3)
    pred.requires_grad_(), sigma.requires_grad_()
    loss(pred, sigma, target).backward()
    assert all(p.grad.norm() > 0 for p in loss.flow.parameters())
    assert pred.grad.abs().sum() > 0 and sigma.grad.abs().sum() > 0


@pytest.mark.parametrize('dims', [2, 3])
def test_flow_learns_skewed_residuals(dims):
    """G leaves N(0, I) and Q·G fits unseen residuals better than the Laplace density of the best location and scale."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    loss = build('RLELoss', dims)
    probe = skewed_residuals(500, dims, generator)
    with torch.no_grad():
        before = loss.flow.log_prob(probe)
    mu, raw = torch.zeros(dims, requires_grad=True), torch.zeros(dims, requires_grad=True)
    optimizer = torch.optim.Adam([mu, raw, *loss.parameters()], lr=2e-2)
    for _ in range(100):
        z = skewed_residuals(256, dims, generator)
        optimizer.zero_grad()
        loss(mu.expand_as(z), raw.exp().expand_as(z), z).backward()
        optimizer.step()
    unseen = skewed_residuals(2000, dims, generator)
    with torch.no_grad():
        assert (loss.flow.log_prob(probe) - before).abs().mean() > 0.1
        z = (unseen - mu) / raw.exp()
        ours = (loss.log_density(z).mean() - raw.sum()).item() - log_partition(loss, extent=8, resolution=40)
        median = unseen.median(dim=0).values
        scale = (unseen - median).abs().mean(dim=0)  # maximum likelihood
        laplace = (-(unseen - median).abs() / scale - (2 * scale).log()).sum(1).mean().item()
    assert ours > laplace + 0.05 * dims


def test_normalized_is_a_density():
    """What it adds to every row is log of the integral of Q·G, which then is a likelihood."""
    torch.manual_seed(0)
    plain = build('RLELoss', 2)
    for parameter in plain.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    whole = RLELoss(plain.flow, normalized=True)
    pred, sigma, target = torch.zeros(40, 2), torch.full((40, 2), 0.5), torch.randn(40, 2)
    with torch.no_grad():
        added = whole(pred, sigma, target) - plain(pred, sigma, target)
        assert abs(added.item() - log_partition(plain)) < 0.1
        assert abs(added.item()) > 0.3
    whole(pred, sigma, target).backward()
    with_it = [parameter.grad.clone() for parameter in plain.flow.parameters()]
    plain.zero_grad()
    plain(pred, sigma, target).backward()
    assert any(not torch.allclose(one, parameter.grad) for one, parameter in zip(with_it, plain.flow.parameters()))


@pytest.mark.parametrize(
    ('prior', 'distance'), [('laplace', 10), ('gaussian', 4), (dict(type='ReleasedLaplacePrior'), 10)]
)
def test_normalized_is_no_less_than_the_entropy_far_from_the_prior(prior, distance):
    """Where Q has no mass to speak of, a flow must not gain by hiding its own there from the normaliser: on average no
    density can be likelier than the one that the residuals have."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    loss = RLELoss(dict(type='RealNVP', dims=2), prior=prior, normalized=True, partition_samples=512)
    deviation = 0.5
    optimizer = torch.optim.Adam(loss.parameters(), lr=1e-2)
    far = lambda n: distance + deviation * torch.randn(n, 2, generator=generator)
    for _ in range(150):
        optimizer.zero_grad()
        loss(torch.zeros(128, 2), torch.ones(128, 2), far(128)).backward()
        optimizer.step()
    entropy = 0.5 * math.log(2 * math.pi * math.e * deviation**2)  # of a coordinate
    with torch.no_grad():
        told = loss(torch.zeros(4000, 2), torch.ones(4000, 2), far(4000)).item() / 2
    assert entropy - 0.2 < told < distance


@pytest.mark.parametrize('normalized', [False, True])
def test_sigma_of_a_long_training(normalized):
    """Without the normaliser of Q·G σ grows to its bound of 1 and forgets which keypoints are hard; with it, it does
    not."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    loss = RLELoss(dict(type='RealNVP', dims=2), normalized=normalized)
    hard = torch.tensor([0.1, 0.3]).repeat(64)[:, None]  # deviation of the error
    raw = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.Adam([dict(params=[raw], lr=5e-2), dict(params=list(loss.parameters()))], lr=1e-2)
    for _ in range(200):
        target = hard * torch.randn(128, 2, generator=generator)
        optimizer.zero_grad()
        loss(torch.zeros(128, 2), positive_scale(raw).repeat(64)[:, None].expand(128, 2), target).backward()
        optimizer.step()
    easy, difficult = positive_scale(raw.detach()).tolist()
    if normalized:
        assert 2 < difficult / easy < 4.5
    else:
        assert difficult > 0.9


@pytest.mark.parametrize('name', ['RLELoss', 'normalized', 'LaplaceNLLLoss'])
def test_spread_turns_sigma_into_the_deviation_of_the_error(name):
    """σ alone is free up to a factor that the flow takes up; times the spread of z it is what the data has."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    loss = RLELoss(dict(type='RealNVP', dims=2), normalized=True) if name == 'normalized' else build(name, 2)
    truth = torch.tensor([0.05, 0.15])
    raw = torch.zeros(2, requires_grad=True)  # σ starts at 0.5
    optimizer = torch.optim.Adam([dict(params=[raw], lr=5e-2), dict(params=list(loss.parameters()))], lr=2e-2)
    for _ in range(120):
        target = truth * torch.randn(256, 2, generator=generator)
        optimizer.zero_grad()
        loss(torch.zeros(256, 2), positive_scale(raw).expand(256, 2), target).backward()
        optimizer.step()
    deviation = positive_scale(raw.detach()) * residual_spread(loss, n=4000, generator=generator, num_dims=2)
    if name == 'LaplaceNLLLoss':
        truth = truth * math.sqrt(2) * math.sqrt(2 / math.pi)  # of the Laplace density nearest to a normal one
    torch.testing.assert_close(deviation, truth, rtol=0.15, atol=0)


class SpyFlow(RealNVP):
    """Remembers what it was shown."""

    def __init__(self, dims: int):
        super().__init__(dims)
        self.seen: list[torch.Tensor] = []

    def log_prob(self, x):
        self.seen.append(x.detach().clone())
        return super().log_prob(x)


@pytest.mark.parametrize('weight_dims', [1, 2, 3])
@pytest.mark.parametrize('name', FLOW_LOSSES)
def test_only_labelled_rows_reach_the_flow(name, weight_dims):
    loss = build(name, 3)
    loss.flow = SpyFlow(3)
    pred, sigma, target = random_batch(20, 3)
    weight = torch.zeros(20)
    weight[[2, 3, 11]] = 2.0
    target[weight == 0] = float('nan')  # a poisoned label that does not count
    pred.requires_grad_()
    weight_as_given = {1: weight, 2: weight[:, None], 3: weight[:, None].expand(-1, 3)}[weight_dims]
    value = loss(pred, sigma, target, weight_as_given)
    value.backward()
    (seen,) = loss.flow.seen
    torch.testing.assert_close(seen, ((target - pred) / sigma)[[2, 3, 11]].detach())
    assert value.isfinite() and pred.grad.isfinite().all()
    assert not pred.grad[weight == 0].any() and pred.grad[weight > 0].any()
    rows = [2, 3, 11]
    torch.testing.assert_close(value, 2 * loss(pred[rows], sigma[rows], target[rows]))


def test_partly_labelled_rows():
    pred, sigma, target = random_batch(4, 3)
    weight = torch.ones(4, 3)
    weight[1, 2] = 0
    target[1, 2] = float('nan')
    with pytest.raises(ValueError, match='fewer dimensions'):
        build('RLELoss', 3)(pred, sigma, target, weight)
    # without a flow each coordinate stands for itself
    z = ((target - pred) / sigma).abs() + math.log(2) + sigma.log()
    torch.testing.assert_close(build('LaplaceNLLLoss', 3)(pred, sigma, target, weight), z[weight > 0].sum() / 4)


@pytest.mark.parametrize('n', [0, 5])
@pytest.mark.parametrize('name', ALL_LOSSES)
def test_nothing_labelled_is_a_zero_in_the_graph(name, n):
    loss = build(name, 3)
    pred, sigma, target = random_batch(n, 3)
    pred.requires_grad_(), sigma.requires_grad_()
    for avg_factor in (None, torch.tensor(0.0)):
        value = loss(pred, sigma, target, torch.zeros(n), avg_factor)
        value.backward()
        assert value == 0
        for tensor in (pred, sigma, *loss.parameters()):
            assert tensor.grad is not None and not tensor.grad.any()


@pytest.mark.parametrize('name', ALL_LOSSES)
def test_normalisation_and_weights(name):
    loss = build(name, 2)
    pred, sigma, target = random_batch(6, 2)
    whole = loss(pred, sigma, target, avg_factor=1)
    torch.testing.assert_close(loss(pred, sigma, target), whole / 6)
    torch.testing.assert_close(loss(pred, sigma, target, avg_factor=torch.tensor(4.0)), whole / 4)
    torch.testing.assert_close(loss(pred, sigma, target, torch.full((6, 2), 0.5)), whole / 12)
    rows = torch.stack([loss(pred[i : i + 1], sigma[i : i + 1], target[i : i + 1]) for i in range(6)])
    weight = torch.rand(6)
    torch.testing.assert_close(loss(pred, sigma, target, weight, avg_factor=1), (rows * weight).sum())
    loss.loss_weight = 3.0
    torch.testing.assert_close(loss(pred, sigma, target, avg_factor=1), 3 * whole)


@pytest.mark.parametrize('name', ALL_LOSSES)
@pytest.mark.parametrize('dims', [1, 3, 5])
def test_gradients_are_the_derivatives(name, dims):
    loss = build(name, dims)
    pred, sigma, target = (x.requires_grad_() for x in random_batch(2, dims, dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda *x: loss(*x), (pred, sigma, target))


def test_l1_needs_no_sigma_and_the_others_do():
    pred, sigma, target = random_batch(9, 3)
    assert not build('L1PoseLoss', 3).uses_sigma
    expected = (pred - target).abs().sum(1).mean()
    for given in (sigma, None):
        torch.testing.assert_close(build('L1PoseLoss', 3)(pred, given, target), expected)
    for name in set(ALL_LOSSES) - {'L1PoseLoss'}:
        assert build(name, 3).uses_sigma
        with pytest.raises(ValueError, match='None'):
            build(name, 3)(pred, None, target)


def test_one_flow_shared_by_several_losses():
    flow = RealNVP(3)
    first, last = RLELoss(flow), RLELoss(flow, prior='gaussian')
    assert first.flow is last.flow is flow
    pred, sigma, target = random_batch(9, 3)
    (first(pred, sigma, target) + last(pred, sigma, target)).backward()
    assert flow.s[0][0].weight.grad.norm() > 0


def test_bad_shapes_and_names():
    pred, sigma, target = random_batch(4, 3)
    loss = build('RLELoss', 3)
    with pytest.raises(ValueError, match='one shape'):
        loss(pred, sigma, target[:, :2])
    with pytest.raises(ValueError, match='one shape'):
        loss(pred[None], sigma[None], target[None])
    with pytest.raises(ValueError, match='weight of shape'):
        loss(pred, sigma, target, torch.ones(3))
    with pytest.raises(ValueError, match='2 dimensions'):
        build('RLELoss', 2)(pred, sigma, target)
    with pytest.raises(ValueError, match='laplace'):
        build('RLELoss', 3, prior='cauchy')


def test_names_in_each_scope():
    """Ours in das_mm's scope, mmpose's in its own, either by prefix."""
    from mmpose.registry import MODELS as MMPOSE_MODELS

    assert MODELS.get('RLELoss') is RLELoss and MODELS.get('mmpose.RLELoss') is MMPoseRLELoss
    assert MMPOSE_MODELS.get('RLELoss') is MMPoseRLELoss and MMPOSE_MODELS.get('das_mm.RLELoss') is RLELoss
