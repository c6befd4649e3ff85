"""Between processes: one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


def file_lock(path: str | Path, wait: bool | float = True) -> AbstractContextManager[bool]:
    """A lock that is a file: the block is told whether this process holds it.

    The lock is the operating system's on the open file, which may stay when it is free: it ends with the process that
    holds it, however that ends. On a file system without locks everybody gets it.

    Args:
        path: Its folder is made where it is not there.
        wait: Until nobody else holds it (or so many seconds); the block is then told True. False: at once True or
            False.

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
    with open(path, 'a'):
        pass
    return _held(FileLock(path), wait)


@contextmanager
def _held(lock: FileLock, wait: bool | float) -> Iterator[bool]:
    try:
        lock.acquire(blocking=bool(wait), timeout=wait if isinstance(wait, float) else -1)
    except Timeout:
        yield False
        return
    except (OSError, NotImplementedError):  # a file system without locks
        yield True
        return
    try:
        yield True
    finally:
        lock.release()
