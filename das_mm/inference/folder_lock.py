"""One run at a time in an output folder."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from das_mm.engine import file_lock
from das_mm.errors import UserError

_LOCK_NAME = '.das_mm.lock'


def hold_folder(folder: str | Path | None) -> ExitStack:
    """Keep other runs out of a folder until the stack is closed (or nobody holds it any more).

    Raises:
        UserError: Another run writes there.
    """
    stack = ExitStack()
    if folder is not None and not stack.enter_context(file_lock(Path(folder, _LOCK_NAME), wait=False)):
        raise UserError(
            'another run writes there: the files of the two would mix',
            file=folder,
            field='out',
            remedy='wait until it has ended, or give another folder',
        )
    return stack
