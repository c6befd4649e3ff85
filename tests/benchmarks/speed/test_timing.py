"""Timing in turn, spreads, and peaks of memory."""

from __future__ import annotations

import time
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper

from das_mm.benchmarks.speed import Spread, Timed, peak_bytes, time_in_turn
from das_mm.benchmarks.speed.model_speed import _optimizer
from das_mm.benchmarks.speed.timing import ratios, time_once, work_clock

CPU = torch.device('cpu')


def test_functions_take_turns_and_the_order_turns_too():
    order, rounds = [], []
    functions = {name: Timed(lambda name=name: order.append(name)) for name in 'ab'}
    taken = time_in_turn(functions, runs=3, warmup=1, device=CPU, on_round=lambda *done: rounds.append(done))
    assert ''.join(order) == 'ba' + 'ab' + 'ba' + 'ab'
    assert rounds == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {name: (len(one.wall_s), len(one.work_s)) for name, one in taken.items()} == dict(a=(3, 3), b=(3, 3))


def test_some_take_part_in_every_nth_round_only():
    taken = time_in_turn(dict(a=Timed(lambda: None), b=Timed(lambda: None, every=4)), runs=10, warmup=0, device=CPU)
    assert (len(taken['a'].wall_s), len(taken['b'].wall_s)) == (10, 5)  # rounds 0, 1, 2, 4, 8


def test_with_one_thread_work_is_the_time_that_the_process_was_given(monkeypatch):
    """With several it is the time on the wall; the clocks are read around a run, wall outside work."""
    assert torch.get_num_threads() == 1 and work_clock(CPU) is time.process_time
    monkeypatch.setattr(time, 'perf_counter', iter([10.0, 13.0]).__next__)
    monkeypatch.setattr(time, 'process_time', iter([1.0, 1.5]).__next__)
    assert time_once(lambda: None, CPU) == (3.0, 0.5)
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 2)
    monkeypatch.setattr(time, 'perf_counter', iter([10.0, 11.0, 14.0, 16.0]).__next__)
    assert time_once(lambda: None, CPU) == (4.0, 5.0)


def test_a_spread():
    spread = Spread.of([4.0, 1.0, 2.0, 3.0, 100.0])
    assert (spread.median, spread.quartile_1, spread.quartile_3, spread.mean) == (3, 2, 4, 22)
    assert (spread.least, spread.largest, spread.count) == (1, 100, 5)
    assert Spread.of([2.0]) == Spread(2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1)


def test_ratios_are_taken_round_by_round():
    assert ratios([1.0, 10.0, 3.0], [2.0, 20.0, 6.0]).as_dict() == Spread.of([0.5] * 3).as_dict()


def test_the_peak_counts_what_is_there_at_one_time():
    megabyte = torch.zeros(1 << 18)

    def run():
        first = megabyte + 1
        second = first + 1
        del first
        return [second + 1, second]

    assert 3 << 20 > peak_bytes(run, CPU) >= 2 << 20


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_the_peak_on_a_gpu():
    device = torch.device('cuda')
    assert peak_bytes(lambda: torch.zeros(1 << 18, device=device) + 1, device) == 2 << 20


def test_optimizer_of_a_config_that_trains_in_bfloat16():
    """A step is timed in the precision of its variant, whatever the config's own wrapper is told of it."""
    model: Any = torch.nn.Linear(2, 2)
    optimizer = dict(type='AdamW', lr=1.0)
    model.cfg = Config(dict(optim_wrapper=dict(type='BFloat16OptimWrapper', precision='auto', optimizer=optimizer)))
    wrapper = _optimizer(model)
    assert type(wrapper) is OptimWrapper and [group['lr'] for group in wrapper.param_groups] == [0.0]
