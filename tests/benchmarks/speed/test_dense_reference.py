"""The dense reference gives what the head gives, and a difference is told."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config

from das_mm.benchmarks.speed import Planting, make_scene, make_subject
from das_mm.benchmarks.speed.costs import compare_costs, convolution_macs, head_costs
from das_mm.benchmarks.speed.dense_reference import DenseReference, largest_difference
from das_mm.benchmarks.speed.suppression_comparison import make_candidates
from tests.toy_das import INPUT_SIZE

from .conftest import SHAPES


@pytest.mark.parametrize('count', [0, 1, 4])
def test_the_same_people(model, feats, count):
    head = model.head
    scene = make_scene(head, count, INPUT_SIZE)
    with Planting(head, scene, SHAPES), torch.no_grad():
        people = head.predict(feats, scene.samples(), model.test_cfg)[0]
        dicts = DenseReference(head, model.test_cfg).predict(feats, scene.samples())[0]
    assert len(dicts) == count and largest_difference(people, dicts) < 1e-3


def test_a_difference_is_told(model, feats):
    head = model.head
    scene = make_scene(head, 3, INPUT_SIZE)
    with Planting(head, scene, SHAPES), torch.no_grad():
        people = head.predict(feats, scene.samples(), model.test_cfg)[0]
        dicts = DenseReference(head, model.test_cfg).predict(feats, scene.samples())[0]
    assert largest_difference(people, dicts[1:]) == float('inf')
    dicts[1]['keypoints_px'] = dicts[1]['keypoints_px'] + 1
    assert largest_difference(people, dicts) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize('count', [1, 7, 20])
def test_the_same_people_of_a_thousand_candidates(model, count):
    outputs, scores = make_candidates(model.head, count, (640, 480), torch.device('cpu'))
    people = model.head.predict_by_feat(outputs, scores, 1, torch.device('cpu'))[0]
    dicts = DenseReference(model.head).loop(outputs, scores)
    assert len(scores) == 1000 and len(people) == count and largest_difference(people, dicts) < 1e-3


def test_the_same_losses_and_gradients(model, feats):
    head = model.head
    scene = make_scene(head, 3, INPUT_SIZE)
    found = []
    with Planting(head, scene, SHAPES):
        for loss in (head.loss, DenseReference(head).loss):
            inputs = [feat.clone().requires_grad_() for feat in feats]
            head.zero_grad()
            losses = loss(inputs, scene.samples())
            sum(value for name, value in losses.items() if 'loss' in name).backward()
            found.append(
                (
                    {name: float(value.detach()) for name, value in losses.items()},
                    [one.grad for one in (*inputs, *head.parameters())],
                )
            )
    head.zero_grad()
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-4)
    for sparse, dense in zip(found[0][1], found[1][1]):
        torch.testing.assert_close(sparse, torch.zeros_like(sparse) if dense is None else dense, rtol=1e-3, atol=1e-5)


def test_counted_costs_are_those_of_the_convolutions_that_run(toy_config, feats):
    config = Config.fromfile(toy_config)
    config.model.head['update'] = dict(type='PlainUpdate', num_layers=1)  # it has no convolutions that are no modules
    head = make_subject(config, None, torch.device('cpu')).head
    _, dense = compare_costs(head, SHAPES, (16, 32))
    assert convolution_macs(head, lambda: head(feats)) == dense.macs
    sparse, _ = compare_costs(head, SHAPES, (32,))
    scene = make_scene(head, 1, INPUT_SIZE, (32,))
    with Planting(head, scene, SHAPES):
        macs = convolution_macs(head, lambda: head.predict(feats, scene.samples()))
    assert macs == sparse.macs < 0.6 * dense.macs


def test_what_is_enough_at_points(model):
    update = head_costs(model.head)['points'].macs - 16 * (2 + 1 + 1)  # offset, depth, centerness
    assert update == 2 * 16 * 15 * (2 * 2 + 3 * 3)  # layers, channels, keypoints, (steps, and three times x, y, z)
