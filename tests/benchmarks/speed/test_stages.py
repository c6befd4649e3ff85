"""The clock: every moment belongs to one stage."""

from __future__ import annotations

import itertools

import pytest
import torch

from das_mm.benchmarks.speed import Planting, StageClock, clocked, make_scene
from das_mm.benchmarks.speed.subject import random_input
from tests.toy_das import INPUT_SIZE

from .conftest import SHAPES

CPU = torch.device('cpu')


def test_nested_stages_are_counted_once(monkeypatch):
    seconds = itertools.count()
    monkeypatch.setattr(
        'das_mm.benchmarks.speed.stages.work_clock', lambda device: lambda: next(seconds)
    )  # a second a mark
    clock = StageClock(CPU)
    clock.start()
    with clock.stage('outer'):
        with clock.stage('inner'):
            pass
        with clock.stage('inner'):
            pass
    with clock.stage('outer'):
        pass
    times_s = clock.stop()
    assert times_s == dict(other=3, outer=4, inner=2)
    assert sum(times_s.values()) == next(seconds) - 1


def test_a_clock_starts_anew():
    clock = StageClock(CPU)
    for name in ('first', 'second'):
        clock.start()
        with clock.stage(name):
            pass
        assert set(clock.stop()) == {'other', name}


def test_the_stages_of_a_forward_pass(model):
    scene = make_scene(model.head, 2, INPUT_SIZE)
    clock, image = StageClock(CPU), random_input(model, 1, INPUT_SIZE)
    with Planting(model.head, scene, SHAPES):
        clock.start()
        with clocked(model, clock):
            done = model.predict(image, scene.samples())
        times_s = clock.stop()
        assert len(done[0].pred_instances) == 2
    assert set(times_s) == {
        'other',
        'backbone',
        'neck',
        'cls tower',
        'reg tower',
        'pose tower',
        'recursion',
        'decode',
        'NMS',
        'camera',
    }
    assert all(seconds > 0 for seconds in times_s.values())


def test_the_model_is_left_as_it_was(model):
    def instance_functions():
        return {
            (name, key)
            for name, module in model.named_modules()
            for key, value in vars(module).items()
            if callable(value) and key in ('forward', 'at_points', 'sparse', 'dense', 'loss_by_feat')
        }

    nms, before = model.head.nms, instance_functions()
    with pytest.raises(ZeroDivisionError), clocked(model, StageClock(CPU)):
        assert model.head.nms is not nms and len(instance_functions()) > 10
        raise ZeroDivisionError
    assert model.head.nms is nms and instance_functions() == before
    assert 'decode' not in vars(model.head.coder)
