"""An epoch of RLE's mixture: every person of the set with depths once, and as many photographs drawn at random."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from mmengine.dataset import ConcatDataset
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from das_mm.errors import UserError
from das_mm.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class PhotographHalfSampler(Sampler):
    """2·N samples in random order: the N of the first set once each, and N draws with replacement from the second.

    (:class:`.MixedSourceSampler` draws without replacement, and ends no epoch with all of a source.)

    Args:
        dataset: ``ConcatDataset`` of two sets, the one with depths first.
        seed: Of the draws; by default one that all processes agree on.

    Raises:
        UserError: Another number of sets, or an empty one.
    """

    def __init__(self, dataset: ConcatDataset, seed: int | None = None):
        parts = getattr(dataset, 'datasets', ())
        if len(parts) != 2 or not all(len(part) for part in parts):
            raise UserError(
                f'the mixture needs two sets with people, and this has {[len(part) for part in parts]}',
                field='train_dataloader.dataset',
                remedy="give dict(type='ConcatDataset', datasets=[with depths, photographs])",
            )
        self.sizes = [len(part) for part in parts]
        self.rank, self.world_size = get_dist_info()
        self.seed, self.epoch = sync_random_seed() if seed is None else seed, 0

    def __len__(self) -> int:
        return math.ceil(2 * self.sizes[0] / self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next iteration gives."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        first, second = self.sizes
        indices = np.concatenate([np.arange(first), first + rng.integers(second, size=first)])
        indices = np.resize(rng.permutation(indices), len(self) * self.world_size)  # the same number for every process
        return iter(indices[self.rank :: self.world_size].tolist())
