"""A step of each side, in one process and as one of several."""

from __future__ import annotations

import torch
from torch import nn

from das_mm.engine.optim_wrappers import AdversarialOptimizers
from das_mm.models.discriminators import AdversarialStep, BodyPoseDiscriminator, adversarial_step


class _Model(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.used, self.idle = nn.Linear(2, 10), nn.Linear(2, 2)
        self.discriminator = BodyPoseDiscriminator(joints_hidden=4)

    def bodies(self):
        return torch.eye(3).expand(3, 23, 3, 3), self.used(torch.ones(3, 2))


def _steps(model):
    side = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
    step = AdversarialStep(
        AdversarialOptimizers(dict(generator=side, discriminator=side))(model), model.discriminator, 0.5
    )
    fake = model.bodies()
    step.step_generator(model, lambda: (model.discriminator(*fake).sum(), None))
    step.step_discriminator(model, fake, (fake[0], torch.zeros(3, 10)))
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def test_every_process_steps_by_the_mean_of_the_gradients(monkeypatch):
    """What another process adds is halved with ours, on every parameter, also where this one has no gradient."""
    before = {name: value.clone() for name, value in _Model().state_dict().items()}
    alone, seen = _steps(_Model()), []

    def reduce(gradients, op):
        assert op == 'mean'
        seen.append(len(gradients))
        for gradient in gradients:
            gradient.add_(2.0).div_(2)  # the other process' gradients are 2

    monkeypatch.setattr(adversarial_step, 'get_world_size', lambda: 2)
    monkeypatch.setattr(adversarial_step, 'all_reduce_params', reduce)
    model = _Model()
    together = _steps(model)
    assert seen == [4, len(list(model.discriminator.parameters()))]  # each side its own
    for name in ('used.weight', 'idle.weight'):
        gradient = (before[name] - alone[name]) / 0.1
        torch.testing.assert_close(together[name], before[name] - 0.1 * (gradient + 2) / 2)
