"""Mixing data sets by probability (DAS journal paper, Table 3)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from mmengine.dataset import ConcatDataset
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from das_mm.errors import UserError
from das_mm.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class MixedSourceSampler(Sampler):
    """Draws each sample of an epoch from one of several sources, by their probabilities.

    The number of samples of a source in an epoch of length L is its expectation, p·L (rounded), and their order is
    random, so every sample has probability p of coming from the source, and every epoch has the same mix. Inside a
    source images come from one permutation after the other, which go on from epoch to epoch: between two looks at an
    image every other one is seen. (The authors' mixer, like ROMP's, draws with replacement: there a third of a
    source is not seen in an epoch of its own length.) What an epoch gives follows from seed and epoch alone, so a
    resumed run repeats an uninterrupted one.

    Args:
        dataset: mmengine's ``ConcatDataset`` of the sources.
        probabilities: One for each source, positive, of sum 1.
        length: Samples of an epoch, over all processes; by default the greatest "expected length" of Table 3, i.e.
            number of images / probability, in which that source is seen once and the others more often.
        max_length: Cap of that default.
        seed: Of the order; by default one that all processes agree on.

    Raises:
        UserError: The dataset has no sources, or the probabilities do not fit them.
    """

    def __init__(
        self,
        dataset: ConcatDataset,
        probabilities: Sequence[float],
        length: int | None = None,
        max_length: int | None = None,
        seed: int | None = None,
    ):
        sizes = _source_sizes(dataset)
        _check_probabilities(probabilities, sizes)
        if length is None:
            length = max(math.ceil(size / p) for size, p in zip(sizes, probabilities))
            length = length if max_length is None else min(length, max_length)
        self.rank, self.world_size = get_dist_info()
        self.length = math.ceil(length / self.world_size) * self.world_size  # the same number for every process
        self.sizes = sizes
        self.first_index = np.concatenate([[0], np.cumsum(sizes)])[:-1]
        self.counts = _round_to_sum(np.asarray(probabilities, dtype=np.float64) * self.length)
        if not all(self.counts):
            raise UserError(
                f'an epoch of {self.length} samples has none of source {self.counts.index(0)}',
                field='probabilities',
                remedy='make the epoch longer, or leave the source out',
            )
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next iteration gives; mmengine's ``DistSamplerSeedHook`` says it."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Samples of an epoch for this process."""
        return self.length // self.world_size

    def __iter__(self) -> Iterator[int]:
        indices = np.concatenate([first + self._of_source(source) for source, first in enumerate(self.first_index)])
        np.random.default_rng([self.seed, self.epoch]).shuffle(indices)
        return iter(indices[self.rank :: self.world_size].tolist())

    def _of_source(self, source: int) -> np.ndarray:
        """(count,) images of a source in this epoch: the next stretch of its endless row of permutations."""
        size, count = self.sizes[source], self.counts[source]
        start = self.epoch * count
        first_pass, last_pass = start // size, (start + count - 1) // size
        passes = [
            np.random.default_rng([self.seed, source, number, 1]).permutation(size)
            for number in range(first_pass, last_pass + 1)
        ]
        offset = start - first_pass * size
        return np.concatenate(passes)[offset : offset + count]


def _source_sizes(dataset: ConcatDataset) -> list[int]:
    if not isinstance(dataset, ConcatDataset):
        raise UserError(
            f'a {type(dataset).__name__} has no sources to mix',
            field='sampler',
            remedy="make the dataset a dict(type='mmengine.ConcatDataset', datasets=[…])",
        )
    dataset.full_init()
    return [len(source) for source in dataset.datasets]


def _check_probabilities(probabilities: Sequence[float], sizes: list[int]) -> None:
    if len(probabilities) != len(sizes):
        raise UserError(
            f'{len(probabilities)} probabilities for {len(sizes)} sources',
            field='probabilities',
            remedy='give one for each dataset of the ConcatDataset, in its order',
        )
    if not all(p > 0 for p in probabilities):
        raise UserError(
            f'not all are positive: {list(probabilities)}',
            field='probabilities',
            remedy='leave out a source that is not to be used',
        )
    if not math.isclose(sum(probabilities), 1, abs_tol=1e-6):
        raise UserError(
            f'their sum is {sum(probabilities):.6g}, not 1', field='probabilities', remedy='divide each by the sum'
        )


def _round_to_sum(expected: np.ndarray) -> list[int]:
    """Whole numbers next to ``expected`` with the same sum, those with the greatest remainders rounded up."""
    counts = np.floor(expected + 1e-9).astype(int)
    short = round(expected.sum()) - counts.sum()
    counts[np.argsort(counts - expected, kind='stable')[:short]] += 1
    return counts.tolist()
