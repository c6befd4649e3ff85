"""The estimator on crops of people: what a batch teaches, and people back in their images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from das_mm.errors import UserError
from das_mm.evaluation.metrics import ReprojectionMetric
from das_mm.models.estimator_protocol import EstimatorProtocol
from das_mm.structures import warp_points
from das_mm.structures.crop_cameras import camera_translation, project_crop
from das_mm.structures.rotations import axis_angle_to_matrix
from projects.spin.spin.crop_batch import CropBatch
from projects.spin.spin.fits_store import FitsStore
from projects.spin.spin.sample_sets import sample_sets

from .conftest import AUGMENTATION, CROP, make_model, make_view


def _batch(model, view, indices, training=True):
    return model.data_preprocessor(pseudo_collate([view[index] for index in indices]), training)


def _losses(model, view, indices):
    batch = _batch(model, view, indices)
    return model(batch['inputs'], batch['data_samples'], mode='loss')


def test_the_store_and_the_pipeline_mean_the_same_augmentation(people):
    """The pose of the image, read for a crop, is the pose that the pipeline labels the crop with."""
    view = make_view(people, AUGMENTATION)
    store = FitsStore(sample_sets(view))
    rows = [view.get_data_info(index) for index in range(len(view))]
    truth = np.stack([np.concatenate([row['smpl_pose'], row['smpl_betas']]) for row in rows])
    store.fill('toy', torch.from_numpy(truth).float())
    np.random.seed(0)
    samples = [view[index % len(view)]['data_samples'] for index in range(20)]
    batch = CropBatch.of_samples(samples, torch.zeros(1))
    assert 5 < batch.keys.flip.sum() < 15 and batch.keys.rotation_deg.std() > 5
    found, betas = store.read(batch.keys)
    matrices = lambda pose: axis_angle_to_matrix(pose.numpy().reshape(-1, 24, 3))
    np.testing.assert_allclose(matrices(found), matrices(batch.pose), atol=1e-5)
    torch.testing.assert_close(betas, batch.betas)


def test_a_step_of_training_fits_stores_and_teaches(people):
    torch.manual_seed(0)
    model, view = make_model(max_quality=1e9), make_view(people, AUGMENTATION)
    model.fits_store = FitsStore(sample_sets(view))
    losses = _losses(model, view, [0, 1, 3])
    assert model.fits_store.fits['toy'].isfinite().all(1).tolist() == [True, True, False, True, False]
    assert losses['better_fits'] == 1 == losses['valid_fits'] and losses['failed_fits'] == 0
    total, _ = model.parse_losses(losses)
    total.backward()
    for module in (model.backbone, model.head):
        assert all(weight.grad is not None for weight in module.parameters())
    with torch.autocast('cpu', torch.bfloat16):  # the fits stay in full precision
        _losses(model, view, [2])  # and a batch of one is a batch
    assert model.fits_store.fits['toy'][2].isfinite().all()


def test_the_ground_truth_teaches_where_it_is_and_unpaired_it_is_not_read(people):
    view = make_view(people)
    for ignored in (False, True):
        torch.manual_seed(0)
        model = make_model(ignore_3d=ignored, max_quality=0.0)  # no fit is good enough
        model.fits_store = FitsStore(sample_sets(view))
        losses = _losses(model, view, [0, 1])
        taught = [float(losses[f'loss_{name}'].detach()) > 0 for name in ('pose', 'betas', 'keypoints_3d')]
        assert taught == [not ignored] * 3 and losses['loss_keypoints_2d'] > 0
        assert losses['valid_fits'] == (not ignored)


def test_nothing_of_the_body_or_the_fits_is_a_weight(people):
    model = make_model()
    model.fits_store = FitsStore(sample_sets(make_view(people)))
    assert {name.split('.')[0] for name in model.state_dict()} == {'backbone', 'head'}
    assert all(weight.requires_grad for weight in model.parameters())


def test_people_stand_where_their_crops_show_them(people):
    """Under a lens as long as the crop's, keypoints of the image are those of the crop carried back."""
    torch.manual_seed(0)
    model, view = make_model().eval(), make_view(people, test_mode=True)
    model.cfg, model.dataset_meta = {}, dict(keypoint_set='spin49')  # what a loader adds
    assert isinstance(model, EstimatorProtocol) and model.input_view == 'person'
    model.test_cfg['default_fov_deg'] = 2.0
    batch = _batch(model, view, [0, 1, 2], training=False)
    for sample in batch['data_samples']:
        sample.set_metainfo(dict(camera={}))
    body = model(batch['inputs'], batch['data_samples'], mode='tensor')
    points = model._keypoints(body)
    seen = project_crop(points, camera_translation(body.camera, CROP), CROP).detach().numpy()
    for row, sample in enumerate(model(batch['inputs'], batch['data_samples'], mode='predict')):
        found, meta = sample.pred_instances, sample.metainfo
        in_crop = (seen[row] + 1) * CROP / 2 - 0.5
        in_image = warp_points(in_crop.astype(np.float64), np.asarray(meta['crop_to_image'], np.float64))
        assert np.abs(found.keypoints[0] - in_image).max() < 0.01 * meta['box_scale']
        K = np.asarray(meta['camera']['K'])
        projected = found.keypoints_3d[0] @ K.T
        np.testing.assert_allclose(projected[:, :2] / projected[:, 2:], found.keypoints[0], atol=1e-2)
        pose = np.concatenate([found.smpl_global_orient[:, None], found.smpl_body_pose], axis=1)
        vertices, joints = model.body.posed(pose, found.smpl_betas)
        hips = 1000 * joints[0, 1:3].mean(0) + found.smpl_transl_mm[0]
        np.testing.assert_allclose(hips[2], found.root_depths_mm[0], rtol=1e-4)
        np.testing.assert_allclose(hips[:2] / hips[2] * K[[0, 1], [0, 1]] + K[:2, 2], found.roots_px[0], atol=0.1)


def test_what_a_network_astray_says_of_a_photograph_is_nobody(people):
    model, view = make_model().eval(), make_view(people, test_mode=True)
    batch = _batch(model, view, [0, 1], training=False)
    model.head.init_cam.fill_(torch.nan)
    batch['data_samples'][0].set_metainfo(dict(bbox_score=0.5))
    shown, counted = model(batch['inputs'], batch['data_samples'], mode='predict')
    assert len(shown.pred_instances) == 0 and len(counted.pred_instances) == 1


def test_people_are_not_read_from_a_mirrored_crop(people):
    model, view = make_model().eval(), make_view(people, dict(flip_prob=1.0))
    batch = _batch(model, view, [0], training=False)
    with pytest.raises(ValueError, match='mirrored'):
        model(batch['inputs'], batch['data_samples'], mode='predict')


def test_data_sets_of_one_name_and_data_without_people_are_refused(people):
    class Mixture:
        datasets = [make_view(people), make_view(people)]

    assert [one.num_samples for one in sample_sets(Mixture)] == [5]  # the same people twice are the same people
    Mixture.datasets[1].dataset.data_list.table.columns['bbox'] = np.zeros((5, 4), np.float32)
    with pytest.raises(UserError, match=r'two data sets are called toy(.|\n)*dataset_name'):
        sample_sets(Mixture)
    with pytest.raises(UserError, match=r'list has no samples(.|\n)*PersonView'):
        sample_sets([1, 2])


def test_reprojection_is_measured_in_shares_of_the_crop():
    metric = ReprojectionMetric(threshold=10.0)
    truth = dict(keypoints=np.zeros((1, 3, 2)), keypoints_flags=np.array([[2, 1, 0]]))
    seen = np.array([[[3.0, 4.0], [30.0, 40.0], [900.0, 0.0]]])
    sample = dict(gt_instances=truth, pred_instances=dict(keypoints=seen), box_scale=100.0)
    nobody = dict(sample, gt_instances=dict(truth, keypoints_flags=np.zeros((1, 3))))
    astray = dict(sample, pred_instances=dict(keypoints=seen * np.nan))
    metric.process(None, [sample, nobody, astray])
    found = metric.evaluate(3)
    assert found == {'2d/reprojection': (27.5 + 100) / 2, '2d/PCK': 25.0, '2d/num_people': 2.0}
