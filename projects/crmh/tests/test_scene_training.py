"""Losses of whole scenes: whom they reach, and that they stay finite where there is little to learn."""

from __future__ import annotations

import pytest
import torch
from mmengine.optim import OptimWrapperDict

from das_mm.engine.optim_wrappers import AdversarialOptimizers
from das_mm.models.losses.depth_order_loss import NOBODY, SOMEBODY_ELSE
from projects.crmh.crmh.coherence_terms import CoherenceTerms, shown_rows
from projects.crmh.crmh.scene_labels import scene_labels
from projects.crmh.crmh.scene_roi_head import PositiveRegions, best_of_each
from projects.crmh.crmh.smpl_branch_loss import PlacedBodies

from .conftest import SIZE, batch_of, dataset_of, make_model

TERMS = (
    'rpn_cls',
    'rpn_bbox',
    'cls',
    'bbox',
    'keypoints_2d',
    'keypoints_3d',
    'vertices',
    'pose',
    'betas',
    'adversarial',
)
COHERENCE = ('interpenetration', 'depth_order')


@pytest.fixture(scope='module')
def model(tiny_model):
    return make_model(tiny_model)


@pytest.fixture(scope='module')
def dataset(scenes):
    return dataset_of(scenes)


def _colliding(model, dataset):
    """A batch whose first two people of each image fill almost the same box, one seen in its left half, one in its
    right."""
    inputs, samples = batch_of(model, dataset)
    for sample in samples:
        boxes, seen = sample.gt_instance_labels.bboxes, sample.gt_fields.instance_map[0]
        boxes[1] = boxes[0] + 2
        x1, y1, x2, y2 = boxes[0].clamp(min=0).long().tolist()
        seen.zero_()
        seen[y1:y2, x1 : (x1 + x2) // 2], seen[y1:y2, (x1 + x2) // 2 : x2] = 1, 2
    return inputs, samples


def _losses(model, inputs, samples):
    torch.manual_seed(1)  # of the samplers
    return model.loss(inputs, samples)


def _total(losses, name):
    value = losses[f'loss_{name}']
    return sum(value) if isinstance(value, list) else value


def _grad(model, loss, part):
    parameters = [parameter for parameter in part.parameters() if parameter.requires_grad]
    grads = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return sum(float(grad.abs().sum()) for grad in grads if grad is not None)


def test_every_term_reaches_what_it_should(model, dataset):
    losses = _losses(model, *_colliding(model, dataset))
    assert {f'loss_{name}' for name in (*TERMS, *COHERENCE)} <= set(losses)
    assert all(torch.isfinite(torch.as_tensor(_total(losses, name))).all() for name in (*TERMS, *COHERENCE))
    assert float(losses['people_out_of_sight']) == 0
    for name in ('keypoints_2d', 'pose', 'interpenetration', 'depth_order'):
        # one network: the branch reads features of regions, not images that were cut out after detection
        assert _grad(model, _total(losses, name), model.backbone) > 0
    # bodies are moved by their cameras: the last three rows of the decoder
    for name in (*COHERENCE, 'keypoints_2d'):
        (grad,) = torch.autograd.grad(_total(losses, name), [model.roi_head.smpl_head.dec.weight], retain_graph=True)
        assert grad[154].abs().sum() > 0 and grad[155:].abs().sum() > 0
    discriminator = list(model.discriminator.parameters())
    assert torch.autograd.grad(_total(losses, 'adversarial'), discriminator, allow_unused=True)[0] is not None


def test_data_without_masks_say_nothing_of_depth(model, scenes):
    inputs, samples = _colliding(model, dataset_of(scenes, with_masks=False))
    for sample in samples:
        sample.gt_fields.instance_map.zero_()  # as it came
    losses = _losses(model, inputs, samples)
    assert float(losses['loss_depth_order']) == 0 and float(losses['loss_interpenetration']) > 0
    torch.autograd.grad(losses['loss_depth_order'], [model.roi_head.smpl_head.dec.weight])  # it keeps the graph


def test_labels_in_2d_alone_train_without_the_rest(model, dataset):
    inputs, samples = batch_of(model, dataset)
    for sample in samples:
        sample.gt_instance_labels.smpl_weights.zero_()
        sample.gt_instance_labels.keypoints_3d_weights.zero_()
    losses = _losses(model, inputs, samples)
    assert all(float(losses[f'loss_{name}']) == 0 for name in ('keypoints_3d', 'vertices', 'pose', 'betas'))
    assert float(losses['loss_keypoints_2d']) > 0


def test_a_batch_of_nobody(model, dataset):
    inputs, samples = batch_of(model, dataset)
    for sample in samples:
        sample.gt_instance_labels = sample.gt_instance_labels[:0]
        sample.gt_fields.instance_map.zero_()
    losses = _losses(model, inputs, samples)
    total, _ = model.parse_losses(losses)
    total.backward()
    assert torch.isfinite(total) and float(losses['loss_pose']) == 0
    assert all(torch.isfinite(p.grad).all() for p in model.roi_head.smpl_head.parameters())
    model.zero_grad()


def test_one_person_has_nobody_to_collide_with(model, dataset):
    inputs, samples = batch_of(model, dataset)
    for sample in samples:
        sample.gt_instance_labels = sample.gt_instance_labels[:1]
    losses = _losses(model, inputs, samples)
    assert float(losses['loss_interpenetration']) == 0 and float(losses['loss_depth_order']) == 0


def test_people_who_are_no_targets_are_neither_learnt_nor_background(model, dataset):
    inputs, samples = batch_of(model, dataset)
    labels = samples[0].gt_instance_labels
    labels.is_target[0] = 0
    found = scene_labels(samples, inputs)[0]
    assert len(found.people) == len(labels) - 1 and torch.equal(found.ignored.bboxes[0], labels.bboxes[0])
    assert found.people.map_number.tolist() == list(range(2, len(labels) + 1))


def test_the_best_proposal_of_each_person_is_chosen_by_its_raw_score():
    regions = PositiveRegions(
        boxes=torch.zeros(6, 4),
        image=torch.tensor([0, 0, 0, 0, 1, 1]),
        person=torch.tensor([1, 0, 1, 1, 0, 0]),
        logits=torch.tensor([3.0, -1.0, 5.0, 9.0, -4.0, -3.0]),
    )
    usable = torch.tensor([True, True, True, False, True, True])
    chosen = {image: rows.tolist() for image, rows in best_of_each(regions, usable)}
    assert chosen == {0: [1, 2], 1: [5]}


@pytest.mark.parametrize('depth', (float('nan'), float('inf'), -2.0))
def test_people_without_a_place_are_left_out_and_counted(model, dataset, depth):
    inputs, samples = batch_of(model, dataset, rows=(0,))
    labels = scene_labels(samples, inputs)
    vertices = model.body_model.v_template.expand(3, -1, 3).clone().requires_grad_()
    translation = torch.tensor([[0.0, 0, 3], [0.1, 0, 3], [0.1, 0, depth]])
    nothing, terms_of = torch.zeros(3, 0), CoherenceTerms(dict(type='InterpenetrationLoss', resolution=20))
    bodies = PlacedBodies(nothing, nothing, vertices, nothing, translation, nothing)
    for best, told in ((1, 0), (2, 1)):
        logits = torch.tensor([0.0, 5 if best == 1 else 1, 3])
        regions = PositiveRegions(torch.zeros(3, 4), torch.zeros(3).long(), torch.tensor([0, 1, 1]), logits)
        terms = terms_of(bodies, regions, labels, torch.eye(3)[None], model.body_model.faces, SIZE)
        assert float(terms['people_out_of_sight']) == told
        value = terms['loss_interpenetration']
        assert (float(value) > 0) == (told == 0) and torch.isfinite(value)
        (grad,) = torch.autograd.grad(value, vertices, retain_graph=True)
        assert torch.isfinite(grad).all() and (grad[:2].abs().sum() > 0) == (told == 0)


def test_whom_the_map_shows(model, dataset):
    inputs, samples = batch_of(model, dataset, rows=(0,))
    labels = scene_labels(samples, inputs)[0]
    shown = shown_rows(labels, torch.tensor([1]), SIZE)  # the first person has no proposal
    seen = samples[0].gt_fields.instance_map[0]
    assert shown.shape == SIZE[::-1]
    height, width = seen.shape
    inside = shown[:height, :width]
    assert ((inside == 0) == (seen == 2)).all() and ((inside == SOMEBODY_ELSE) == ((seen > 0) & (seen != 2))).all()
    assert ((inside == NOBODY) == (seen == 0)).all() and (shown[:, width:] == NOBODY).all()


def test_a_step_of_each_side(tiny_model, dataset):
    model = make_model(tiny_model)
    side = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-4))
    wrapper = AdversarialOptimizers(dict(generator=side, discriminator=side))(model)
    assert isinstance(wrapper, OptimWrapperDict)
    networks = dict(judge=model.discriminator.D_conv1.weight, network=model.roi_head.smpl_head.fc2.weight)
    before = {name: weight.detach().clone() for name, weight in networks.items()}
    told = model.train_step({key: [dataset[0][key]] for key in ('inputs', 'data_samples')}, wrapper)
    assert {'loss', 'loss_adversarial', 'judge'} <= set(told) and torch.isfinite(told['loss'])
    assert all(not torch.equal(before[name], weight) for name, weight in networks.items())
    expected = sum(value for name, value in told.items() if 'loss' in name and name != 'loss')
    torch.testing.assert_close(told['loss'], expected)  # the discriminator's loss is not the network's


def test_crops_of_one_person(tiny_model, scenes):
    """The first stage: the same network on crops, without discriminator and coherence."""
    from das_mm.datasets import PersonViewDataset

    model = make_model(
        tiny_model,
        data_preprocessor=dict(input_size=(96, 96)),
        train_cfg=dict(adversarial=None, coherence=dict(interpenetration=None, depth_order=None)),
    )
    view = PersonViewDataset(
        dataset=dict(
            type='DASDataset',
            ann_file=f'annotations/{scenes.annotations["gt24"].name}',
            data_root=str(scenes.root),
            keypoint_set='gt24',
        ),
        pipeline=[
            dict(type='LoadImage'),
            dict(type='PersonCrop', crop_px=96, augmentation=dict(flip_prob=1.0, rotation_prob=0.0, scale=0.0)),
            dict(type='PackPersonInputs'),
        ],
    )
    inputs, samples = batch_of(model, view)
    labels = scene_labels(samples, inputs)
    for one in labels:
        points = one.people.keypoints_2d[0]
        known = points[(points[:, 2] > 0) & (points[:, :2] >= 0).all(1) & (points[:, :2] < 96).all(1), :2]
        x1, y1, x2, y2 = one.people.bboxes[0].tolist()
        assert known[:, 0].min() > x1 - 12 and known[:, 0].max() < x2 + 12  # the box is the mirrored person's
        assert known[:, 1].min() > y1 - 12 and known[:, 1].max() < y2 + 12
    losses = _losses(model, inputs, samples)
    assert float(losses['loss_pose']) > 0 and 'loss_adversarial' not in losses
    assert not {f'loss_{name}' for name in COHERENCE} & set(losses)
