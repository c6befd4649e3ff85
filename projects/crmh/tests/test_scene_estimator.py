"""What is told of an image, in which camera."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

import das_mm.cli
from das_mm.models.estimator_protocol import input_view
from das_mm.structures.cameras import project
from projects.crmh.crmh.people_of_scene import add_people
from projects.crmh.crmh.scene_camera import box_translation, input_cameras, own_camera, stored_camera

from .conftest import SIZE, TINY, batch_of, dataset_of, make_model


@pytest.fixture(scope='module')
def model(tiny_model):
    return make_model(tiny_model).eval()


def test_the_translation_is_seen_where_the_region_says():
    """Equations 5.5 and 5.6: one camera for all, whose projection of a body's origin is the box camera's."""
    K = torch.tensor(own_camera((832, 512), 1000.0)).float()[None]
    boxes = torch.tensor([[100.0, 50, 180, 250], [500, 300, 700, 420]])
    camera = torch.tensor([[0.9, 0.1, -0.05], [1.2, 0.0, 0.2]], requires_grad=True)
    moved = box_translation(camera, boxes, K.expand(2, 3, 3))
    sides = torch.tensor([200.0, 200.0])
    torch.testing.assert_close(moved[:, 2], 2000 / (camera[:, 0] * sides))
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    torch.testing.assert_close(project(moved, K), middle + camera[:, 1:] * sides[:, None])
    # metres across the longer side of the box at that depth: 2 / s
    torch.testing.assert_close(sides * moved[:, 2] / 1000, 2 / camera[:, 0])
    moved.sum().backward()
    assert (camera.grad.abs() > 0).all()


def test_which_camera():
    true_K = np.array([[700.0, 0, 60], [0, 700, 50], [0, 0, 1]])
    metas, like = [dict(input_K=true_K), dict(input_K=None)], torch.zeros(1)
    fixed = input_cameras(metas, (832, 512), 1000.0, like)
    assert (fixed[0] == fixed[1]).all() and fixed[0, :2, 2].tolist() == [416, 256] and fixed[0, 0, 0] == 1000
    own = input_cameras(metas, (416, 256), None, like)
    assert own[0, 0, 0] == 700 and own[1, 0, 0] == 500  # as wide as the thesis'


def test_people_leave_in_the_protocols_words(model, scenes):
    assert input_view(model) == 'image' and set(model.tasks) == {'pose', 'mesh'} and model.body is model.body_model
    inputs, samples = batch_of(model, dataset_of(scenes, test_mode=True), rows=(0, 1, 2))
    told = model.predict(inputs, samples)
    assert sum(len(sample.pred_instances) for sample in told) > 3
    for sample in told:
        found = sample.pred_instances
        count = len(found)
        assert found.keypoints.shape == (count, 24, 2) and found.keypoints_3d.shape == (count, 24, 3)
        assert found.bboxes.shape == (count, 4) and found.smpl_body_pose.shape == (count, 23, 3)
        if not count:
            continue
        K = np.asarray(sample.metainfo['camera']['K'])
        np.testing.assert_allclose(found.keypoints, project(found.keypoints_3d.astype(np.float64), K), atol=0.05)
        posed = np.concatenate([found.smpl_global_orient[:, None], found.smpl_body_pose], axis=1)
        vertices, _ = model.body.posed(posed, found.smpl_betas)
        nose = 1000 * vertices[:, 332] + found.smpl_transl_mm
        np.testing.assert_allclose(nose, found.keypoints_3d[:, 19], atol=0.5)


def test_a_known_camera_keeps_the_picture(model):
    """Depths grow with the focal length, everybody's root stays where it is seen; nobody behind the camera is told."""
    warp = np.array([[2.0, 0, 0.5], [0, 2, 0.5]])
    input_K = own_camera(SIZE, 160.0)
    people = InstanceData(
        rotations=torch.eye(3).expand(3, 24, 3, 3),
        betas=torch.zeros(3, 10),
        bboxes=torch.tensor([[10.0, 10, 60, 90]] * 3),
        scores=torch.tensor([0.9, 0.8, 0.7]),
        translation=torch.tensor([[0.2, 0.1, 4.0], [0.5, 0.0, 6.0], [0.0, 0.0, -3.0]]),
    )
    points = torch.zeros(3, 24, 3)

    def told(camera):
        meta = dict(warp_mat=warp, ori_shape=(48, 64), camera=camera, flip=False)
        samples = add_people([PoseDataSample(metainfo=meta)], [people], [points], input_K[None], model.body)
        return samples[0].pred_instances, samples[0].metainfo['camera']

    own, camera = told(None)
    assert len(own) == 2 and camera['source'] == 'default_fov'
    np.testing.assert_allclose(camera['K'], stored_camera(input_K, warp))
    np.testing.assert_allclose(own.smpl_transl_mm, 1000 * people.translation[:2].numpy(), rtol=1e-5)
    K = np.array([[320.0, 0, 31], [0, 320, 20], [0, 0, 1]])
    other, _ = told(dict(K=K, dist=None))
    np.testing.assert_allclose(other.roots_px, own.roots_px, atol=1e-3)
    np.testing.assert_allclose(other.root_depths_mm, own.root_depths_mm * 320 / 80, rtol=1e-5)
    np.testing.assert_allclose(own.bboxes[0], [4.75, 4.75, 29.75, 44.75], atol=1e-3)


def test_nobody_found(model, scenes):
    inputs, samples = batch_of(model, dataset_of(scenes, test_mode=True), rows=(0,))
    model.test_cfg = {**model.test_cfg, 'score_thr': 1.1}
    try:
        found = model.predict(inputs, samples)[0].pred_instances
    finally:
        model.test_cfg = {**model.test_cfg, 'score_thr': 0.0}
    assert len(found) == 0 and found.keypoints.shape == (0, 24, 2)


@pytest.fixture(scope='module')
def trained(scenes, tmp_path_factory):
    """Config and checkpoint of a training of one step by the verb."""
    root = tmp_path_factory.mktemp('crmh')
    from . import conftest

    text = f"""
_base_ = 'das_mm::{TINY}.py'
model = {conftest.SMALL!r}
train_dataloader = dict(batch_size=3, num_workers=0, dataset=dict(
    root={str(scenes.root.parent)!r}, num_images=3, image_size={SIZE!r}, people=(2, 3), subject_share=(0.6, 0.9),
    share_spread=0.45, clothes='varied', seed=3, pipeline=[
        dict(type='LoadImage'), dict(type='DASResize', input_size={SIZE!r}), dict(type='AddMeshLabels'),
        dict(type='AddInstanceMap'), dict(type='AddPersonMarks'), dict(type='PackDASInputs')]))
val_dataloader = dict(batch_size=3, dataset=dict(
    root={str(scenes.root.parent)!r}, num_images=3, image_size={SIZE!r}, people=(2, 3), subject_share=(0.6, 0.9),
    share_spread=0.45, clothes='varied', seed=3, split='train', pipeline=[
        dict(type='LoadImage'), dict(type='DASResize', input_size={SIZE!r}), dict(type='PackDASInputs')]))
test_dataloader = val_dataloader
val_evaluator = [dict(type='MultiPerson3DMetric'), dict(type='CoherenceMetric', resolution=8)]
test_evaluator = val_evaluator
max_epochs = 1
train_cfg = dict(max_epochs=1, val_interval=1)
"""
    config = root / 'toy_crmh.py'
    config.write_text(text)
    assert das_mm.cli.main(['train', str(config), '--work-dir', str(root / 'work')]) == 0
    return config, root / 'work' / 'epoch_1.pth'


def test_the_verbs_take_it(trained, scenes, tmp_path):
    config, checkpoint = trained
    lines = next(checkpoint.parent.glob('*/vis_data/scalars.json')).read_text().splitlines()
    told = {name for line in lines for name in json.loads(line)}
    assert {'loss_interpenetration', 'pose3d/recall', 'coherence/collisions', 'coherence/depth_order'} <= told
    image, out = next((scenes.root / 'images').rglob('*.*')), tmp_path / 'out'
    verb = ['infer', str(image), '--weights', str(checkpoint), '--out', str(out), '--score-thr', '0']
    assert das_mm.cli.main(verb) == 0
    result = json.loads((out / 'predictions' / f'{image.stem}.json').read_text())
    assert result['people'] and 'smpl' in result['people'][0]
