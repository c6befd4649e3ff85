"""The estimator tells a person of a crop in the original image."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from das_mm.models.estimator_protocol import EstimatorProtocol
from das_mm.registry import MODELS
from das_mm.structures import project
from projects.graphcmr.tests.test_body_heads import BODY, GRAPH, REGRESSOR

CROP = 64
K = np.array([[900.0, 0, 320], [0, 900, 240], [0, 0, 1]])


@pytest.fixture
def model(mesh_cache):
    torch.manual_seed(0)
    feature = dict(feature_channels=512)
    config = dict(
        type='GraphCMR',
        backbone=dict(type='ResNet', depth=18, out_indices=(3,)),
        head=dict(
            type='MeshRegressionHead', vertex_network=dict(GRAPH, **feature), parameter_network=REGRESSOR, body=BODY
        ),
    )
    model = MODELS.build(dict(config, _scope_='das_mm')).eval()
    model.cfg, model.dataset_meta = None, dict(keypoint_set='gt24')
    return model


def make_sample(center, side, **labels):
    """A crop of ``side`` px about ``center`` of an image of 640 x 480."""
    sample = PoseDataSample()
    sample.set_metainfo(
        dict(
            box_center=np.array(center, float),
            box_scale=float(side),
            ori_shape=(480, 640),
            camera=dict(K=K, source='user'),
        )
    )
    sample.gt_instance_labels = InstanceData(**labels)
    return sample


def make_labels(has_smpl, seed=0):
    draw = lambda *shape: torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return dict(
        keypoints_2d=torch.cat([draw(1, 24, 2), torch.ones(1, 24, 1)], dim=2),
        keypoints_3d=torch.cat([draw(1, 24, 3), torch.ones(1, 24, 1)], dim=2),
        smpl_rotations=torch.eye(3).expand(1, 24, 3, 3),
        smpl_betas=draw(1, 10),
        has_smpl=torch.tensor([float(has_smpl)]),
        has_pose_3d=torch.tensor([float(has_smpl)]),
    )


def test_one_training_step(model):
    model.train()
    samples = [make_sample((320, 240), 200, **make_labels(has_smpl)) for has_smpl in (True, False)]
    losses = model.loss(torch.randn(2, 3, CROP, CROP), samples)
    total, _ = model.parse_losses(losses)
    total.backward()
    assert total.isfinite() and len(losses) == 8
    idle = {
        name
        for name, p in model.named_parameters()
        if p.requires_grad and (p.grad is None or not p.grad.isfinite().all())
    }
    assert not idle
    only_2d = model.loss(torch.randn(2, 3, CROP, CROP), [make_sample((9, 9), 90, **make_labels(False))] * 2)
    assert only_2d['loss_vertices'] == only_2d['loss_smpl_pose'] == 0 < only_2d['loss_keypoints_2d']


def test_person_stands_in_the_image_where_the_crop_was(model):
    assert isinstance(model, EstimatorProtocol) and model.input_view == 'person'
    assert set(model.tasks) == {'pose', 'mesh'} and model.num_keypoints == 24
    model.head.vertex_network.camera_fc[4].weight.data.zero_()
    model.head.vertex_network.camera_fc[4].bias.data = torch.tensor([0.8, 0.1, -0.2])
    samples = [make_sample(center, side) for center, side in (((150, 300), 180), ((500, 100), 90))]
    with torch.no_grad():
        model.predict(torch.randn(2, 3, CROP, CROP), samples)
    for sample, center, side in zip(samples, ((150, 300), (500, 100)), (180, 90)):
        found = sample.pred_instances
        assert len(found) == 1 and found.vertices.shape == (1, 6890, 3) == found.mesh_vertices_m.shape
        depth = 2 * 900 / (side * 0.8) * 1000
        transl = found.smpl_transl_mm[0]
        assert transl[2] == pytest.approx(depth, rel=1e-4)
        # the body's origin is seen where s·t says inside the box
        seen = project(transl.astype(float), K)
        assert np.allclose(seen, np.array(center) + side / 2 * 0.8 * np.array([0.1, -0.2]), atol=0.05)
        assert np.allclose(found.keypoints, project(found.keypoints_3d.astype(float), K), atol=0.05)
        posed, _ = model.body.posed(
            np.concatenate([found.smpl_global_orient[:, None], found.smpl_body_pose], axis=1), found.smpl_betas
        )
        assert np.allclose(1000 * posed + transl, found.vertices, atol=0.5)
        assert np.allclose(found.bboxes, [[*(np.array(center) - side / 2), *(np.array(center) + side / 2)]])


def test_turned_crops_tell_nothing(model):
    sample = make_sample((150, 300), 180)
    sample.set_metainfo(dict(augmentation=dict(rotation_deg=30.0, flip=False)))
    with pytest.raises(ValueError, match='turned or mirrored'):
        model.predict(torch.randn(1, 3, CROP, CROP), [sample])
