"""The backbone of the model `small`: its maps, and what is frozen."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from das_mm.models.backbones import MobileNetV2Pyramid


@pytest.fixture(scope='module')
def backbone():
    torch.manual_seed(0)
    return MobileNetV2Pyramid(frozen_blocks=2)


def test_maps(backbone):
    maps = backbone(torch.rand(1, 3, 64, 96))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (channels, 64 // stride, 96 // stride) for channels, stride in zip(backbone.out_channels, (8, 16, 32))
    ]
    # the last part of each is the finest map, averaged: the coarser ones are averages of the finest of them
    finest = maps[0][:, -24:]
    for coarse, factor in zip(maps[1:], (2, 4)):
        torch.testing.assert_close(coarse[:, -24:], F.avg_pool2d(finest, factor))


def test_what_is_frozen(backbone):
    backbone.zero_grad()
    sum(m.mean() for m in backbone(torch.rand(1, 3, 32, 32))).backward()
    trained = {name for name, parameter in backbone.named_parameters() if parameter.grad is not None}
    frozen = {name for name, _ in backbone.named_parameters()} - trained
    assert frozen and all(name.startswith(('stem.', 'blocks.0.', 'blocks.1.')) for name in frozen)
    with pytest.raises(ValueError, match='frozen_blocks'):
        MobileNetV2Pyramid(frozen_blocks=18)


def test_strides_are_padded_as_tensorflow_pads(backbone):
    """A stride of two reads columns 2i to 2i + 2: the first output does not see left of the image."""
    image = torch.zeros(1, 3, 32, 32)
    image[..., 0] = 1.0
    seen = backbone.stem(image) != backbone.stem(torch.zeros_like(image))
    assert seen[..., 0].any() and not seen[..., 1:].any()
    image = torch.zeros(1, 3, 32, 32)
    image[..., 2] = 1.0
    seen = backbone.stem(image) != backbone.stem(torch.zeros_like(image))
    assert seen[..., 0].any() and seen[..., 1].any() and not seen[..., 2:].any()
