"""When another rank of a run ends: which one it was, and what to do. (Data workers: :mod:`das_mm.killed_processes`.)"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path

import torch.distributed as dist

from das_mm.errors import UserError

_RANK = re.compile(
    r'gloo/|nccl|ProcessGroup|Connection (closed|reset) by peer|remote process exited|Broken pipe', re.IGNORECASE
)
_REMEDY = (
    'the first error that torchrun shows, or the log of that rank, says why; killed without a message, most often the '
    'memory was used up and the system ended it (dmesg says so): fewer workers (--cfg-options '
    'train_dataloader.num_workers=1), a smaller batch or smaller images; then the same command with --resume goes on '
    'from the last checkpoint'
)


@dataclass
class RankProcesses:
    """The processes of a distributed run, so that one which is gone can be named.

    Attributes:
        places: (host, process id) of every rank; empty for a run of one process and before :meth:`meet`.
    """

    places: list[tuple[str, int]] = field(default_factory=list)

    def meet(self) -> None:
        """Tell each other who is where; all ranks call it."""
        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            places: list = [None] * dist.get_world_size()
            dist.all_gather_object(places, (socket.gethostname(), os.getpid()))
            self.places = places

    def gone(self) -> list[int]:
        """Ranks of this host whose process has ended."""
        here = socket.gethostname()
        return [rank for rank, (host, pid) in enumerate(self.places) if host == here and not _lives(pid)]


def process_failure(error: BaseException, ranks: RankProcesses) -> UserError | None:
    """What an error of torch says of another rank, in words; None for an error of another kind."""
    text = str(error)
    if ranks.places and _RANK.search(text):
        gone = ranks.gone()
        named = ', '.join(f'rank {rank} (process id {ranks.places[rank][1]})' for rank in gone)
        return UserError(
            f'{named or "another rank, of another machine or still running,"} has left this run: {_first_line(text)}',
            field='--launcher',
            remedy=_REMEDY,
        )
    return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    stat = Path(f'/proc/{pid}/stat')  # one that ended and that nobody has asked after is a zombie
    try:
        return stat.read_text().rpartition(')')[2].split()[0] not in ('Z', 'X')
    except (OSError, IndexError):
        return True


def _first_line(text: str) -> str:
    return text.strip().split('\n')[0][:160]
