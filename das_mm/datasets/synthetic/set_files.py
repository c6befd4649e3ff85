"""Files of a set: written whole or not at all, and with words a user can act on where the disk says no."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from pathlib import Path

from das_mm.engine import file_lock
from das_mm.errors import UserError

_REMEDIES = {
    errno.ENOSPC: 'free some space or choose another folder; run the same command again and it goes on where it '
    'stopped',
    errno.EDQUOT: 'your quota is used up: free some space or choose another folder, then run the same command again',
    errno.EACCES: 'choose a folder that you may write to',
    errno.EPERM: 'choose a folder that you may write to',
    errno.ENOENT: 'choose a folder that can be made',
    errno.EROFS: 'the file system is read-only: choose another folder',
    errno.ENOTDIR: 'a file stands where a folder is needed: choose another folder',
    errno.EEXIST: 'a file stands where a folder is needed: choose another folder',
}


def write_error(error: OSError, path: Path | str) -> UserError:
    """The message for a file that could not be written."""
    return UserError(
        f'cannot be written ({error.strerror or error})',
        file=path,
        remedy=_REMEDIES.get(error.errno or 0, 'look at the disk, then run the same command again'),
    )


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is either absent (or as before) or complete, whatever happens meanwhile.

    Raises:
        UserError: The disk is full, the folder may not be written to …
    """
    path = Path(path)
    unfinished = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(unfinished, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # some file systems report a full disk only here
        os.replace(unfinished, path)
    except OSError as error:
        with suppress(OSError):  # the first error is the one to tell
            unfinished.unlink(missing_ok=True)
        raise write_error(error, path) from error


@contextmanager
def sole_writer(folder: Path, name: str):
    """Hold the lock file ``.{name}.lock`` of a folder; another process that wants it waits.

    Raises:
        UserError: The folder cannot be made or written to.
    """
    path = Path(folder) / f'.{name}.lock'
    try:
        lock = file_lock(path)
    except OSError as error:
        raise write_error(error, path) from error
    with lock:
        yield
