"""Sources are mixed by probability, every image gets its turn, and an epoch follows from seed and number alone."""

import numpy as np
import pytest
from mmengine.dataset import BaseDataset, ConcatDataset
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from das_mm.datasets.samplers import MixedSourceSampler, mixed_source_sampler
from das_mm.errors import UserError


class Numbers(BaseDataset):
    """``size`` samples that are their own numbers."""

    def __init__(self, size, offset=0):
        self.size, self.offset = size, offset
        super().__init__(lazy_init=True)

    def full_init(self):
        self._fully_initialized = True

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        return self.offset + index


SIZES = (100, 30, 7)
STARTS = (0, 100, 130)


@pytest.fixture(scope='module')
def sources():
    return ConcatDataset([Numbers(size, start) for size, start in zip(SIZES, STARTS)])


def epoch(sampler, number):
    sampler.set_epoch(number)
    indices = list(sampler)
    assert len(indices) == len(sampler)
    return indices


def by_source(indices):
    source = np.searchsorted(STARTS, indices, side='right') - 1
    return [[index for index, s in zip(indices, source) if s == number] for number in range(3)]


def test_the_mix(sources):
    sampler = MixedSourceSampler(sources, [0.5, 0.3, 0.2], length=1000, seed=0)
    indices = epoch(sampler, 0)
    assert [len(part) for part in by_source(indices)] == [500, 300, 200]
    # the order is random: the sources are spread over the epoch
    halves = [[len(part) for part in by_source(half)] for half in (indices[:500], indices[500:])]
    assert all(200 < half[0] < 300 and 100 < half[1] < 200 for half in halves)
    runs = sum(a != b for a, b in zip(np.searchsorted(STARTS, indices), np.searchsorted(STARTS, indices)[1:]))
    assert runs > 400


def test_every_image_gets_its_turn(sources):
    """Each source gives one permutation after the other, over the epochs."""
    sampler = MixedSourceSampler(sources, [0.5, 0.3, 0.2], length=90, seed=1)  # 45, 27, 18 an epoch
    seen = [[], [], []]
    for number in range(20):
        parts = [sampler._of_source(source) for source in range(3) if not sampler.set_epoch(number)]
        for source, part in enumerate(parts):
            seen[source] += part.tolist()
        assert sorted(epoch(sampler, number)) == sorted(
            np.concatenate([start + part for start, part in zip(STARTS, parts)]).tolist()
        )
    orders = set()
    for numbers, size in zip(seen, SIZES):
        for first in range(0, len(numbers) - size + 1, size):
            assert sorted(numbers[first : first + size]) == list(range(size))
            orders.add(tuple(numbers[first : first + size]))
    assert len(orders) == sum(len(numbers) // size for numbers, size in zip(seen, SIZES))  # all different


def test_an_epoch_follows_from_seed_and_number(sources):
    one, other = (MixedSourceSampler(sources, [0.5, 0.3, 0.2], seed=3) for _ in range(2))
    epochs = [epoch(one, number) for number in range(4)]
    assert epoch(other, 3) == epochs[3] and epoch(other, 3) == epochs[3]  # a resumed run
    assert len({tuple(indices) for indices in epochs}) == 4
    assert epoch(MixedSourceSampler(sources, [0.5, 0.3, 0.2], seed=4), 0) != epochs[0]


def test_length(sources):
    length = lambda **options: len(MixedSourceSampler(sources, [0.5, 0.3, 0.2], seed=0, **options))
    assert length() == 200  # the greatest expected length: 100 / 0.5
    assert len(MixedSourceSampler(sources, [0.8, 0.1, 0.1], seed=0)) == 300  # 30 / 0.1
    assert length(max_length=150) == 150 and length(max_length=500) == 200 and length(length=77) == 77
    counts = [len(part) for part in by_source(epoch(MixedSourceSampler(sources, [0.5, 0.3, 0.2], 77, seed=0), 0))]
    assert sum(counts) == 77 and np.abs(np.array(counts) - [38.5, 23.1, 15.4]).max() < 1


@pytest.mark.parametrize('world_size', [2, 3])
def test_processes_share_an_epoch(sources, monkeypatch, world_size):
    whole = epoch(MixedSourceSampler(sources, [0.5, 0.3, 0.2], length=198, seed=5), 2)
    parts = []
    for rank in range(world_size):
        monkeypatch.setattr(mixed_source_sampler, 'get_dist_info', lambda: (rank, world_size))
        parts.append(epoch(MixedSourceSampler(sources, [0.5, 0.3, 0.2], length=198, seed=5), 2))
    assert [index for share in zip(*parts) for index in share] == whole
    longer = MixedSourceSampler(sources, [0.5, 0.3, 0.2], length=199, seed=5)
    assert longer.length % world_size == 0 and longer.length >= 199 and sum(longer.counts) == longer.length


def test_journal_table_3():
    """Lengths and probabilities of the paper; its "expected length" column is their quotient."""
    sizes = [62224, 40357, 20000, 6829, 9831, 26455, 9963]
    probabilities = [0.3, 0.2, 0.1, 0.05, 0.1, 0.125, 0.125]
    expected = [207413, 201785, 200000, 136580, 98310, 211640, 79704]
    assert np.allclose([size / p for size, p in zip(sizes, probabilities)], expected, atol=1)
    sampler = MixedSourceSampler(ConcatDataset([Numbers(size) for size in sizes]), probabilities, seed=0)
    assert len(sampler) == 211640 and sampler.counts[5] == 26455


@pytest.mark.parametrize(
    'probabilities, options, told',
    [
        ([0.5, 0.5], {}, '2 probabilities for 3 sources'),
        ([0.5, 0.3, 0.3], {}, 'their sum is 1.1, not 1'),
        ([0.7, 0.3, 0], {}, 'not all are positive'),
        ([1.2, -0.1, -0.1], {}, 'not all are positive'),
        ([0.9, 0.09, 0.01], dict(length=10), 'an epoch of 10 samples has none of source 2'),
    ],
)
def test_what_does_not_fit_is_told(sources, probabilities, options, told):
    with pytest.raises(UserError, match=told):
        MixedSourceSampler(sources, probabilities, seed=0, **options)


def test_one_dataset_is_no_mix():
    with pytest.raises(UserError, match='a Numbers has no sources'):
        MixedSourceSampler(Numbers(5), [1.0])


def test_from_a_config(sources):
    with DefaultScope.overwrite_default_scope('das_mm'):
        loader = Runner.build_dataloader(
            dict(
                batch_size=8,
                num_workers=0,
                dataset=sources,
                sampler=dict(type='MixedSourceSampler', probabilities=[0.5, 0.3, 0.2], max_length=64),
            ),
            seed=7,
        )
    assert isinstance(loader.sampler, MixedSourceSampler) and loader.sampler.seed == 7 and len(loader) == 8
    loader.sampler.set_epoch(1)
    numbers = [number for batch in loader for number in batch]
    assert numbers == epoch(MixedSourceSampler(sources, [0.5, 0.3, 0.2], length=64, seed=7), 1)
