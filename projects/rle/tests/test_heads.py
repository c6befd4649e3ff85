"""Heads, codec and estimator: the released forms, the flip test, scores, back-projection, and bad input in words."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from das_mm.errors import UserError
from das_mm.models.losses import keypoint_confidence
from das_mm.registry import MODELS
from projects.rle.rle.codec import CenteredRegressionLabel
from projects.rle.rle.heads import (
    FlowRegressionHead,
    KeypointEstimate,
    LiftingFlowHead,
    NormalizedLinear,
    RegressionOutput,
    SoftArgmaxFlowHead,
    flip_average,
)
from projects.rle.rle.heads.keypoint_estimate import read_output
from projects.rle.rle.heads.soft_argmax_head import soft_argmax

K, W, H = 4, 48, 64
FLIP = [0, 2, 1, 3]


def head_of(dims: int, **kwargs) -> FlowRegressionHead:
    torch.manual_seed(0)
    codec = dict(type='CenteredRegressionLabel', input_size=(W, H), depth_scale_mm=2000.0 if dims == 3 else None)
    return FlowRegressionHead(8, K, dims, decoder=codec, **kwargs)


def test_names_and_normalised_feature():
    feature = torch.rand(2, 8) + 0.1
    for dims, sigma in ((2, 'fc_sigma.linear.'), (3, 'fc_sigma.')):
        head = head_of(dims)
        names = {name for name in head.state_dict() if not name.startswith('loss_module')}
        assert names == {'fc_coord.linear.weight', 'fc_coord.linear.bias', f'{sigma}weight', f'{sigma}bias'}
        weights = head.state_dict()
        coords, raw = head((feature,))
        product = torch.einsum('oc,bc->bo', weights['fc_coord.linear.weight'], feature)
        expected = product / feature.square().sum(1, keepdim=True).sqrt() + weights['fc_coord.linear.bias']
        torch.testing.assert_close(coords, expected.reshape(2, K, dims))
        plain = feature @ weights[f'{sigma}weight'].T + weights[f'{sigma}bias']  # the length matters here
        torch.testing.assert_close(raw, plain.reshape(2, K, dims))
        torch.testing.assert_close(head((3 * feature,)).coords, coords)
        assert not torch.allclose(head((3 * feature,)).raw_sigma, raw)
        limit = 0.01 * (6 / (8 + K * dims)) ** 0.5  # Xavier with gain 0.01
        assert weights['fc_coord.linear.weight'].abs().max() <= limit and weights[f'{sigma}weight'].abs().max() <= limit
    assert NormalizedLinear(8, 3)(torch.zeros(1, 8)).isfinite().all()


def test_a_loss_that_learns_no_scale_has_no_layer_for_it_and_its_confidence_is_one():
    head = head_of(2, loss=dict(type='ResidualLikelihoodLoss', criterion=dict(type='L1PoseLoss')))
    assert not any('sigma' in name for name in head.state_dict())
    (person,) = head.predict((torch.rand(1, 8),), None)
    assert (person.keypoint_scores == 1).all() and 'keypoints_sigma' not in person


def test_confidence_comes_from_sigma():
    output = RegressionOutput(torch.zeros(1, K, 2), torch.randn(1, K, 2))
    estimate = read_output(output)
    expected = 1 - torch.sigmoid(output.raw_sigma).mean(-1)
    torch.testing.assert_close(estimate.confidence, expected)
    torch.testing.assert_close(keypoint_confidence(estimate.sigma).mean(-1), expected.mean(-1))  # Eq. 9


def test_depths_are_relative_to_the_root_in_evaluation_only():
    output = RegressionOutput(torch.randn(1, K, 3), torch.randn(1, K, 3))
    coords = read_output(output, root_index=1).coords
    torch.testing.assert_close(coords[..., :2], output.coords[..., :2])
    torch.testing.assert_close(coords[..., 2], output.coords[..., 2] - output.coords[:, 1:2, 2])
    head, raw = head_of(3), torch.randn(1, 8)
    training = head((raw,)).coords
    assert training[0, 0, 2].item() != 0 and head.predict((raw,), None)[0].relative_depths_mm[0, 0] == 0


@pytest.mark.parametrize('shift, offset', [(True, 1 / W), (False, 4 / W)])
def test_flip_test(shift, offset):
    torch.manual_seed(1)
    plain, mirrored = (KeypointEstimate(torch.randn(2, K, 3), torch.rand(2, K), torch.rand(2, K, 3)) for _ in range(2))
    average = flip_average(plain, mirrored, FLIP, W, shift)
    for k, other in enumerate(FLIP):
        x = -mirrored.coords[:, other, 0] - offset
        torch.testing.assert_close(average.coords[:, k, 0], (plain.coords[:, k, 0] + x) / 2)
        torch.testing.assert_close(
            average.coords[:, k, 1:], (plain.coords[:, k, 1:] + mirrored.coords[:, other, 1:]) / 2
        )
        torch.testing.assert_close(
            average.confidence[:, k], (plain.confidence[:, k] + mirrored.confidence[:, other]) / 2
        )
        torch.testing.assert_close(average.sigma[:, k], (plain.sigma[:, k] + mirrored.sigma[:, k]) / 2)  # sides stay


def test_the_shift_undoes_a_mirror():
    codec = CenteredRegressionLabel((W, H))
    px = np.array([[[7.0, 5.0], [40.0, 9.0]]])
    ours = torch.tensor(codec.encode(px)['keypoint_labels'])
    other = torch.tensor(codec.encode(np.stack([W - 1 - px[..., 0], px[..., 1]], -1))['keypoint_labels'])
    ones = torch.ones(1, 2)
    average = flip_average(KeypointEstimate(ours, ones, None), KeypointEstimate(other, ones, None), [0, 1], W)
    torch.testing.assert_close(average.coords, ours)


def test_codec():
    codec = CenteredRegressionLabel((W, H))
    encoded = codec.encode(np.array([[[0.0, 0.0], [60.0, 64.0]]]), np.array([[1.0, 1.0]]))
    assert encoded['keypoint_labels'][0, 0].tolist() == [-0.5, -0.5]
    assert encoded['keypoint_weights'].tolist() == [[1, 1]]  # 2D: outside of the crop counts
    np.testing.assert_allclose(codec.decode(encoded['keypoint_labels'])[0][0, 1], [60, 64])

    codec = CenteredRegressionLabel((W, H), depth_scale_mm=2000.0)
    space = np.array([[[10.0, 10.0, 500.0], [60.0, 9.0, 0.0], [10.0, 10.0, 1001.0], [10.0, 10.0, np.nan]]])
    encoded = codec.encode(space, np.array([[1.0, 1.0, 1.0, 1.0]]))
    assert encoded['keypoint_weights'][0].tolist() == [[1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 0]]
    assert encoded['keypoint_labels'][0, 0, 2] == 0.25 and encoded['keypoint_labels'][0, 3, 2] == 0
    assert codec.decode(encoded['keypoint_labels'])[1][0, 0] == 500


def test_lifting_has_its_root_at_the_origin():
    head = LiftingFlowHead(8, K, root_index=1)
    feature = torch.rand(1, 8)
    (person,) = head.predict((feature[..., None],), None)
    coords = head((feature,)).coords.detach()
    assert (person.keypoints_3d[0, 1] == 0).all() and coords[0, 1].any()
    np.testing.assert_allclose(person.keypoints_3d[0, 2], 1000 * coords[0, 2], rtol=1e-5)


def test_soft_argmax_and_its_head():
    maps = torch.full((1, 1, 4, 8), -40.0)
    maps[0, 0, 2, 6] = 40
    torch.testing.assert_close(soft_argmax(maps), torch.tensor([[[6 / 8 - 0.5, 2 / 4 - 0.5]]]))
    head = SoftArgmaxFlowHead(6, K, decoder=dict(type='CenteredRegressionLabel', input_size=(W, H)))
    output = head((torch.randn(2, 6, 16, 12), None))
    assert output.coords.shape == output.raw_sigma.shape == (2, K, 2)
    labels, weights = torch.zeros(2, K, 2), torch.ones(2, K)
    head.loss_by_feat(output, labels, weights)['loss_kpt'].backward()
    assert head.final_layer.weight.grad.any() and head.fc_sigma.weight.grad.any()


def estimator_of(dims: int, **test_cfg):
    torch.manual_seed(0)
    codec = dict(type='CenteredRegressionLabel', input_size=(W, H), depth_scale_mm=2000.0 if dims == 3 else None)
    cfg = dict(
        type='TopdownRegressor',
        backbone=dict(type='ResNet', depth=18, base_channels=8),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='FlowRegressionHead', in_channels=64, num_keypoints=K, dims=dims, decoder=codec),
        test_cfg=test_cfg,
        data_preprocessor=dict(type='PoseDataPreprocessor', mean=[0.0] * 3, std=[255.0] * 3, bgr_to_rgb=True),
    )
    with DefaultScope.overwrite_default_scope('das_mm'):
        return MODELS.build(cfg).eval()


def crop_sample(**meta) -> PoseDataSample:
    box = np.array([[100.0, 50.0, 196.0, 178.0]], np.float32)
    return PoseDataSample(
        gt_instances=InstanceData(bboxes=box, bbox_scores=np.array([0.5], np.float32)),
        metainfo=dict(
            input_size=(W, H),
            input_center=np.array([148.0, 114.0]),
            input_scale=np.array([96.0, 128.0]),
            ori_shape=(240, 320),
            flip_indices=FLIP,
            **meta,
        ),
    )


def step(model, *samples):
    generator = torch.Generator().manual_seed(3)
    images = [torch.randint(0, 256, (3, H, W), generator=generator, dtype=torch.uint8) for _ in samples]
    return model.test_step(dict(inputs=images, data_samples=list(samples)))


def test_people_in_the_image_and_the_flow_is_not_run(monkeypatch):
    def forbidden(*_):
        raise AssertionError('the flow has no part in inference')

    model = estimator_of(2, flip_test=True)
    monkeypatch.setattr(type(model.head.loss_module.criterion.flow), 'log_prob', forbidden)
    monkeypatch.setattr(type(model.head.loss_module.criterion.flow), 'inverse', forbidden)
    (sample,) = step(model, crop_sample())
    people = sample.pred_instances
    # the network starts near the middle of the crop, whose px are two of the image
    np.testing.assert_allclose(people.keypoints[0].mean(0), [148, 114], atol=60)
    np.testing.assert_allclose(people.scores, 0.5 * people.keypoint_scores.mean(1), rtol=1e-5)
    assert people.keypoints_sigma.shape == (1, K, 2) and people.bbox_scores.tolist() == [0.5]
    turned = np.array([[0.0, -2.0, 148.0], [2.0, 0.0, 114.0]])  # a crop that was turned
    (other,) = step(model, crop_sample(crop_to_image=turned))
    crop = (people.keypoints[0] - [100, 50]) / 2
    np.testing.assert_allclose(other.pred_instances.keypoints[0], crop @ turned[:, :2].T + turned[:, 2], atol=1e-3)


def test_back_projection():
    K_matrix = np.array([[1000.0, 0, 160], [0, 1000, 120], [0, 0, 1]])
    (sample,) = step(estimator_of(3), crop_sample(camera_matrix=K_matrix, root_depth_mm=4000.0))
    people = sample.pred_instances
    depth = 4000 + people.relative_depths_mm[0]
    np.testing.assert_allclose(people.keypoints_3d[0, :, 2], depth, rtol=1e-5)
    expected = (people.keypoints[0] - [160, 120]) * depth[:, None] / 1000
    np.testing.assert_allclose(people.keypoints_3d[0, :, :2], expected, rtol=1e-3, atol=0.05)
    (sample,) = step(estimator_of(3), crop_sample(camera_matrix=K_matrix))
    assert sample.pred_instances.root_depths_mm == pytest.approx(1000 * 2000 / 128, rel=1e-4)


def test_what_is_not_finite_or_does_not_fit_is_said():
    model = estimator_of(2)
    torch.nn.init.constant_(model.head.fc_sigma.linear.bias, float('nan'))
    with pytest.raises(UserError, match='σ that are not finite'):
        step(model, crop_sample())
    head = head_of(2)
    with pytest.raises(UserError, match='3 coordinates, and the head regresses 4 in 2'):
        head.loss_by_feat(head((torch.rand(1, 8),)), torch.zeros(1, 18, 3), torch.ones(1, 18))
