"""One training at a time in a work directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from das_mm.engine import file_lock
from das_mm.errors import UserError

LOCK_NAME = '.training.lock'
#: data workers of a training that was killed hold its lock until they notice
_PATIENCE_S = 10.0
_RANK_VARIABLES = ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK')


@contextmanager
def sole_training(work_dir: str | Path) -> Iterator[None]:
    """Hold a work directory; of several ranks the first does, for all.

    Raises:
        UserError: Another training holds it.
    """
    rank = next((os.environ[name] for name in _RANK_VARIABLES if name in os.environ), '0')
    if rank != '0':
        yield
        return
    with file_lock(Path(work_dir, LOCK_NAME), wait=_PATIENCE_S) as mine:
        if not mine:
            raise UserError(
                'another training runs in this work directory: checkpoints of the two would mix',
                file=work_dir,
                field='--work-dir',
                remedy='wait for its end, stop it, or give another --work-dir',
            )
        yield
