"""Which of several processes one is, and what falls to it."""

from __future__ import annotations

import random

import pytest

from das_mm.engine.ranks import Rank
from das_mm.errors import UserError


def test_what_launchers_tell():
    torchrun = dict(TORCHELASTIC_RUN_ID='none', RANK='5', WORLD_SIZE='8', LOCAL_RANK='1')
    assert Rank.of_process(None, torchrun) == Rank(5, 8, 1, 'pytorch')
    assert Rank.of_process('none', torchrun) == Rank()
    assert Rank.of_process(None, {}) == Rank()
    slurm = dict(SLURM_PROCID='2', SLURM_NTASKS='4', SLURM_LOCALID='0')
    assert Rank.of_process(None, slurm) == Rank()  # a shell of slurm is no rank by itself
    assert Rank.of_process('slurm', slurm) == Rank(2, 4, 0, 'slurm')
    openmpi = dict(OMPI_COMM_WORLD_RANK='1', OMPI_COMM_WORLD_SIZE='2', OMPI_COMM_WORLD_LOCAL_RANK='1')
    assert Rank.of_process('mpi', openmpi) == Rank(1, 2, 1, 'mpi')
    assert Rank.of_process('mpi', dict(PMI_RANK='3', PMI_SIZE='4')) == Rank(3, 4, 0, 'mpi')
    for launcher in ('pytorch', 'slurm', 'mpi'):
        with pytest.raises(UserError, match='--launcher: this process has no rank') as caught:
            Rank.of_process(launcher, {})
        assert caught.value.remedy
    Rank().meet()  # alone there is nobody to wait for


@pytest.mark.parametrize('count', [1, 2, 3, 8])
def test_everything_is_shared_once_and_evenly(count):
    chance = random.Random(count)
    sizes = [chance.choice([None, chance.randrange(10**6)]) for _ in range(101)]
    shares = [Rank(number, count).share(sizes) for number in range(count)]
    assert sorted(row for rows in shares for row in rows) == list(range(101))
    assert all(rows == sorted(rows) for rows in shares)
    images = [sum(sizes[row] is None for row in rows) for rows in shares]
    videos = [sum(sizes[row] or 0 for row in rows) for rows in shares]
    assert max(images) - min(images) <= 1 and max(videos) - min(videos) <= max(size or 0 for size in sizes)
