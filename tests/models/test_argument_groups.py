"""Arguments in groups, and the flat ones of before: alone, mixed, and over an inherited config."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config, ConfigDict

from das_mm.errors import UserError
from das_mm.models.argument_groups import regroup, takes_flat
from das_mm.models.heads.das_head import FLAT_KEYS
from das_mm.registry import MODELS

GROUPS = dict(losses=dict(loss_pose='pose', loss_root='root'), towers=dict(norm_cfg='norm_cfg'))
FLAT_HEAD = dict(
    type='das_mm.DASHead',
    num_keypoints=5,
    in_channels=16,
    feat_channels=16,
    stacked_convs=1,
    centerness_channels=8,
    norm_cfg=dict(type='GN', num_groups=4),
    last_conv_cfg=None,
    assigner=dict(type='das_mm.DASTargetAssigner', strides=(8, 16), regress_ranges=((0, 20), (20, 1e8))),
    coder=dict(type='das_mm.DASPoseCoder', root_depth_scale=0.2),
    update=dict(type='das_mm.PlainUpdate', num_layers=1),
    loss_cls=dict(type='das_mm.SigmoidFocalLoss', gamma=1.5),
    loss_centerness=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),
    loss_root=dict(type='mmdet.L1Loss', loss_weight=3.0),
    loss_pose=dict(type='das_mm.RLELoss', flow=dict(type='RealNVP', dims=3), prior='laplace'),
    loss_pose_2d=dict(type='das_mm.L1PoseLoss'),
    nms=dict(type='das_mm.OKSNMS', threshold=0.3),
    train_cfg=None,
    test_cfg=dict(score_thr=0.2),
    init_cfg=None,
)
GROUPED_HEAD = dict(
    type='das_mm.DASHead',
    num_keypoints=5,
    towers=dict(
        in_channels=16, feat_channels=16, stacked_convs=1, centerness_channels=8, norm_cfg=dict(type='GN', num_groups=4)
    ),
    update=FLAT_HEAD['update'],
    targets=dict(assigner=FLAT_HEAD['assigner'], coder=FLAT_HEAD['coder']),
    losses={key: FLAT_HEAD[f'loss_{key}'] for key in ('cls', 'centerness', 'root', 'pose', 'pose_2d')},
    test_cfg=dict(nms=FLAT_HEAD['nms'], score_thr=0.2),
)


def build(config):
    torch.manual_seed(0)
    return MODELS.build(config)


def test_the_old_form_builds_the_same_head():
    old, new = build(FLAT_HEAD), build(GROUPED_HEAD)
    assert repr(old) == repr(new)
    for (name, ours), (other, theirs) in zip(old.state_dict().items(), new.state_dict().items(), strict=True):
        assert name == other and torch.equal(ours, theirs), name
    for head in (old, new):
        assert head.coder.root_depth_scale == 0.2 and head.nms.threshold == 0.3 and head.strides == (8, 16)
        assert head.loss_root.loss_weight == 3 and head.loss_cls.gamma == 1.5
        assert head.test_cfg == dict(score_thr=0.2)


def test_every_key_of_before_has_its_place():
    flat = {key for members in FLAT_KEYS.values() for key in members}
    assert set(FLAT_HEAD) - flat == {'type', 'num_keypoints', 'update', 'test_cfg', 'train_cfg'}


def test_a_config_that_overrides_flat_keys_of_an_inherited_one(tmp_path):
    (tmp_path / 'base.py').write_text(f'head = {GROUPED_HEAD!r}')
    (tmp_path / 'own.py').write_text("""
_base_ = './base.py'
head = dict(
    num_keypoints=4,
    feat_channels=8,
    norm_cfg=dict(num_groups=2),
    assigner=dict(radius=2.5),
    loss_pose=dict(_delete_=True, type='das_mm.L1PoseLoss'),
    nms=dict(threshold=0.7))
""")
    (tmp_path / 'more.py').write_text("_base_ = './own.py'\nhead = dict(loss_pose=dict(loss_weight=2.0))")
    head = build(Config.fromfile(tmp_path / 'more.py').head)
    assert head.cls_tower.convs[0].conv.weight.shape == (8, 16, 3, 3) and head.cls_tower.convs[0].gn.num_groups == 2
    assert head.assigner.radius == 2.5 and head.strides == (8, 16)
    assert type(head.pose_losses['initial_3d']).__name__ == 'L1PoseLoss'
    assert head.pose_losses['initial_3d'].loss_weight == 2 and not head.uses_sigma
    assert head.nms.threshold == 0.7 and head.num_keypoints == 4


def test_the_mesh_branch_takes_both_forms():
    tower = dict(in_channels=8, feat_channels=8, stacked_convs=1, norm_cfg=dict(type='GN', num_groups=2))
    distance = dict(type='das_mm.RotationL2Loss', loss_weight=3.0)
    old = build(dict(type='das_mm.MeshBranch', **tower, loss_pose=distance, prior_weight=0.5, loss_weight=0.2))
    new = build(dict(type='das_mm.MeshBranch', **tower, losses=dict(pose=distance, prior_weight=0.5, weight=0.2)))
    for branch in (old, new):
        assert branch.prior_weight == 0.5 and branch.loss_weight == 0.2 and branch.loss_pose.loss_weight == 3
        assert branch.loss_keypoints_2d.loss_weight == 40 and branch.loss_prior is None


@pytest.mark.parametrize('config', [dict(losses=dict(poze=None)), dict(towers=dict(width=3)), dict(targets=dict(x=1))])
def test_an_unknown_key_of_a_group_is_told(config):
    with pytest.raises(UserError, match='there is no (poze|width|x) there'):
        build({**GROUPED_HEAD, **config})


@pytest.mark.parametrize(
    'given, expected',
    [
        (dict(a=1), dict(a=1)),
        (dict(loss_pose=dict(type='L1')), dict(losses=dict(pose=dict(type='L1')))),
        (dict(losses=None, loss_root=None), dict(losses=dict(root=None))),
        (
            dict(losses=dict(pose=dict(type='RLE', prior='laplace')), loss_pose=dict(prior='gaussian')),
            dict(losses=dict(pose=dict(type='RLE', prior='gaussian'))),
        ),
        (
            dict(losses=dict(pose=dict(type='RLE', prior='laplace')), loss_pose=dict(_delete_=True, type='L1')),
            dict(losses=dict(pose=dict(type='L1'))),
        ),
        # nothing to delete: the mark must not reach a constructor
        (dict(loss_pose=dict(_delete_=True, type='L1')), dict(losses=dict(pose=dict(type='L1')))),
        (ConfigDict(norm_cfg=dict(num_groups=2)), dict(towers=dict(norm_cfg=dict(num_groups=2)))),
    ],
)
def test_regrouping(given, expected):
    before = repr(given)
    assert regroup(given, GROUPS) == expected and repr(given) == before


def test_modules_and_classes_pass_as_they_are():
    layer = torch.nn.Linear(1, 1)
    grouped = regroup(dict(loss_pose=dict(type=torch.nn.Linear, flow=layer)), GROUPS)
    assert grouped['losses']['pose']['flow'] is layer and grouped['losses']['pose']['type'] is torch.nn.Linear


def test_a_subclass_may_hand_flat_arguments_on():
    class Base:
        @takes_flat(GROUPS)
        def __init__(self, losses=None, other=0):
            self.losses, self.other = losses, other

    class Own(Base):
        def __init__(self):
            super().__init__(loss_root=1, other=2)

    assert Own().losses == dict(root=1) and Own().other == 2
