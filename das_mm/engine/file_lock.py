"""Between processes: one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TextIO

try:
    import fcntl
except ImportError:  # Windows: processes are not kept apart there
    fcntl = None


def file_lock(path: str | Path, wait: bool = True) -> AbstractContextManager[bool]:
    """A lock that is a file: the block is told whether this process holds it.

    The lock is the operating system's on the open file: it ends with the process that holds it, however that ends. The
    number in the file, which stays, is for people to read. Where there are no locks (Windows, some network file
    systems) everybody gets it.

    Args:
        path: Its folder is made where it is not there.
        wait: Until nobody else holds it; the block is then told True. Otherwise at once True or False.

    Raises:
        OSError: When called: the file cannot be made.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, file_lock(f'{folder}/.lock') as mine:
        ...     print(mine)
        True
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return _held(open(path, 'a+'), wait)


@contextmanager
def _held(file: TextIO, wait: bool) -> Iterator[bool]:
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            except OSError:  # a file system without locks
                pass
        with suppress(OSError):  # a full disk
            file.truncate(0)
            file.write(f'{os.getpid()}\n')
            file.flush()
        yield True
