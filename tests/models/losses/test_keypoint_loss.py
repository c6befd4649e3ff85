"""Our loss in mmpose's head, and found from mmpose's scope by a process that never imported us."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
import torch
from mmpose.models.losses import RLELoss as MMPoseRLELoss

from das_mm.models.losses import KeypointRLELoss, RLELoss, positive_scale


@pytest.mark.parametrize('prior', ['laplace', 'gaussian'])
def test_with_the_doubled_criterion_it_is_mmposes_loss(prior):
    torch.manual_seed(0)
    theirs = MMPoseRLELoss(use_target_weight=True, q_distribution=prior)
    ours = KeypointRLELoss(dict(type='OfficialRLELoss', prior=prior, flow=dict(type='RealNVP', dims=2)))
    state = {k: v for k, v in theirs.flow_model.state_dict().items() if k not in ('loc', 'cov')}
    ours.criterion.flow.load_state_dict(state)
    pred, raw, target = torch.rand(4, 17, 2), torch.randn(4, 17, 2), torch.rand(4, 17, 2)
    weight = (torch.rand(4, 17) > 0.3).float()
    # their residual is pred - target, ours target - pred
    expected = theirs(pred, raw, target, weight.unsqueeze(-1))
    torch.testing.assert_close(ours(target, raw, pred, weight.unsqueeze(-1)), expected)
    torch.testing.assert_close(ours(target, raw, pred, weight), expected)


@pytest.mark.parametrize('dims', [1, 2, 3, 5])
def test_any_dimension(dims):
    loss = KeypointRLELoss(dict(type='RLELoss', flow=dict(type='RealNVP', dims=dims)))
    pred, raw, target = torch.rand(3, 6, dims), torch.randn(3, 6, dims), torch.rand(3, 6, dims)
    flat = [x.flatten(0, 1) for x in (pred, positive_scale(raw), target)]
    torch.testing.assert_close(loss(pred, raw, target), loss.criterion(*flat, avg_factor=3))
    assert loss(pred[:0], raw[:0], target[:0]) == 0


def test_default_is_ours_in_2d():
    criterion = KeypointRLELoss().criterion
    assert isinstance(criterion, RLELoss) and criterion.flow.dims == 2


def test_found_from_mmposes_scope_without_an_import_of_ours():
    """A user's script in mmpose's scope: the prefix alone brings the package in; unprefixed names stay mmpose's."""
    script = textwrap.dedent("""
        import importlib.util, sys
        if importlib.util.find_spec('mmcv._ext') is None:
            import das_mm  # mmcv-lite works from here on; nothing is registered yet
        from mmengine.registry import init_default_scope
        from mmpose.registry import MODELS
        import mmpose.models
        init_default_scope('mmpose')
        assert 'das_mm.registry' not in sys.modules and 'das_mm.models' not in sys.modules
        head = MODELS.build(dict(type='RLEHead', in_channels=8, num_joints=17,
                                 loss=dict(type='das_mm.KeypointRLELoss')))
        head.init_weights()
        flow = head.loss_module.criterion.flow
        assert flow.s[0][0].weight.std() < 0.004, 'initialised by the head'  # its own Normal has 0.01
        print(type(flow).__module__, type(MODELS.build(dict(type='RLELoss'))).__module__)
    """)
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-2:] == ['das_mm.models.flows.realnvp', 'mmpose.models.losses.regression_loss']
