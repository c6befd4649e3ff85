"""The conditional Glow: names, sizes and order of the released networks, densities, inverses and initialisation."""

from __future__ import annotations

import math

import pytest
import torch

from das_mm.errors import UserError
from das_mm.models.flows import ConditionalGlow
from das_mm.models.flows.glow_transforms import ActNorm
from tests.plain_glow import plain_to_latent


def _scrambled(features=7, hidden=16, layers=4, blocks=2, context=8, seed=0, dtype=torch.float32):
    """With weights and statistics unlike those of a fresh network."""
    torch.manual_seed(seed)
    flow = ConditionalGlow(features, hidden, layers, blocks, context_features=context)
    for name, value in flow.state_dict().items():
        if name.endswith('running_var'):
            value.uniform_(0.5, 1.5)
        elif name.endswith('initialized'):
            value.fill_(True)
        elif value.is_floating_point():
            value.normal_(0, 0.3)
    return flow.to(dtype)


def _released_names(features, context, hidden):
    """Names and shapes of the authors' state dict, in its order, without their dummy buffers."""
    found, pairs = [], features * (features - 1) // 2
    for layer in range(4):
        step = lambda number, layer=layer: f'_transform._transforms.{3 * layer + number}'
        kept = (features + 1) // 2 if layer % 2 == 0 else features // 2
        found += [(f'{step(0)}.{name}', (features,)) for name in ('log_scale', 'shift')]
        found += [(f'{step(0)}.initialized', ())]
        found += [(f'{step(1)}.{name}_entries', (pairs,)) for name in ('lower', 'upper')]
        found += [(f'{step(1)}.{name}', (features,)) for name in ('bias', 'unconstrained_upper_diag')]
        found += [(f'{step(2)}.identity_features', (kept,)), (f'{step(2)}.transform_features', (features - kept,))]
        net = f'{step(2)}.transform_net'
        linear = lambda name, inputs, outputs: [(f'{name}.weight', (outputs, inputs)), (f'{name}.bias', (outputs,))]
        found += linear(f'{net}.initial_layer', kept + context, hidden)
        for block in (0, 1):
            for number in (0, 1):
                norm = f'{net}.blocks.{block}.batch_norm_layers.{number}'
                found += [(f'{norm}.{name}', (hidden,)) for name in ('weight', 'bias', 'running_mean', 'running_var')]
                found += [(f'{norm}.num_batches_tracked', ())]
                found += linear(f'{net}.blocks.{block}.linear_layers.{number}', hidden, hidden)
        found += linear(f'{net}.final_layer', hidden, features - kept)
    return dict(found)


@pytest.mark.parametrize(
    'features, context, hidden, count', [(7, 8, 16, None), (144, 2048, 1024, 25_893_856), (48, 1024, 1024, 21_231_264)]
)
def test_the_state_is_that_of_the_released_networks(features, context, hidden, count):
    with torch.device('meta'):
        flow = ConditionalGlow(features, hidden, 4, 2, context_features=context)
    shapes = {name: tuple(value.shape) for name, value in flow.state_dict().items()}
    assert shapes == _released_names(features, context, hidden)
    assert count is None or sum(value.numel() for value in flow.parameters()) == count


def test_a_state_with_the_authors_dummy_buffers_loads_and_one_without_its_flags_does_not():
    flow = _scrambled()
    state = flow.state_dict()
    theirs = dict(state, **{'_transform.dummy_buffer': torch.zeros(())})
    theirs['_transform._transforms.2.dummy_buffer'] = torch.zeros(())
    assert not any(ConditionalGlow(7, 16, 4, 2, 8).load_state_dict(theirs))
    del state['_transform._transforms.3.initialized']
    with pytest.raises(UserError, match=r'_transforms.3.initialized: (.|\n)*remedy'):
        ConditionalGlow(7, 16, 4, 2, 8).load_state_dict(state, strict=False)


@pytest.mark.parametrize('features', [7, 12])
@torch.no_grad()
def test_densities_are_those_of_a_plain_flow(features):
    flow = _scrambled(features).eval()
    x, context = torch.randn(5, features), torch.randn(5, 8)
    log_prob, z = flow.log_prob(x, context)
    expected, log_det = plain_to_latent(flow.state_dict(), x, context)
    torch.testing.assert_close(z, expected, rtol=1e-5, atol=1e-5)
    density = -0.5 * (expected**2).sum(1) - features / 2 * math.log(2 * math.pi) + log_det
    torch.testing.assert_close(log_prob, density, rtol=1e-5, atol=1e-4)


@torch.no_grad()
def test_sampling_is_the_inverse_and_the_mode_is_the_most_probable():
    flow = _scrambled(dtype=torch.float64).eval()
    context = torch.randn(2, 8)
    samples, log_prob, z = flow.sample_and_log_prob(200, context=context)
    assert samples.shape == z.shape == (2, 200, 7) and log_prob.shape == (2, 200)
    again, back = flow.log_prob(samples.flatten(0, 1), context)  # rows of one context together
    torch.testing.assert_close(back.reshape(z.shape), z, rtol=0, atol=1e-9)
    torch.testing.assert_close(again.reshape(2, 200), log_prob, rtol=0, atol=1e-9)
    mode, highest, _ = flow.sample_and_log_prob(context=context, noise=torch.zeros(2, 1, 7))
    assert (highest > log_prob).all()
    # the Jacobian is the same everywhere
    torch.testing.assert_close(log_prob + 0.5 * z.square().sum(-1), highest.expand(2, 200), rtol=0, atol=1e-9)
    thrice = flow.sample_and_log_prob(context=context, noise=torch.zeros(2, 3, 7))[0]
    torch.testing.assert_close(thrice, mode.expand(2, 3, 7), rtol=0, atol=1e-9)
    assert (samples[0] - samples[1]).abs().mean() > 0.1  # the context matters


@torch.no_grad()
def test_of_a_pose_it_is_inverse_to_1e_5_in_single_precision_and_under_autocast():
    torch.manual_seed(0)
    flow = ConditionalGlow(144, 64, 4, 2, context_features=32)
    x, context = torch.randn(40, 144), torch.randn(40, 32)
    flow.log_prob(x, context)
    for name, value in flow.named_parameters():
        if 'entries' in name or 'linear' in name:
            value.add_(0.02 * torch.randn_like(value))
    flow.eval()
    _, z = flow.log_prob(x, context)
    assert (flow.sample_and_log_prob(context=context, noise=z[:, None])[0][:, 0] - x).abs().max() < 1e-5
    with torch.autocast('cpu', dtype=torch.bfloat16):
        half = flow.log_prob(x.bfloat16(), context.bfloat16())
        samples = flow.sample_and_log_prob(2, context=context.bfloat16())
    assert {part.dtype for part in (*half, *samples)} == {torch.float32}
    assert torch.equal(half[1], flow.log_prob(x.bfloat16(), context.bfloat16())[1])


def test_the_log_determinant_is_the_jacobians():
    flow = _scrambled(features=4, dtype=torch.float64).eval()
    context = torch.randn(1, 8, dtype=torch.float64)
    x = torch.randn(4, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda row: flow.log_prob(row[None], context)[1][0], x)
    torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1], flow._transform.log_det, rtol=0, atol=1e-9)


def test_the_first_data_of_a_training_set_the_actnorms_and_nothing_else_does():
    torch.manual_seed(2)
    flow = ConditionalGlow(6, 16, 2, 1, context_features=3)
    x, context = 3 * torch.randn(30, 6) + 5, torch.randn(30, 3)
    x[:, 2] = 7.0  # never moves: the spread is floored
    flow.sample_and_log_prob(4, context=context)
    flow.eval().log_prob(x, context)
    flow.train().log_prob(x[:1], context[:1])  # one row has no spread
    assert not flow.initialized
    flow.log_prob(x, context)
    first: ActNorm = flow._transform._transforms[0]
    assert flow.initialized
    scaled = first.log_scale.exp() * x + first.shift
    torch.testing.assert_close(scaled.mean(0), torch.zeros(6), rtol=0, atol=1e-2)
    others = [0, 1, 3, 4, 5]
    torch.testing.assert_close(scaled.std(0, unbiased=True)[others], torch.ones(5), rtol=0, atol=1e-5)
    assert first.log_scale[2].item() == pytest.approx(-math.log(1e-3))
    before = {name: value.clone() for name, value in flow.named_parameters()}
    flow.log_prob(2 * x, context)
    assert all(value.equal(before[name]) for name, value in flow.named_parameters())
    other = ConditionalGlow(6, 16, 2, 1, context_features=3)
    other.load_state_dict(flow.state_dict())
    assert other.initialized


def test_samples_have_gradients_and_wrong_shapes_are_told():
    flow = _scrambled()
    context, noise = torch.randn(3, 8, requires_grad=True), torch.randn(3, 2, 7, requires_grad=True)
    flow.sample_and_log_prob(context=context, noise=noise)[0].square().sum().backward()
    assert context.grad.abs().sum() > 0 and noise.grad.abs().sum() > 0
    assert all(value.grad is not None for value in flow.parameters())
    assert flow.sample_and_log_prob(2, context=context[:0])[0].shape == (0, 2, 7)
    with pytest.raises(ValueError, match=r'not \(3, S, 7\)'):
        flow.sample_and_log_prob(context=context, noise=noise[:2])
    with pytest.raises(ValueError, match='no rows of 7 numbers'):
        flow.log_prob(torch.zeros(4, 7), context)
