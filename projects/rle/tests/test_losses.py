"""The family of losses: each constant of the paper and of both codes, and what must not be shown to a flow."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from mmpose.models.losses import RLELoss as MMPoseRLELoss

from das_mm.errors import UserError
from das_mm.models.flows import RealNVP
from das_mm.registry import MODELS
from projects.rle.rle.density_picture import criterion_of, draw_densities
from projects.rle.rle.losses import MixedDimensionLoss, ResidualLikelihoodLoss
from projects.rle.tests.plain_rle import log_flow, released_loss, released_state

B, K = 3, 4


def case(dims: int, seed: int = 1) -> tuple[torch.Tensor, ...]:
    """Predictions, raw σ, labels and weights; some keypoints are not labelled."""
    torch.manual_seed(seed)
    pred, raw, target = torch.randn(B, K, dims) * 0.2, torch.randn(B, K, dims), torch.randn(B, K, dims) * 0.2
    return pred, raw, target, torch.tensor([[1, 1, 0, 1], [1, 0, 1, 1], [0, 0, 0, 0]]).float()


def loaded(loss: torch.nn.Module, state: dict[str, torch.Tensor], **flows: str) -> torch.nn.Module:
    """The loss with flows of the state dict, mirrored: there the residual is prediction minus truth."""
    for name, prefix in flows.items():
        module = loss.get_submodule(name)
        weights = {
            key.removeprefix(f'{prefix}.'): value for key, value in state.items() if key.startswith(f'{prefix}.')
        }
        for key in weights:
            kind, _, place = (*key.split('.')[:3], '', '')[:3]
            if place == '0' and key.endswith('weight') or kind == 't' and place == '4':
                weights[key] = -weights[key]
        module.load_state_dict(weights)
    return loss


def density(state, flow, pred, sigma, target):
    """log G of every keypoint, (B, K)."""
    z = ((pred - target) / sigma).reshape(-1, pred.shape[-1])
    return log_flow(state, flow, z).reshape(pred.shape[:2])


@pytest.mark.parametrize('formula', ['official', 'paper'])
@pytest.mark.parametrize('q', ['laplace', 'gaussian'])
@pytest.mark.parametrize('residual', [True, False])
def test_formula_in_2d(formula, q, residual):
    pred, raw, target, weight = case(2)
    state, sigma = released_state(K, 2), torch.sigmoid(raw)
    loss = loaded(ResidualLikelihoodLoss(2, formula, q, residual), state, **{'criterion.flow': 'flow'})
    z = (target - pred) / sigma
    if q == 'gaussian':
        minus_log_q = 0.5 * z**2 + 0.5 * math.log(2 * math.pi)
    elif formula == 'official':  # a kernel of scale √2 with a normal density's constant
        minus_log_q = z.abs() / math.sqrt(2) + 0.5 * math.log(2 * math.pi)
    else:
        minus_log_q = z.abs() + math.log(2)
    log_g = density(state, 'flow', pred, sigma, target)
    copies, flow_copies = {('official', True): (2, 2), ('official', False): (1, 2)}.get((formula, residual), (1, 1))
    per_keypoint = copies * sigma.log().sum(-1) - flow_copies * log_g + residual * minus_log_q.sum(-1)
    expected = (per_keypoint * weight).sum() / B
    torch.testing.assert_close(loss(pred, raw, target, weight), expected, rtol=1e-5, atol=1e-5)


def test_official_is_the_released_loss_and_mmposes_with_its_q():
    pred, raw, target, weight = case(2)
    state = released_state(K, 2)
    ours = loaded(ResidualLikelihoodLoss(2), state, **{'criterion.flow': 'flow'})
    expected = released_loss(state, pred, torch.sigmoid(raw), target, weight[..., None].expand(-1, -1, 2))
    torch.testing.assert_close(ours(pred, raw, target, weight), expected, rtol=1e-5, atol=1e-5)

    theirs = MMPoseRLELoss(use_target_weight=True)
    flow = {k.removeprefix('flow.'): v for k, v in state.items() if k.startswith('flow.')}
    theirs.flow_model.load_state_dict(flow, strict=False)
    ours = loaded(ResidualLikelihoodLoss(2, q=dict(type='LaplacePrior')), state, **{'criterion.flow': 'flow'})
    expected = theirs(pred, raw, target, weight[..., None])
    torch.testing.assert_close(ours(pred, raw, target, weight), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('kind', ['L1PoseLoss', 'L2PoseLoss', 'LaplaceNLLLoss', 'GaussianNLLLoss'])
def test_members_without_a_flow(kind):
    pred, raw, target, weight = case(2)
    loss, error, sigma = ResidualLikelihoodLoss(criterion=dict(type=kind)), target - pred, torch.sigmoid(raw)
    each = dict(
        L1PoseLoss=error.abs(),
        L2PoseLoss=error**2,
        LaplaceNLLLoss=(2 * sigma).log() + error.abs() / sigma,
        GaussianNLLLoss=(sigma * math.sqrt(2 * math.pi)).log() + 0.5 * (error / sigma) ** 2,
    )[kind]
    expected = (each * weight[..., None]).sum() / B
    torch.testing.assert_close(loss(pred, raw, target, weight), expected, rtol=1e-5, atol=1e-6)
    assert loss.uses_sigma == kind.endswith('NLLLoss') and not list(loss.parameters())
    if not loss.uses_sigma:
        torch.testing.assert_close(loss(pred, None, target, weight), expected, rtol=1e-5, atol=1e-6)


def test_mixed_people_take_the_flow_of_their_own_depth_weight():
    pred, raw, target, weight = case(3)
    weight = weight[..., None].repeat(1, 1, 3)
    weight[1, :, 2] = 0  # a photograph
    state = released_state(K, 3)
    loss = loaded(MixedDimensionLoss(), state, **{'criterion_2d.flow': 'flow2d', 'criterion_3d.flow': 'flow3d'})
    expected = released_loss(state, pred, torch.sigmoid(raw) + 1e-9, target, weight)
    torch.testing.assert_close(loss(pred, raw, target, weight), expected, rtol=1e-5, atol=1e-5)


def gradient_norm(module: torch.nn.Module) -> float:
    return sum(float(p.grad.norm()) for p in module.parameters() if p.grad is not None)


def test_people_without_depths_feed_the_2d_flow_alone():
    pred, raw, target, _ = case(3)
    weight = torch.ones(B, K, 3)
    weight[..., 2] = 0
    target[..., 2] = math.nan
    loss = MixedDimensionLoss()
    pred.requires_grad_(), raw.requires_grad_()
    loss(pred, raw, target, weight).backward()
    assert gradient_norm(loss.criterion_3d) == 0 < gradient_norm(loss.criterion_2d)
    assert float(pred.grad[..., 2].abs().sum()) == 0 < float(pred.grad[..., :2].abs().sum())
    assert float(raw.grad[..., 2].abs().sum()) == 0


def test_a_batch_without_any_weight_is_zero_and_stays_connected():
    pred, raw, target, _ = case(3)
    pred.requires_grad_()
    loss = MixedDimensionLoss()
    value = loss(pred, raw, torch.full_like(target, math.nan), torch.zeros(B, K, 3))
    value.backward()
    assert value.item() == 0 and gradient_norm(loss) == 0 and not pred.grad.any()


def test_weights_act_on_both_parts():
    pred, raw, target, weight = case(2)
    loss = ResidualLikelihoodLoss(2)
    whole = loss(pred, raw, target, weight)
    torch.testing.assert_close(loss(pred, raw, target, 0.5 * weight), 0.5 * whole)
    target[weight == 0] = 1e6  # a keypoint that is not labelled is seen by neither
    torch.testing.assert_close(loss(pred, raw, target, weight), whole)


def test_the_flow_learns_and_departs_from_the_normal_density():
    torch.manual_seed(0)
    loss = ResidualLikelihoodLoss(2, formula='paper')
    flow = loss.criterion.flow
    optimiser = torch.optim.Adam(loss.parameters(), lr=3e-3)
    z = torch.randn(256, 1, 2) * torch.tensor([0.3, 2.0])
    zeros = torch.zeros_like(z)
    for _ in range(40):
        optimiser.zero_grad()
        loss(zeros, torch.full_like(z, 20.0), z).backward()  # σ = 1
        assert gradient_norm(flow) > 0
        optimiser.step()
    normal = torch.distributions.Normal(0, 1).log_prob(z[:, 0]).sum(-1)
    assert float((flow.log_prob(z[:, 0]) - normal).mean()) > 0.2


def test_off_means_off():
    """Residual off has no Q; a flow that stays normal leaves Laplace and N(0, I); log s is a constant of the flow."""
    pred, raw, target, _ = case(2)
    frozen = ResidualLikelihoodLoss(2, formula='paper', flow=dict(init_gain=0.0))
    for parameter in frozen.criterion.flow.parameters():
        torch.nn.init.zeros_(parameter)
    sigma, z = torch.sigmoid(raw), (target - pred) / torch.sigmoid(raw)
    laplace = (2 * sigma).log() + z.abs()
    normal = 0.5 * z**2 + 0.5 * math.log(2 * math.pi)
    torch.testing.assert_close(frozen(pred, raw, target), (laplace + normal).sum() / B, rtol=1e-5, atol=1e-4)
    assert not hasattr(ResidualLikelihoodLoss(2, residual=False).criterion, 'prior')
    assert ResidualLikelihoodLoss(2, formula='paper', log_s=True).criterion.normalized


@pytest.mark.parametrize('size', [(3, 64), (3, 128), (3, 256), (5, 32), (5, 64)])
def test_flow_sizes_of_table_6(size):
    layers, width = size
    flow = ResidualLikelihoodLoss(2, flow=dict(num_linear=layers, hidden=width)).criterion.flow
    linear = [module for module in flow.s[0] if isinstance(module, torch.nn.Linear)]
    assert len(linear) == layers and {module.out_features for module in linear[:-1]} == {width}
    x = torch.randn(5, 2)
    torch.testing.assert_close(flow(flow.inverse(x)[0])[0], x, rtol=1e-4, atol=1e-4)


def test_the_official_flow_starts_as_torch_starts_it():
    torch.manual_seed(0)
    official, paper = (ResidualLikelihoodLoss(2, formula=name).criterion.flow for name in ('official', 'paper'))
    assert official.s[0][2].weight.std() > 0.05 > paper.s[0][2].weight.std()
    official.init_weights()  # mmengine calls it after building
    assert official.s[0][2].weight.std() > 0.05


def test_one_flow_for_all_keypoints_and_images():
    flow = RealNVP(dims=2)
    loss = ResidualLikelihoodLoss(2, flow=flow)
    assert loss.criterion.flow is flow
    assert sum(p.numel() for p in loss.parameters()) == 53_784
    assert sum(p.numel() for p in MixedDimensionLoss().parameters()) == 53_784 + 55_332


def test_picture_of_densities(tmp_path):
    losses = {'RLE': ResidualLikelihoodLoss(2).criterion, 'Laplace': MODELS.build(dict(type='LaplaceNLLLoss'))}
    picture = draw_densities(losses, tmp_path / 'densities.png', num_dims=2)
    assert picture.stat().st_size > 5000
    model = SimpleNamespace(head=SimpleNamespace(loss_module=ResidualLikelihoodLoss(criterion=dict(type='L1PoseLoss'))))
    with pytest.raises(UserError, match='learns no density'):
        criterion_of(model)


def test_bad_input():
    with pytest.raises(UserError, match='paper, official'):
        ResidualLikelihoodLoss(2, formula='new')
    with pytest.raises(UserError, match='log_s'):
        ResidualLikelihoodLoss(2, log_s=True)
    three = torch.zeros(2, K, 3)
    with pytest.raises(ValueError, match='2 dimensions'):  # never reshaped to pairs
        ResidualLikelihoodLoss(2)(three, three, three)
    with pytest.raises(ValueError, match=r'\(B, K, 3\)'):
        MixedDimensionLoss()(three[..., :2], three[..., :2], three[..., :2], three)
    assert isinstance(
        MODELS.build(dict(type='MixedDimensionLoss', criterion=dict(type='L1PoseLoss'))), MixedDimensionLoss
    )
