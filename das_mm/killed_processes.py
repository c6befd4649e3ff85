"""What to say when another process of a run was ended from outside: the system does so for want of memory."""

from __future__ import annotations

import os
import re

_WORKER = re.compile(r'DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\) (?:is killed by signal: (\w[\w ]*)|exited unexp)')
_PEER = re.compile(r'Connection (?:closed|reset) by peer|NCCL.*remote process exited', re.DOTALL)


def words_of_killed(error: RuntimeError) -> str | None:
    """Which process was ended, and what to do; None for another error.

    Args:
        error: As torch raises it: a data loader that lost a worker, or a rank that lost another.
    """
    text = str(error)
    worker = _WORKER.search(text)
    if worker is not None:
        signal = f' by the signal {worker[2].strip()}' if worker[2] else ''
        return (
            f'a worker of a data loader (process {worker[1].strip()}) was killed{signal}, perhaps by the system for '
            'want of memory\n'
            '  remedy: give the data loaders fewer workers (--cfg-options train_dataloader.num_workers=1 '
            'val_dataloader.num_workers=1) or smaller batches; in a container give it more shared memory '
            '(--shm-size); then go on with --resume'
        )
    if _PEER.search(text):
        return (
            f'rank {os.environ.get("RANK", "?")} of {os.environ.get("WORLD_SIZE", "?")} lost the connection to another '
            'rank, which has ended or was killed\n'
            '  remedy: the other ranks say above what ended them; if one was killed for want of memory, take smaller '
            'batches or fewer workers; then go on with --resume'
        )
    return None
