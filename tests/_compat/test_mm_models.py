"""Models of mmdet and mmpose that call mmcv's compiled operators, whoever answers: a step of training, a prediction."""

from __future__ import annotations

import cv2
import mmcv._ext
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData

FCOS = 'mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py'
FASTER_RCNN = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
HEATMAPS = 'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py'


@pytest.fixture
def calls(monkeypatch) -> list[str]:
    """Names of the operators that are called, in order."""
    called = []

    def noted(operator, name):
        def note_and_answer(*args, **kwargs):
            called.append(name)
            return operator(*args, **kwargs)

        return note_and_answer

    for name in (
        'nms',
        'roi_align_forward',
        'roi_align_backward',
        'deform_conv_forward',
        'deform_conv_backward_input',
        'deform_conv_backward_parameters',
    ):
        monkeypatch.setattr(mmcv._ext, name, noted(getattr(mmcv._ext, name), name))
    return called


@pytest.fixture(autouse=True)
def same_numbers():
    torch.manual_seed(0)


def small_detector(name: str) -> Config:
    """The config of mmdet with few channels, no threshold (for random weights) and nothing to download."""
    cfg = get_config(name)
    cfg.model.backbone.update(
        depth=18, base_channels=8, frozen_stages=-1, norm_cfg=dict(type='BN'), norm_eval=False, init_cfg=None
    )
    cfg.model.neck.update(in_channels=[8, 16, 32, 64], out_channels=32)
    if 'roi_head' in cfg.model:
        cfg.model.rpn_head.update(in_channels=32, feat_channels=32)
        cfg.model.roi_head.bbox_roi_extractor.out_channels = 32
        cfg.model.roi_head.bbox_head.update(in_channels=32, fc_out_channels=16)
        cfg.model.test_cfg.rcnn.update(score_thr=0.0, max_per_img=5)
    else:
        cfg.model.bbox_head.update(in_channels=32, feat_channels=32, norm_cfg=dict(type='GN', num_groups=4))
        cfg.model.test_cfg.update(score_thr=0.0, max_per_img=5)
    return cfg


@pytest.mark.parametrize(
    'name, forward, backward',
    [
        (FCOS, {'nms'}, set()),
        (FASTER_RCNN, {'nms', 'roi_align_forward'}, {'nms', 'roi_align_forward', 'roi_align_backward'}),
    ],
)
def test_detectors(name, forward, backward, calls):
    from mmdet.registry import MODELS
    from mmdet.structures import DetDataSample

    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(small_detector(name).model)
    size = (64, 96)
    sample = DetDataSample(
        metainfo=dict(img_shape=size, ori_shape=size, pad_shape=size, batch_input_shape=size, scale_factor=(1, 1)),
        gt_instances=InstanceData(bboxes=torch.tensor([[10.0, 8, 50, 60]]), labels=torch.tensor([0])),
    )
    images = torch.rand(1, 3, 64, 96)
    total, parts = model.parse_losses(model(images, [sample], mode='loss'))
    total.backward()
    assert set(calls) == backward and all(torch.isfinite(value) for value in parts.values())
    assert model.backbone.conv1.weight.grad.abs().sum() > 0

    calls.clear()
    model.eval()
    with torch.no_grad():
        (found,) = model(images, [sample], mode='predict')
    assert set(calls) == forward and len(found.pred_instances.bboxes) == 5


def test_dekr_head(calls):
    """mmpose's only head with deformable convolutions, on targets made by mmpose's own codec."""
    from mmpose.registry import KEYPOINT_CODECS, MODELS
    from mmpose.structures import PoseDataSample
    from mmpose.utils import register_all_modules

    register_all_modules(init_default_scope=False)
    codec = dict(type='SPR', input_size=(64, 48), heatmap_size=(16, 12), sigma=(2, 1), generate_keypoint_heatmaps=True)
    with DefaultScope.overwrite_default_scope('mmpose'):
        head = MODELS.build(
            dict(
                type='DEKRHead',
                in_channels=8,
                num_keypoints=17,
                num_heatmap_filters=8,
                decoder=codec,
                num_displacement_filters_per_keypoint=4,
                heatmap_loss=dict(type='KeypointMSELoss', use_target_weight=True),
                displacement_loss=dict(type='SoftWeightSmoothL1Loss', use_target_weight=True, loss_weight=0.002),
            )
        )
        keypoints = np.random.default_rng(0).uniform(4, 44, (2, 17, 2)).astype(np.float32)
        targets = KEYPOINT_CODECS.build(codec).encode(keypoints)
    sample = PoseDataSample(
        metainfo=dict(
            input_size=(64, 48),
            input_center=np.array([32, 24]),
            input_scale=np.array([64, 48]),
            img_shape=(48, 64),
            flip_indices=list(range(17)),
            skeleton_links=[],
        )
    )
    fields = ('heatmaps', 'heatmap_weights', 'displacements', 'displacement_weights')
    sample.gt_fields = PixelData(
        heatmap_mask=torch.ones(1, 12, 16), **{name: torch.from_numpy(targets[name]) for name in fields}
    )
    features = torch.rand(1, 8, 12, 16, requires_grad=True)
    losses = head.loss((features,), [sample])
    sum(losses.values()).backward()
    assert {'deform_conv_forward', 'deform_conv_backward_input', 'deform_conv_backward_parameters'} == set(calls)
    assert all(parameter.grad is not None for parameter in head.parameters()) and features.grad.abs().sum() > 0

    with torch.no_grad():
        (people,) = head.predict((features,), [sample], test_cfg=dict(nms_dist_thr=0.05))
    assert people.keypoints.shape[1:] == (17, 2) and np.isfinite(people.keypoints).all()


def test_mmposes_inferencer_with_a_detector(tmp_path, calls):
    """Top-down: mmdet's Faster R-CNN finds boxes, mmpose's network keypoints in each."""
    from mmpose.apis import MMPoseInferencer

    detector, estimator = small_detector(FASTER_RCNN), get_config(HEATMAPS)
    estimator.model.backbone.update(depth=18, base_channels=8, init_cfg=None)
    estimator.model.head.in_channels = 64
    detector.dump(tmp_path / 'detector.py')
    estimator.dump(tmp_path / 'estimator.py')
    cv2.imwrite(str(tmp_path / 'photo.png'), np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8))
    inferencer = MMPoseInferencer(
        pose2d=str(tmp_path / 'estimator.py'),
        det_model=str(tmp_path / 'detector.py'),
        det_cat_ids=list(range(80)),
        device='cpu',
    )
    result = next(inferencer(str(tmp_path / 'photo.png'), bbox_thr=0.0, nms_thr=1.0))
    (people,) = result['predictions']
    assert 'roi_align_forward' in calls and 'nms' in calls
    assert 1 <= len(people) <= 5 and all(np.isfinite(person['keypoints']).all() for person in people)
