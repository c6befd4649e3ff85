"""MSPN as a pyramid."""

import pytest
import torch

from das_mm.registry import MODELS

SMALL = dict(type='das_mm.MSPNPyramid', unit_channels=16, num_stages=2, num_blocks=[1, 1, 1, 1])


def test_four_maps_finest_first():
    out = MODELS.build(SMALL)(torch.zeros(1, 3, 64, 96))
    assert [tuple(one.shape) for one in out] == [(1, 16, 64 // s, 96 // s) for s in (4, 8, 16, 32)]


def test_every_trained_parameter_gets_a_gradient():
    model = MODELS.build(dict(SMALL, frozen_stages=1))
    model.train()
    sum(one.sum() for one in model(torch.randn(2, 3, 64, 64))).backward()
    without = [
        name for name, parameter in model.named_parameters() if parameter.requires_grad and parameter.grad is None
    ]
    assert without == []
    assert all(not parameter.requires_grad for parameter in model.top.parameters()) and not model.top.training


@pytest.mark.parametrize('bad', [dict(num_units=3), dict(frozen_stages=2)])
def test_wrong_arguments(bad):
    with pytest.raises(ValueError):
        MODELS.build(dict(SMALL, **bad))
