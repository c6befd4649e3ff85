"""Planted people: found in number, on the levels asked for, and gone afterwards."""

from __future__ import annotations

import pytest
import torch

from das_mm.benchmarks.speed import Planting, make_scene
from das_mm.errors import UserError
from tests.toy_das import INPUT_SIZE

from .conftest import SHAPES


@pytest.mark.parametrize('count', [0, 1, 4])
def test_the_head_finds_as_many_people_as_were_planted(model, feats, count):
    head = model.head
    scene = make_scene(head, count, INPUT_SIZE, batch=2)
    feats = [torch.cat([feat, feat]) for feat in feats]
    with Planting(head, scene, SHAPES) as planting, torch.no_grad():
        confident = sum(int((logits.sigmoid() > 0.05).sum()) for logits in head.forward_centers(feats))
        found = head.predict(feats, scene.samples())
    assert [len(people) for people in found] == [count, count]
    assert confident == planting.num_points >= 4 * count
    for people, labels in zip(found, scene.labels):  # and where they were planted
        if count:
            nearest = torch.cdist(people.keypoints_px.flatten(1), labels.keypoints.flatten(1)).argmin(dim=1)
            assert sorted(nearest.tolist()) == list(range(count))


@pytest.mark.parametrize('strides', [(16,), (32,), (16, 32)])
def test_people_are_on_the_levels_that_were_asked_for(model, strides):
    scene = make_scene(model.head, 3, INPUT_SIZE, strides)
    targets = scene.targets(model.head, SHAPES)
    used = {stride for stride, target in zip(model.head.strides, targets) if len(target.person)}
    assert used == set(strides) == set(scene.strides)


def test_one_person_uses_one_level(model):
    assert make_scene(model.head, 1, INPUT_SIZE).strides == (16,)


def test_the_head_is_left_as_it_was(model):
    head = model.head
    before = {name: value.clone() for name, value in head.state_dict().items()}
    with Planting(head, make_scene(head, 2, INPUT_SIZE), SHAPES):
        assert head.state_dict().keys() != before.keys()
    assert head.state_dict().keys() == before.keys()
    for name, value in head.state_dict().items():
        torch.testing.assert_close(value, before[name], msg=name)


def test_what_cannot_be_planted_is_told(model):
    head = model.head
    with pytest.raises(UserError, match='no level of stride 8'):
        make_scene(head, 2, INPUT_SIZE, (8,))
    with pytest.raises(UserError, match='-1 people'):
        make_scene(head, -1, INPUT_SIZE)
    with pytest.raises(UserError, match='do not fit'):
        Planting(head, make_scene(head, 200, INPUT_SIZE), SHAPES)
    with pytest.raises(UserError, match='two levels of one size'):
        Planting(head, make_scene(head, 1, INPUT_SIZE), [(4, 5), (4, 5)])
