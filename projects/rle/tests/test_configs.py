"""Every config builds, with the paper's numbers of parameters; networks of each kind train a step; the flow is not
exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from das_mm.config_files import config_path
from das_mm.engine.config_reader import read_config
from das_mm.registry import MODELS
from projects.rle.rle import detectors, estimators

CONFIGS = sorted(path.stem for path in Path(__file__).parents[1].glob('configs/*.py'))
# millions of parameters without flows: RLE Tables 5 and 8 where they tell them
PARAMETERS = {
    'rle_resnet50_8xb32-270e_coco-256x192': 23.6,
    'rle_resnet50_8xb32-140e_h36m-mpii-256x256': 23.7,
    'lifting_fc_1xb1024-80e_h36m': 4.3,
}


def model_of(name: str, **changes) -> torch.nn.Module:
    """The model of a config; nothing is downloaded."""
    cfg = read_config(config_path(f'{name}.py'))
    cfg.merge_from_dict(changes)
    cfg.model.setdefault('_scope_', 'das_mm')
    with DefaultScope.overwrite_default_scope('das_mm'):
        return MODELS.build(cfg.model)


@pytest.mark.parametrize('name', CONFIGS)
def test_builds(name):
    cfg = read_config(config_path(f'{name}.py'))
    for part in (
        'train_dataloader',
        'val_dataloader',
        'val_evaluator',
        'optim_wrapper',
        'param_scheduler',
        'train_cfg',
    ):
        assert cfg.get(part)
    with torch.device('meta'):
        model = model_of(name)
    count = sum(p.numel() for key, p in model.named_parameters() if '.flow.' not in key) / 1e6
    if name in PARAMETERS:
        assert count == pytest.approx(PARAMETERS[name], abs=0.06)


def person(dims: int, keypoints: int, **meta) -> PoseDataSample:
    weights = torch.ones(1, keypoints) if dims == 2 else torch.ones(1, keypoints, 3)
    labels = InstanceData(keypoint_labels=torch.rand(1, keypoints, dims) - 0.5, keypoint_weights=weights)
    return PoseDataSample(gt_instance_labels=labels, metainfo=meta)


SMALL_RESNET = {'model.backbone.depth': 18, 'model.backbone.base_channels': 8, 'model.head.in_channels': 64}
SMALL_STAGES = {
    f'model.backbone.extra.stage{i}': dict(
        num_modules=1, num_blocks=(1,) * i, num_channels=tuple(4 * 2**j for j in range(i))
    )
    for i in (2, 3, 4)
}
SMALL_HRNET = {**SMALL_STAGES, 'model.backbone.extra.stage1': dict(num_blocks=(1,)), 'model.head.in_channels': 4}


@pytest.mark.parametrize(
    'name, dims, changes',
    [
        ('rle_resnet50_8xb32-270e_coco-256x192', 2, SMALL_RESNET),
        ('rle_resnet50_8xb32-140e_h36m-mpii-256x256', 3, SMALL_RESNET),
        ('rle_hrnet-w32_8xb32-270e_coco-256x192', 2, SMALL_HRNET),
        ('lifting_fc_1xb1024-80e_h36m', 3, {}),
    ],
)
def test_trains_a_step(name, dims, changes):
    torch.manual_seed(0)
    model = model_of(name, **{**changes, 'model.backbone.init_cfg': None} if changes else {}).train()
    keypoints = model.head.num_keypoints
    shape = (2 * keypoints,) if name.startswith('lifting') else (3, 64, 64)
    samples = [person(dims, keypoints) for _ in range(3)]
    if 'mpii' in name:
        samples[2].gt_instance_labels.keypoint_weights[..., 2] = 0
    assert isinstance(model, (estimators.TopdownRegressor, estimators.KeypointLifter))
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    inputs = torch.rand(3, *shape)
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    losses = model.loss(inputs, samples)
    losses['loss_kpt'].backward()
    optimiser.step()
    still = [key for key, value in model.named_parameters() if torch.equal(before[key], value)]
    # the coordinates that a coupling keeps have no part in its last layers' gradients; all else moves
    assert not [key for key in still if '.flow.' not in key]
    assert losses['loss_kpt'].isfinite() and any('.flow.' in key for key in before)


def test_mask_rcnn_keypoints_train_and_predict():
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        head = MODELS.build(
            ConfigDict(
                type='das_mm.FlowKeypointRoIHead',
                bbox_roi_extractor=roi_extractor(7),
                bbox_head=dict(
                    type='mmdet.Shared2FCBBoxHead',
                    in_channels=4,
                    fc_out_channels=8,
                    roi_feat_size=7,
                    num_classes=1,
                    bbox_coder=dict(type='mmdet.DeltaXYWHBBoxCoder'),
                    loss_cls=dict(type='mmdet.CrossEntropyLoss'),
                    loss_bbox=dict(type='mmdet.L1Loss'),
                ),
                mask_roi_extractor=roi_extractor(14),
                mask_head=dict(
                    type='das_mm.RoIKeypointFlowHead', in_channels=4, num_keypoints=3, num_convs=8, conv_channels=4
                ),
                train_cfg=dict(
                    assigner=dict(type='mmdet.MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0.5),
                    sampler=dict(type='mmdet.RandomSampler', num=16, pos_fraction=0.5, add_gt_as_proposals=True),
                    pos_weight=-1,
                ),
                test_cfg=dict(score_thr=0.0, nms=dict(type='nms', iou_threshold=0.5), max_per_img=4),
            )
        )
    assert isinstance(head, detectors.FlowKeypointRoIHead)
    assert sum(isinstance(module, torch.nn.Conv2d) for module in head.mask_head.modules()) == 8
    features = (torch.randn(2, 4, 16, 16),)
    boxes = torch.tensor([[4.0, 4, 36, 60]])
    truth = InstanceData(
        bboxes=boxes,
        labels=torch.zeros(1, dtype=torch.long),
        keypoints=torch.tensor([[[10.0, 10], [20, 30], [90, 30]]]),
        keypoint_weights=torch.ones(1, 3),
    )
    nobody = truth[:0]
    proposals = lambda: [InstanceData(bboxes=boxes + 1.0, scores=torch.ones(1)) for _ in range(2)]
    samples = [
        PoseDataSample(gt_instances=one, metainfo=dict(img_shape=(64, 64), scale_factor=(2.0, 2.0)))
        for one in (truth, nobody)
    ]
    head.train()
    losses = head.loss(features, proposals(), samples)
    losses['loss_kpt'].backward()
    assert head.mask_head.fc.weight.grad.any() and losses['loss_kpt'].isfinite()
    assert head.loss(features, proposals(), [samples[1]] * 2)['loss_kpt'] == 0  # nobody there

    head.eval()
    with torch.no_grad():
        results = head.predict(features, proposals(), samples, rescale=True)
        inputs = head.predict(features, proposals(), samples, rescale=False)
    for result, on_input in zip(results, inputs):
        torch.testing.assert_close(on_input.keypoints, 2 * result.keypoints)
        torch.testing.assert_close(on_input.bboxes, 2 * result.bboxes)
        sides = (result.bboxes[:, 2:] - result.bboxes[:, :2])[:, None]
        frame = (result.keypoints - result.bboxes[:, None, :2]) / sides - 0.5
        assert frame.shape[1:] == (3, 2) and frame.abs().max() < 1.5  # an untrained head stays near the box
        assert ((result.keypoint_scores > 0) & (result.keypoint_scores < 1)).all()


def test_gradients_are_clipped_parameter_by_parameter():
    layer = torch.nn.Linear(2, 2)
    cfg = read_config(config_path('rle_resnet50_8xb32-140e_h36m-mpii-256x256.py')).optim_wrapper
    with DefaultScope.overwrite_default_scope('das_mm'):
        wrapper = build_optim_wrapper(layer, cfg)
    layer.weight.grad, layer.bias.grad = torch.full((2, 2), 100.0), torch.ones(2)
    wrapper.step()
    assert layer.weight.grad.norm().item() == pytest.approx(35, rel=1e-3) and layer.bias.grad.eq(1).all()


def roi_extractor(size: int) -> dict:
    layer = dict(type='RoIAlign', output_size=size, sampling_ratio=0)
    return dict(type='mmdet.SingleRoIExtractor', roi_layer=layer, out_channels=4, featmap_strides=[4])


def test_the_exported_graph_has_no_flow(tmp_path):
    onnx = pytest.importorskip('onnx')
    model = model_of('rle_tiny_1xb32-4e_lspet-64x64').eval()

    class Network(torch.nn.Module):
        def forward(self, images):
            return tuple(model(images, None, mode='tensor'))

    network = Network()
    network.model = model
    path = tmp_path / 'rle.onnx'
    torch.onnx.export(network, (torch.rand(1, 3, 64, 64),), path, dynamo=False, input_names=['images'])
    graph = onnx.load(path).graph
    numbers = sum(int(np.prod(weight.dims)) for weight in graph.initializer)
    flow = sum(p.numel() for p in model.head.loss_module.parameters())
    parameters = sum(p.numel() for p in model.parameters())
    assert flow == 53_784 and numbers < parameters - flow + 10_000
    assert not [weight.name for weight in graph.initializer if 'flow' in weight.name or 'loss' in weight.name]
    assert 'Tanh' not in {node.op_type for node in graph.node}
