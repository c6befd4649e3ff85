"""Reading while others compute: same items, same errors, and no thread left behind."""

from __future__ import annotations

import threading

import pytest

from das_mm.errors import UserError
from das_mm.inference.prefetch import read_ahead
from tests.pictures import picture


class Items:
    """Counts what is made; ``closed`` when its generator was closed."""

    def __init__(self, number, error=None):
        self.made, self.closed, self.number, self.error = 0, threading.Event(), number, error
        self.enough = threading.Event()

    def __call__(self):
        try:
            for item in range(self.number):
                self.made += 1
                if self.made == 4:
                    self.enough.set()
                yield item
            if self.error is not None:
                raise self.error
        finally:
            self.closed.set()


def test_the_same_items_and_no_more_than_allowed_ahead():
    items = Items(50)
    found = read_ahead(items(), depth=2)
    assert items.made == 0  # nothing before it is asked for
    assert next(found) == 0
    assert items.enough.wait(20)  # one given, two in line, one in the hand
    assert items.made == 4
    assert list(found) == list(range(1, 50))
    assert items.closed.is_set()


@pytest.mark.parametrize('error', [ValueError('broken'), KeyboardInterrupt()])
def test_an_error_comes_behind_the_items_before_it(error):
    found = read_ahead(Items(3, error)(), depth=10)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(type(error)):
        next(found)


@pytest.mark.parametrize('leave', ['close', 'forget', 'throw'])
def test_no_thread_is_left(leave):
    items = Items(10**6)
    before = threading.active_count()
    found = read_ahead(items(), depth=2)
    next(found)
    assert threading.active_count() == before + 1
    if leave == 'close':
        found.close()
    elif leave == 'throw':
        with pytest.raises(KeyboardInterrupt):
            found.throw(KeyboardInterrupt())
    del found
    assert items.closed.is_set() and items.made <= 5 and threading.active_count() == before


def test_inference_reads_ahead_and_ends_its_thread(inferencer):
    reading = lambda: [one.name for one in threading.enumerate() if one.name == 'read_ahead']
    results = inferencer([picture(seed=seed) for seed in range(30)])
    assert reading() == []
    next(results)
    assert reading() == ['read_ahead']
    results.close()
    assert reading() == []


def test_an_error_ends_the_thread_though_its_traceback_is_kept(inferencer, monkeypatch):
    def broken(batch):
        raise MemoryError('the GPU is full')

    monkeypatch.setattr(inferencer.model, 'test_step', broken)
    with pytest.raises(UserError, match='memory does not hold .*the GPU is full') as kept:
        list(inferencer([picture(seed=seed) for seed in range(30)]))
    assert kept.value.field == 'batch_size' and 'smaller --batch-size' in kept.value.remedy
    assert kept.tb and all(one.name != 'read_ahead' for one in threading.enumerate())
