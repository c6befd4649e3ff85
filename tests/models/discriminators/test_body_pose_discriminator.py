"""The discriminator's names, sizes and arithmetic, and one step against it."""

from __future__ import annotations

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from das_mm.errors import UserError
from das_mm.models.discriminators import AdversarialStep, BodyPoseDiscriminator, discriminator_loss, generator_loss

#: as released, beside the heads of the joints
PROHMR = dict(
    D_conv1=(32, 9, 1, 1),
    D_conv2=(32, 32, 1, 1),
    betas_fc1=(10, 10),
    betas_fc2=(5, 10),
    betas_out=(1, 5),
    D_alljoints_fc1=(1024, 736),
    D_alljoints_fc2=(1024, 1024),
    D_alljoints_out=(1, 1024),
)
#: where CRMH's parameters are, by the names of its own file
CRMH = {
    'pose_discriminator.conv_blocks.conv_0': ('D_conv1', (32, 9, 1, 1)),
    'pose_discriminator.conv_blocks.conv_1': ('D_conv2', (32, 32, 1, 1)),
    **{f'pose_discriminator.fc_layer.{joint}': (f'pose_out.{joint}', (1, 32)) for joint in range(23)},
    'full_pose_discriminator.fc_blocks.regressor_fc_0': ('D_alljoints_fc1', (1024, 736)),
    'full_pose_discriminator.fc_blocks.regressor_fc_1': ('D_alljoints_fc2', (1024, 1024)),
    'full_pose_discriminator.fc_blocks.regressor_fc_2': ('D_alljoints_out', (1, 1024)),
    'shape_discriminator.fc_blocks.regressor_fc_0': ('betas_fc1', (5, 10)),
    'shape_discriminator.fc_blocks.regressor_fc_1': ('betas_out', (1, 5)),
}


def _crmh() -> BodyPoseDiscriminator:
    return BodyPoseDiscriminator(betas_hidden=(5,), relu_between=False, betas_last=True)


def _weight_shapes(module):
    return {
        name[: -len('.weight')]: tuple(value.shape) for name, value in module.state_dict().items() if 'weight' in name
    }


def test_the_parameters_are_those_of_the_released_networks():
    ours = BodyPoseDiscriminator()
    assert _weight_shapes(ours) == PROHMR | {f'pose_out.{joint}': (1, 32) for joint in range(23)}
    assert sum(value.numel() for value in ours.parameters()) == 1_807_619
    assert all((value == 0).all() for name, value in ours.named_parameters() if name.endswith('bias'))
    theirs = _crmh()
    assert _weight_shapes(theirs) == dict(CRMH.values())
    assert sum(value.numel() for value in theirs.parameters()) == 1_807_509


def _plain(weights, rotations, betas, crmh):
    """Written down joint by joint and number by number."""
    act = (lambda x: x) if crmh else torch.relu
    of = lambda name, x: x @ weights[f'{name}.weight'].flatten(1).T + weights[f'{name}.bias']
    features = [act(of('D_conv2', act(of('D_conv1', rotations[:, joint].reshape(-1, 9))))) for joint in range(23)]
    joints = torch.cat([of(f'pose_out.{joint}', feature) for joint, feature in enumerate(features)], 1)
    channels_first = torch.stack(features, dim=2).reshape(len(betas), 32 * 23)
    hidden = torch.relu(of('D_alljoints_fc2', torch.relu(of('D_alljoints_fc1', channels_first))))
    hidden_betas = torch.relu(of('betas_fc1', betas))
    if not crmh:
        hidden_betas = torch.relu(of('betas_fc2', hidden_betas))
    shape, together = of('betas_out', hidden_betas), of('D_alljoints_out', hidden)
    return torch.cat([joints, together, shape] if crmh else [joints, shape, together], 1)


@pytest.mark.parametrize('crmh', [False, True])
def test_scores(crmh):
    torch.manual_seed(0)
    network = _crmh() if crmh else BodyPoseDiscriminator()
    rotations, betas = torch.randn(3, 23, 3, 3), torch.randn(3, 10)
    expected = _plain(network.state_dict(), rotations, betas, crmh)
    torch.testing.assert_close(network(rotations, betas), expected, rtol=0, atol=1e-5)
    assert torch.equal(network(rotations.flatten(1), betas), network(rotations, betas))
    assert network(rotations[:0], betas[:0]).shape == (0, 25)


def test_the_generator_sums_samples_and_divides_by_people():
    scores = torch.tensor([[1.0, 3.0], [0.0, 1.0]])
    assert generator_loss(scores) == (4 + 1) / 2
    assert generator_loss(scores, num_people=1) == 5
    assert discriminator_loss(scores, scores[:1]) == (1 + 9 + 0 + 1) / 2 + 4


class _Toy(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = nn.Linear(2, 23 * 9 + 10)
        self.discriminator = BodyPoseDiscriminator(joints_hidden=8)

    def bodies(self):
        found = self.network(torch.ones(4, 2))
        return found[:, :207].reshape(-1, 23, 3, 3), found[:, 207:]


SIDES = {side: dict(optimizer=dict(type='SGD', lr=0.01)) for side in ('generator', 'discriminator')}


def test_each_side_steps_alone():
    torch.manual_seed(1)
    model = _Toy()
    wrapper = build_optim_wrapper(model, dict(constructor='das_mm.AdversarialOptimizers', **SIDES))
    step = AdversarialStep(wrapper, model.discriminator, 0.5)
    before = {name: value.clone() for name, value in model.named_parameters()}
    changed = lambda: {name.split('.')[0] for name, value in model.named_parameters() if not value.equal(before[name])}

    def loss():
        bodies = model.bodies()
        return generator_loss(model.discriminator(*bodies)), bodies

    bodies = step.step_generator(model, loss)
    assert changed() == {'network'}
    assert all(value.grad is None for value in model.discriminator.parameters())
    assert all(value.requires_grad for value in model.discriminator.parameters())
    before = {name: value.clone() for name, value in model.named_parameters()}
    value = step.step_discriminator(model, bodies, (torch.eye(3).expand(4, 23, 3, 3), torch.zeros(4, 10)))
    assert changed() == {'discriminator'} and value > 0 and not value.requires_grad


def test_two_optimizers_are_asked_for():
    model = _Toy()
    with pytest.raises(UserError, match=r'optim_wrapper(.|\n)*discriminator and generator'):
        build_optim_wrapper(model, dict(constructor='das_mm.AdversarialOptimizers', generator=SIDES['generator']))
    with pytest.raises(UserError, match='no adversary to train'):
        build_optim_wrapper(nn.Linear(1, 1), dict(constructor='das_mm.AdversarialOptimizers', **SIDES))
    with pytest.raises(UserError, match='an optimizer for each side'):
        AdversarialStep(build_optim_wrapper(model, SIDES['generator']), model.discriminator, 1.0)
