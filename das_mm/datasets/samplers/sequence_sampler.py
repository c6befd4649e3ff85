"""Videos in their order, each wholly on one process: what a model with a memory must be tested with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from das_mm.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class SequenceSampler(Sampler):
    """Goes through the images sorted by ``seq``, ``view`` and ``frame``; a video is never shared among processes.

    Videos are dealt out so that every process has about as many images; a process may have more than another, and no
    image comes twice.

    Args:
        dataset: A :class:`DASDataset`.
        shuffle, seed, round_up: What mmengine hands to every sampler; of no effect.
    """

    def __init__(self, dataset, shuffle: bool = False, seed: int | None = None, round_up: bool = False):
        self.rank, self.world_size = get_dist_info()
        dataset.full_init()
        records = dataset.data_list
        columns = records.table.columns
        seq, view, frame = (np.asarray(columns[name])[records.rows] for name in ('seq', 'view', 'frame'))
        order = np.lexsort([frame, view, seq])
        starts = np.flatnonzero(np.diff(np.stack([seq, view])[:, order], prepend=-1).any(axis=0))
        videos = np.split(order, starts[1:])
        load = [0] * self.world_size
        self.indices: list[int] = []
        for video in sorted(videos, key=len, reverse=True):
            least = int(np.argmin(load))
            load[least] += len(video)
            if least == self.rank:
                self.indices += video.tolist()

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices)

    def set_epoch(self, epoch: int) -> None:
        """Nothing changes."""
