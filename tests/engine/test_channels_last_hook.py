"""The hook turns weights, not what they are."""

from types import SimpleNamespace

import torch

from das_mm.engine.hooks import ChannelsLastHook


def test_same_weights_in_another_order():
    model = torch.nn.Sequential(torch.nn.Conv2d(8, 4, 3), torch.nn.Flatten(), torch.nn.Linear(16, 2))
    image, before = torch.rand(1, 8, 4, 4), {name: value.clone() for name, value in model.state_dict().items()}
    told = model(image)
    ChannelsLastHook().before_run(SimpleNamespace(model=model))
    weight = model[0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    torch.testing.assert_close(model(image), told)
