"""The estimator on crops of people: what a step teaches whom, the distribution, and people back in their images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper

from das_mm.errors import UserError
from das_mm.models.estimator_protocol import EstimatorProtocol
from das_mm.structures import warp_points
from das_mm.structures.crop_cameras import camera_translation, project_crop
from projects.prohmr.prohmr.person_targets import PersonTargets
from projects.prohmr.prohmr.sampled_pose_metric import SampledPoseMetric

from .conftest import CROP, make_model, make_view

OPTIMIZERS = dict(
    constructor='das_mm.AdversarialOptimizers',
    generator=dict(optimizer=dict(type='AdamW', lr=1e-3)),
    discriminator=dict(optimizer=dict(type='AdamW', lr=1e-3)),
)


@pytest.fixture(scope='module')
def view(people):
    return make_view(people)


def _data(view, indices=range(5)):
    return pseudo_collate([view[index] for index in indices])


def _batch(model, view, indices=range(5), training=False):
    return model.data_preprocessor(_data(view, indices), training)


def test_targets_are_the_labels_over_the_crop(view):
    samples = [view[index]['data_samples'] for index in range(3)]
    targets = PersonTargets.of_samples(samples, torch.zeros(1))
    labels = samples[1].gt_instance_labels
    torch.testing.assert_close(targets.keypoints_2d[1, :, :2], labels.keypoints_2d[0, :, :2] / 2)
    assert targets.has_smpl.all() and targets.pose_6d.shape == (3, 144)
    torch.testing.assert_close(targets.pose_6d[1, :6], labels.smpl_rotations[0, 0, :, :2].T.flatten())
    assert (targets.keypoints_3d[:, 1:15, 3] == 0).all() and (targets.keypoints_3d[:, 25:, 3] == 1).any()


def test_a_step_teaches_the_network_first_and_the_discriminator_after(view):
    torch.manual_seed(0)
    model = make_model().train()
    wrapper = build_optim_wrapper(model, OPTIMIZERS)
    before = {name: value.clone() for name, value in model.named_parameters()}
    steps, grads = [], {}
    for side in ('generator', 'discriminator'):
        update = wrapper[side].update_params

        def watched(loss, side=side, update=update):
            steps.append(side)
            update(loss)
            grads[side] = {n: p.grad is not None for n, p in model.named_parameters()}

        wrapper[side].update_params = watched
    logged = model.train_step(_data(view), wrapper)
    assert steps == ['generator', 'discriminator']
    assert not any(there for name, there in grads['generator'].items() if name.startswith('discriminator'))
    changed = {name for name, value in model.named_parameters() if not value.equal(before[name])}
    assert {name.split('.')[0] for name in changed} == {'backbone', 'head', 'discriminator'}
    assert {'loss', 'loss_nll', 'loss_samples_keypoints_2d', 'loss_orthogonal', 'loss_adversarial'} <= set(logged)
    assert logged['discriminator'] > 0 and model.head.flow.initialized
    first = model.head.flow._transform._transforms[0]
    poses = PersonTargets.of_samples(_data(view)['data_samples'], torch.zeros(1)).pose_6d
    spread = poses.std(0).clamp_min(1e-3)
    # set from the labelled poses of the batch, then moved by one step of 1e-3
    assert (before_step := (first.log_scale.detach() + spread.log()).abs().max()) < 2e-3, before_step


def test_the_expectation_is_of_one_sample_and_reaches_the_backbone(view):
    only = dict(type='ProHMRLoss', nll=0, mode={}, samples=dict(keypoints_2d=1.0), orthogonal=0)
    model = make_model(criterion=only, discriminator=None).train()
    drawn = []
    forward = model.head.flow.sample_and_log_prob
    model.head.flow.sample_and_log_prob = lambda *args, **kw: drawn.append(forward(*args, **kw)) or drawn[-1]
    batch = _batch(model, view, training=True)
    losses = model(**batch, mode='loss')
    assert [(one[2] == 0).all().item() for one in drawn] == [False, True] and drawn[0][2].shape == (5, 1, 144)
    losses['loss_samples_keypoints_2d'].backward()
    assert model.backbone.conv1.weight.grad.abs().sum() > 0
    assert model.head.flow._transform._transforms[1].lower_entries.grad.abs().sum() > 0
    # three updates of the statistics a step: samples, mode and labels; and one when the flow was set
    assert (
        model.head.flow._transform._transforms[2].transform_net.blocks[0].batch_norm_layers[0].num_batches_tracked == 4
    )


def test_without_labels_the_flow_waits_and_nothing_is_nan(view):
    model = make_model().train()
    data = _data(view)
    for sample in data['data_samples']:
        sample.gt_instance_labels.has_smpl[:] = 0
        sample.gt_instance_labels.smpl_rotations[:] = torch.nan
    wrapper = build_optim_wrapper(model, OPTIMIZERS)
    logged = model.train_step(data, wrapper)
    assert not model.head.flow.initialized and logged['loss_nll'] == 0
    assert all(torch.as_tensor(value).isfinite().all() for value in logged.values())
    data['data_samples'][0].gt_instance_labels = _data(view)['data_samples'][0].gt_instance_labels
    logged = model.train_step(data, wrapper)  # one person alone has no spread
    assert not model.head.flow.initialized and torch.as_tensor(logged['loss_nll']).isfinite()


def test_joints_that_never_move_need_a_noisy_start(view):
    torch.manual_seed(0)
    losses = {}
    for noisy in (False, True):
        model = make_model(noisy_start=noisy).train()
        losses[noisy] = model(**_batch(model, view, training=True), mode='loss')['loss_nll']
    assert losses[True] < 100 < losses[False]


def test_one_optimizer_is_no_match_for_an_adversary(view):
    model = make_model()
    with pytest.raises(UserError, match='an optimizer for each side'):
        model.train_step(_data(view), build_optim_wrapper(model, OPTIMIZERS['generator']))
    alone = make_model(discriminator=None).train()
    assert 'loss_nll' in alone.train_step(_data(view), build_optim_wrapper(alone, OPTIMIZERS['generator']))
    assert alone.discriminator is None and not any('discriminator' in name for name in alone.state_dict())


@torch.no_grad()
def test_the_distribution(view):
    model = make_model().train()
    model(**_batch(model, view, training=True), mode='loss')
    model.eval()
    inputs = _batch(model, view, range(2))['inputs']
    mode, drawn = model.mode(inputs), model.sample(inputs, 7)
    assert mode.rotations.shape == (2, 1, 24, 3, 3) and drawn.pose_6d.shape == (2, 7, 144)
    torch.testing.assert_close(model.log_prob(drawn.pose_6d, inputs), drawn.log_prob, rtol=2e-3, atol=0)
    assert (mode.log_prob > drawn.log_prob).all()
    labels = PersonTargets.of_samples(_data(view, range(2))['data_samples'], inputs).rotations[:, None]
    assert model.log_prob(labels, inputs).shape == (2, 1)
    assert drawn.betas[:, :1].expand_as(drawn.betas).equal(drawn.betas)
    with pytest.raises(UserError, match=r'poses: (.|\n)*no poses of 2 crops'):
        model.log_prob(labels[:1], inputs)
    with pytest.raises(UserError, match='not finite'):
        model.log_prob(labels * torch.nan, inputs)


def test_people_stand_where_their_crops_show_them(view):
    torch.manual_seed(3)
    model = make_model(test_cfg=dict(num_samples=6)).eval()
    model.cfg, model.dataset_meta = None, {}  # a loader gives them
    assert isinstance(model, EstimatorProtocol) and model.num_keypoints == 44
    assert list(model.tasks) == ['pose', 'mesh', 'samples'] and 'samples' not in make_model().tasks
    batch = _batch(model, view)
    with torch.no_grad():
        modes = model.mode(batch['inputs'])
        in_crop = model.project(modes, CROP).in_crop[:, 0]
    found = model(**batch, mode='predict')
    for sample in found:
        person = sample.pred_instances
        assert person.keypoints.shape == (1, 44, 2) and person.keypoints_3d.shape == (1, 44, 3)
        assert person.sample_keypoints_cam_mm.shape == (1, 6, 44, 3) and person.sample_keypoints_px.shape == (
            1,
            6,
            44,
            2,
        )
        assert np.ptp(person.sample_keypoints_cam_mm[0], axis=0).max() > 1
        # the mode among the samples' projections would be the mode: same camera, same place
        centre = person.sample_keypoints_cam_mm[0].mean((0, 1)) - person.keypoints_3d[0].mean(0)
        assert np.linalg.norm(centre[:2]) < 500
    # a long lens sees what the crop's own camera saw
    model.test_cfg['default_fov_deg'] = 0.5
    batch = _batch(model, view)
    for sample in batch['data_samples']:
        sample.set_metainfo(dict(camera=None))
    sample = model(**batch, mode='predict')[1]
    places = warp_points(sample.pred_instances.keypoints[0], sample.metainfo['warp_mat'])
    weak = 0.5 * project_crop(model.keypoints(modes), camera_translation(modes.camera, CROP), CROP)
    torch.testing.assert_close(weak[:, 0], in_crop)
    np.testing.assert_allclose((places + 0.5) / CROP - 0.5, in_crop[1].numpy(), atol=0.02)


def test_the_best_of_more_is_better_and_the_spread_is_judged(view):
    torch.manual_seed(4)
    model = make_model(test_cfg=dict(num_samples=9)).eval()
    found = [sample.to_dict() for sample in model(**_batch(model, view), mode='predict')]
    metric = SampledPoseMetric(truth='mesh', counts=(1, 4, 10))
    metric.process(None, found)
    table = metric.evaluate(5)
    for name in ('MPJPE', 'PA-MPJPE'):
        errors = [table[f'samples/{name}-{count}'] for count in (1, 4, 10)]
        assert errors[0] >= errors[1] >= errors[2] > 0 and errors[0] > errors[2]
    assert table['samples/num_people'] == 5 and table['samples/spread'] > 0
    assert table['samples/spread-factor'] == pytest.approx(table['samples/error'] / table['samples/spread'], rel=1e-5)
    with pytest.raises(UserError, match=r'9 samples beside the mode, 24 are needed(.|\n)*num_samples=24'):
        SampledPoseMetric(truth='mesh').process(None, found)
    standing = SampledPoseMetric(truth='mesh', counts=dict(first=(1, 10), quantised=(3, 10)))
    standing.process(None, found)
    few = standing.evaluate(5)
    for name in ('MPJPE', 'PA-MPJPE'):
        best = table[f'samples/{name}-10']
        assert few[f'samples/{name}-quantised-10'] == pytest.approx(best)
        assert few[f'samples/{name}-quantised-3'] >= best
    around = SampledPoseMetric(truth='mesh', counts=(1, 10), gaussian_mm=10.0)
    around.process(None, found)
    told = around.evaluate(5)
    assert told['samples/PA-MPJPE-1'] == table['samples/PA-MPJPE-1'] > told['samples/PA-MPJPE-10']
    assert told['samples/spread'] == pytest.approx(10 * 3**0.5, rel=0.1)


def test_programs_tell_likelihoods_and_what_samples_cost(view, tmp_path, monkeypatch, capsys):
    import argparse
    import json

    from projects.prohmr.prohmr import likelihood, sampling_speed

    model = make_model().train()
    model(**_batch(model, view, training=True), mode='loss')
    config = argparse.Namespace(test_dataloader=argparse.Namespace(dataset=None))
    for module in (likelihood, sampling_speed):
        monkeypatch.setattr(module, 'config_path', lambda name: name)
        monkeypatch.setattr(module, 'read_config', lambda path: config)
    monkeypatch.setattr(likelihood.DATASETS, 'build', lambda cfg: view)
    monkeypatch.setattr(likelihood, 'load_model', lambda weights, cfg: model.eval())
    monkeypatch.setattr(sampling_speed, 'build_model', lambda cfg: model)
    options = lambda module, *words: _parsed(module, ['config', *words])
    assert likelihood.run(options(likelihood, 'weights.pth', '--batch-size', '3')) == 0
    told = json.loads(capsys.readouterr().out)
    assert told['people'] == 5 and told['nll'] != told['nll_of_others']
    with pytest.raises(UserError, match='1 of 1 people'):
        likelihood.run(options(likelihood, 'weights.pth', '--limit', '1'))
    assert sampling_speed.run(options(sampling_speed, '--people', '2', '--crop-px', str(CROP), '--runs', '1')) == 0
    told = json.loads(capsys.readouterr().out)
    assert told['samples'] == 25 and told['ratio'] == pytest.approx(told['samples_s'] / told['mode_s'])


def _parsed(module, words):
    import argparse

    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args(words)
