"""DLA-34 and the stems of a tracking network."""

from __future__ import annotations

import pytest
import torch

from das_mm.models.backbones import DLA34, TemporalResNet
from das_mm.models.necks import DLAUp

SMALL = (4, 4, 8, 16, 16, 16)


def test_it_is_dla_34():
    """Published: 15.74 million parameters, of which 512 * 1000 + 1000 are the classifier that we leave out."""
    network = DLA34()
    assert sum(parameter.numel() for parameter in network.parameters()) / 1e6 == pytest.approx(15.74 - 0.513, abs=0.01)
    names = set(network.state_dict())
    # as in the published weights
    assert {
        'base_layer.0.weight',
        'level0.1.running_mean',
        'level2.root.conv.weight',
        'level2.project.0.weight',
        'level3.tree1.tree1.conv1.weight',
        'level4.tree2.root.bn.bias',
        'level5.tree2.bn2.weight',
    } <= names
    # two convolutions in level3's second root: both blocks, the first subtree and the tree's own pooled input
    assert network.level3.tree2.root.conv.in_channels == 128 + 128 + 128 + 64


def test_maps_and_up_sampling():
    maps = DLA34(channels=SMALL)(torch.randn(2, 3, 64, 96))
    assert [tuple(one.shape) for one in maps] == [(2, 8, 16, 24), (2, 16, 8, 12), (2, 16, 4, 6), (2, 16, 2, 3)]
    neck = DLAUp(in_channels=SMALL[2:], out_channels=12, start_level=1)
    up = neck(maps)
    assert [tuple(one.shape) for one in up] == [(2, 12, 8, 12), (2, 12, 4, 6), (2, 12, 2, 3)]
    sum(one.sum() for one in up).backward()
    assert all(parameter.grad is not None for parameter in neck.parameters())


def test_coarse_maps_reach_the_fine_ones():
    torch.manual_seed(0)
    neck = DLAUp(in_channels=(4, 4, 4), out_channels=4).eval()
    maps = [torch.randn(1, 4, side, side, requires_grad=True) for side in (8, 4, 2)]
    neck(maps)[0].sum().backward()
    assert all(one.grad.abs().sum() > 0 for one in maps)
    coarsest = [torch.randn(1, 4, side, side, requires_grad=True) for side in (8, 4, 2)]
    neck(coarsest)[2].sum().backward()
    assert coarsest[0].grad is None and coarsest[2].grad.abs().sum() > 0


@pytest.mark.parametrize(
    'build',
    [
        lambda: DLA34(temporal=True, channels=SMALL),
        lambda: TemporalResNet(18, stem_channels=8, base_channels=8, out_indices=(1, 2, 3)),
    ],
    ids=['dla', 'resnet'],
)
def test_three_inputs_are_added(build):
    torch.manual_seed(0)
    network = build()
    network.eval()  # mmpose's returns nothing
    x = torch.randn(1, 7, 64, 64)
    network(x)
    for channels in ((0, 3), (3, 6), (6, 7)):  # each of the three is looked at
        changed = x.clone()
        changed[:, slice(*channels)] += 1
        assert not torch.allclose(network(changed)[-1], network(x)[-1])
    with torch.no_grad():  # without the stems of the past it is the plain network
        for stem in (network.temporal_stems.previous_image, network.temporal_stems.previous_centers):
            stem.norm.weight.zero_(), stem.norm.bias.zero_()
    assert torch.equal(network(changed)[-1], network(x)[-1])
    with pytest.raises(ValueError, match='TemporalDataPreprocessor'):
        network(x[:, :3])
