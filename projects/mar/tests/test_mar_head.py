"""What the losses teach, and whom."""

import numpy as np
import pytest
import torch

from das_mm.errors import UserError
from projects.mar.mar.mar_head import LOSS_WEIGHTS, MARHead
from projects.mar.tests.scenes import K_832, SET, SIZE, crowd, labels_of

STRIDES = (8, 16)
CROWD = [crowd([(-1.0, 3.5), (0.8, 5.0)]), crowd([]), crowd([(0.0, 4.0)])]
GEOMETRY = {f'geometry_{reason}' for reason in ('singular', 'rootless', 'two_roots', 'out_of_range')}


def make_head(**kwargs):
    torch.manual_seed(0)
    maps = dict(in_channels=(6, 8), strides=STRIDES, feat_channels=8, offset_scales=2)
    head = MARHead(SET, maps, sigmas=(1.5, 1.0), half_widths=(1.0, 1.0), **kwargs)
    head.init_weights()
    return head


def feats(seed=1, batch=3):
    torch.manual_seed(seed)
    shapes = [(channels, SIZE[1] // stride, SIZE[0] // stride) for channels, stride in zip((6, 8), STRIDES)]
    return [torch.randn(batch, *shape).requires_grad_() for shape in shapes]


def near_truth(head, labels):
    """Lets the offsets begin at the mean torso, so that the geometry has something to solve."""
    neck = labels.keypoints[:, 0] - labels.root_px
    with torch.no_grad():
        head.offset_branch.out.bias[:2] = (neck / STRIDES[0]).mean(0)


@pytest.fixture(scope='module')
def labelled():
    return labels_of(CROWD)


def losses_of(head, labelled, inputs=None):
    return head.loss_by_feat(head(inputs or feats()), *labelled)


def test_terms(labelled):
    losses = losses_of(make_head(), labelled)
    assert set(losses) == {f'loss_{name}' for name in LOSS_WEIGHTS} | GEOMETRY
    assert all(torch.isfinite(one) for one in losses.values())
    # nothing is hidden: whoever the geometry masks is counted
    assert 0 < sum(float(losses[name]) for name in GEOMETRY) <= 1


@pytest.mark.parametrize('backward', [True, False])
def test_the_geometric_loss_teaches_the_offsets_unless_told_not_to(labelled, backward):
    head = make_head(roots=dict(geometry_backward=backward))
    near_truth(head, labelled[0])
    inputs = feats()
    loss = losses_of(head, labelled, inputs)['loss_geometry']
    assert float(loss) != 0
    parameters = [head.offset_branch.out.weight, head.depth_branch.out.weight, head.heatmap_branches[0].out.weight]
    to_offsets, to_sigma, to_heatmaps = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    rows = to_offsets.flatten(1).abs().sum(1) if to_offsets is not None else torch.zeros(42)
    assert bool(rows[:3].any()) == backward  # the neck's Δu, Δv, ΔZ, as the backbone's features
    assert not rows[3:].any() and to_heatmaps is None  # the switch to heat maps is inference's alone
    # σ2 learns either way, and is another channel than Z_reg and σ1
    assert to_sigma[2].any() and not to_sigma[:2].any()
    assert inputs[1].requires_grad  # the coarse feature is read by the offsets
    (to_coarse,) = torch.autograd.grad(loss, [inputs[1]], allow_unused=True)
    assert to_coarse is not None and to_coarse.any()


def test_sigma_of_the_regression_is_its_own(labelled):
    head = make_head()
    near_truth(head, labelled[0])
    (grad,) = torch.autograd.grad(losses_of(head, labelled)['loss_regression'], [head.depth_branch.out.weight])
    assert grad[0].any() and grad[1].any() and not grad[2].any()


def test_photographs_without_depth_train_no_depth_at_all():
    head, labelled = make_head(), labels_of(CROWD, K=None)
    near_truth(head, labelled[0])
    losses = losses_of(head, labelled)
    for name in ('relative_depth', 'regression', 'geometry'):
        assert float(losses[f'loss_{name}']) == 0
    assert not sum(float(losses[name]) for name in GEOMETRY)
    total = sum(value for name, value in losses.items() if name.startswith('loss_'))
    total.backward()
    assert not head.depth_branch.out.weight.grad.any()
    rows = head.offset_branch.out.weight.grad.flatten(1).abs().sum(1).view(-1, 3)
    assert rows[:, :2].all() and not rows[:, 2].any() and torch.isfinite(rows).all()


def test_the_torso_is_a_constant(labelled):
    """Ω is not learnt, and another Ω gives another depth: it is no free scale."""
    head = make_head()
    numbers = sum(parameter.numel() for parameter in head.parameters())
    branches = [*head.heatmap_branches, *head.field_branches, head.offset_branch, head.depth_branch]
    assert numbers == sum(parameter.numel() for branch in branches for parameter in branch.parameters())
    near_truth(head, labelled[0])
    other = make_head(roots=dict(torso_mm=700.0))
    near_truth(other, labelled[0])
    assert float(losses_of(head, labelled)['loss_geometry']) != float(losses_of(other, labelled)['loss_geometry'])


def test_nobody_in_the_batch_teaches_background_and_reaches_every_weight():
    head = make_head()
    losses = losses_of(head, labels_of([crowd([])] * 3))
    total = sum(value for name, value in losses.items() if name.startswith('loss_'))
    total.backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
    assert head.heatmap_branches[0].out.bias.grad.any() and not head.offset_branch.out.weight.grad.any()


def test_the_geometry_is_let_in_slowly(labelled):
    head = make_head()
    near_truth(head, labelled[0])
    whole = float(losses_of(head, labelled)['loss_geometry'])
    head.set_geometry_share(0.25)
    assert float(losses_of(head, labelled)['loss_geometry']) == pytest.approx(whole / 4, rel=1e-5)


def test_the_camera_of_the_input_decides_the_geometry(labelled):
    """With a K that an augmentation left behind the geometric loss is another."""
    head = make_head()
    near_truth(head, labelled[0])
    wrong = labels_of(CROWD, K=K_832)[1]
    wrong.K = wrong.K.clone()
    wrong.K[:, 0, 2] -= 200
    wrong.K[:, 0, 0] *= 2
    right = losses_of(head, labelled)['loss_geometry']
    assert abs(float(right - losses_of(head, (labelled[0], wrong))['loss_geometry'])) > 1e-3


def test_bad_config_is_told():
    for kwargs, field in (
        (dict(loss_weights=dict(paf=1.0)), 'loss_weights'),
        (dict(sigmas=(1.0,)), 'model.head'),
        (dict(keypoint_set='coco17'), 'keypoint_set'),
    ):
        with pytest.raises(UserError) as told:
            MARHead(**kwargs)
        assert field in told.value.field and told.value.remedy


def test_ignored_people_are_not_background(labelled):
    labels, cameras = labels_of(CROWD)
    labels.fields['center_valid'] = torch.zeros(len(labels))
    head = make_head()
    with torch.no_grad():
        loud = head(feats())
        loud.heatmaps[0][0] = 100.0  # only where somebody to ignore stands
        inside = labels.bboxes[0]
        quiet = loud.heatmaps[0][0].clone()
        quiet[:] = 0
        x0, y0, x1, y1 = (int(np.ceil(float(one) / 8)) for one in inside)
        quiet[:, y0 + 1 : y1 - 1, x0 + 1 : x1 - 1] = 100.0
        loud.heatmaps[0][0] = quiet
        with_people = head.loss_by_feat(loud, labels, cameras)['loss_heatmap']
        loud.heatmaps[0][0] = 0
        without = head.loss_by_feat(loud, labels, cameras)['loss_heatmap']
    assert float(with_people) == pytest.approx(float(without), rel=1e-4)
