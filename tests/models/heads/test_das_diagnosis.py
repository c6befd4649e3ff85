"""What the flows have learnt: spread of the error, remembered until the weights change; what they learn from."""

from __future__ import annotations

import copy

import torch

from das_mm.models.heads import das_diagnosis, error_spread, residuals, stage_losses
from das_mm.models.losses import residual_spread

from .samples import make_sample, small_feats, small_head


def test_the_losses_of_the_stages():
    assert list(stage_losses(small_head())) == ['initial', 'updated']
    head = small_head(update=dict(type='das_mm.NoUpdate'), dims=2)
    assert stage_losses(head) == {'initial': head.pose_losses['initial_2d']}


def test_spread_is_sampled_again_when_weights_change_and_only_then(monkeypatch):
    head, calls = small_head(), []

    def counted(*args, **kwargs):
        calls.append(args)
        return residual_spread(*args, **kwargs)

    monkeypatch.setattr(das_diagnosis, 'residual_spread', counted)
    first = error_spread(head)
    assert first.shape == (3,) and torch.equal(error_spread(head), first) and len(calls) == 1
    assert torch.equal(error_spread(copy.deepcopy(head)), first) and len(calls) == 2  # another one's weights
    with torch.no_grad():
        for parameter in head.pose_losses['updated_3d'].parameters():
            parameter.mul_(1.5)
    assert not torch.equal(error_spread(head), first) and len(calls) == 3
    assert error_spread(head).requires_grad is False
    assert not [name for name in vars(head) if 'spread' in name]


def test_residuals_are_errors_in_px_and_mm():
    head, feats, samples = small_head(), small_feats(), [make_sample(3, 1), make_sample(1, 2, with_3d=False)]
    found = residuals(head, feats, samples)
    labels, targets = head.assign_targets(feats, samples)
    out = head.join(head.forward_positives(feats, targets), feats[0])
    person = torch.cat([target.person for target in targets])
    seen = out.points_px[:, None] + out.pose[-1][..., :2] * out.strides[:, None, None]
    torch.testing.assert_close(found.errors[-1][..., :2], labels.keypoints[person] - seen, atol=1e-3, rtol=1e-4)
    assert len(found.errors) == 3 and found.sigmas.shape == found.valid.shape == (len(person), 5, 3)
    assert found.valid[labels.image[person] == 1][..., 2].any().item() is False
    assert found.valid[labels.image[person] == 0][:, [0, 1, 3, 4]].all()


def test_residuals_of_nobody():
    found = residuals(small_head(), small_feats(), [make_sample(0)] * 2)
    assert [one.shape for one in (*found.errors, found.sigmas)] == [(0, 5, 3)] * 4
