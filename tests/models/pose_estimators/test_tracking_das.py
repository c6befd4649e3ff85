"""A model with a memory: what it is shown of the last frame, when it forgets, and that identities last."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmpose.structures import PoseDataSample

from das_mm.registry import MODELS


def make_model(temporal=True, **changes):
    torch.manual_seed(0)
    backbone = dict(
        type='TemporalResNet' if temporal else 'ResNet',
        depth=18,
        stem_channels=8,
        base_channels=8,
        out_indices=(0, 1, 2, 3),
    )
    norm = dict(type='GN', num_groups=4)
    branch = dict(type='DisplacementBranch', in_channels=16, feat_channels=16, stacked_convs=1, norm_cfg=norm)
    with DefaultScope.overwrite_default_scope('das_mm'):
        model = MODELS.build(
            dict(
                type='TrackingDAS',
                backbone=backbone,
                neck=dict(type='mmdet.FPN', in_channels=[8, 16, 32, 64], out_channels=16, start_level=2, num_outs=2),
                head=dict(
                    type='DASHead',
                    num_keypoints=15,
                    in_channels=16,
                    feat_channels=16,
                    stacked_convs=1,
                    norm_cfg=norm,
                    centerness_channels=16,
                    assigner=dict(type='DASTargetAssigner', strides=(16, 32), regress_ranges=((0, 32), (32, 1e8))),
                    branches=dict(displacement=branch) if temporal else {},
                ),
                data_preprocessor=dict(
                    type='TemporalDataPreprocessor' if temporal else 'PoseDataPreprocessor',
                    mean=[0.0, 0, 0],
                    std=[255.0, 255, 255],
                    pad_size_divisor=32,
                ),
                tracker=dict(type='GreedyTracker' if temporal else 'NearestPoseTracker', birth_score=0.0, radius=10.0),
                test_cfg=dict(score_thr=0.0, nms_pre=20),
                **changes,
            )
        )
    model.init_weights()
    torch.nn.init.constant_(model.head.cls_branch.out.bias, 0.0)
    torch.nn.init.normal_(model.head.cls_branch.out.weight, std=0.3)
    torch.nn.init.normal_(model.head.pose_branch.out.weight, std=0.3)
    torch.nn.init.constant_(model.head.depth_branch.out.bias, 5.0)
    return model.eval()


def frame(number, seq='a', seed=0, size=(64, 96)):
    image = torch.randint(0, 255, (3, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    sample = PoseDataSample(
        metainfo=dict(
            seq=seq,
            view='',
            frame=number,
            img_shape=size,
            ori_shape=size,
            flip=False,
            warp_mat=np.eye(3)[:2],
            camera=dict(K=np.array([[100.0, 0, 48], [0, 100, 32], [0, 0, 1]]), dist=None, source='user'),
        )
    )
    return image, sample


def step(model, *frames):
    images, samples = zip(*frames)
    return model.test_step(dict(inputs=list(images), data_samples=list(samples)))


def spied(model, monkeypatch):
    """Inputs that the backbone is given."""
    given, forward = [], model.backbone.forward
    monkeypatch.setattr(model.backbone, 'forward', lambda x: given.append(x.clone()) or forward(x))
    return given


def test_the_last_frame_and_its_people_are_shown(monkeypatch):
    model = make_model()
    given = spied(model, monkeypatch)
    first, second = frame(1, seed=1), frame(2, seed=2)
    people = step(model, first)[0].pred_instances
    assert len(people) > 0 and sorted(people.track_ids) == list(range(len(people)))
    step(model, second)
    assert torch.equal(given[0][:, 3:6], given[0][:, :3]) and given[0][:, 6].sum() == 0  # nothing came before
    assert torch.equal(given[1][:, 3:6], given[0][:, :3])
    peaks = given[1][0, 6]
    for x, y in people.roots_px:
        column, row = round(float(x)), round(float(y))
        if 0 <= column < 96 and 0 <= row < 64:
            assert peaks[row, column] == 1


def test_a_batch_is_worked_off_frame_by_frame():
    frames = [frame(number, seed=number) for number in range(4)]
    together = step(make_model(), *frames)
    model = make_model()
    alone = [step(model, one)[0] for one in [frame(number, seed=number) for number in range(4)]]
    for one, other in zip(together, alone):
        np.testing.assert_allclose(one.pred_instances.keypoints, other.pred_instances.keypoints, atol=1e-4)
        assert one.pred_instances.track_ids.tolist() == other.pred_instances.track_ids.tolist()


@pytest.mark.parametrize(
    'jump', [dict(number=50), dict(number=1), dict(number=3, seq='b')], ids=['gap', 'backwards', 'other video']
)
def test_it_forgets(monkeypatch, jump):
    model = make_model()
    given = spied(model, monkeypatch)
    step(model, frame(1, seed=1)), step(model, frame(2, seed=2))
    people = step(model, frame(seed=3, **jump))[0].pred_instances
    assert given[-1][:, 6].sum() == 0
    assert sorted(people.track_ids) == list(range(len(people)))  # identities begin anew


def test_another_size_in_one_video_is_survived(monkeypatch):
    model = make_model()
    step(model, frame(1, seed=1))
    assert len(step(model, frame(2, seed=2, size=(96, 96)))[0].pred_instances) > 0


def test_without_temporal_inputs_a_batch_runs_at_once(monkeypatch):
    model = make_model(temporal=False)
    given = spied(model, monkeypatch)
    found = step(model, frame(1, seed=1), frame(2, seed=1), frame(3, seed=1))
    assert len(given) == 1 and given[0].shape == (3, 3, 64, 96)
    ids = [sorted(one.pred_instances.track_ids) for one in found]
    assert ids[0] == ids[1] == ids[2] and len(ids[0]) > 0  # the same picture: the same people


def test_a_3d_tracker_is_told_the_root():
    model = make_model(root=[2])
    with DefaultScope.overwrite_default_scope('das_mm'):
        from das_mm.registry import TASK_UTILS

        model.tracker = TASK_UTILS.build(dict(type='GreedyTracker3D', birth_score=0.0))
    first = step(model, frame(1, seed=1))[0].pred_instances
    again = step(model, frame(2, seed=1))[0].pred_instances
    assert len(first) and set(again.track_ids) & set(first.track_ids)
