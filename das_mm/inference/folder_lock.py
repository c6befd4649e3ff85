"""One run at a time in an output folder."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from das_mm.engine import file_lock
from das_mm.engine.ranks import Rank
from das_mm.errors import UserError

_LOCK_NAME = '.das_mm{}.lock'
_LOOKED_S = 5.0  # another process of this run may look at the same moment


def hold_folder(folder: str | Path | None, rank: Rank | None = None) -> ExitStack:
    """Keep other runs out of a folder until the stack is closed (or nobody holds it any more).

    Args:
        folder: None: nothing is held.
        rank: One of several processes of a run: they hold it together.

    Raises:
        UserError: Another run writes there.
    """
    stack = ExitStack()
    if folder is None:
        return stack
    number, count = (0, 1) if rank is None else (rank.number, rank.count)
    family = '' if count == 1 else f'-of-{count}'
    mine = Path(folder, _LOCK_NAME.format(f'.{number}{family}' if family else ''))
    others = [one for one in Path(folder).glob(_LOCK_NAME.format('*')) if not (family and f'{family}.' in one.name)]
    free = all(_is_free(one) for one in others if one != mine)
    if not free or not stack.enter_context(file_lock(mine, wait=False)):
        raise UserError(
            'another run writes there: the files of the two would mix',
            file=folder,
            field='out',
            remedy='wait until it has ended, or give another folder',
        )
    return stack


def _is_free(lock: Path) -> bool:
    with file_lock(lock, wait=_LOOKED_S) as free:
        return free
