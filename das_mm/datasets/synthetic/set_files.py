"""Files of a set: written whole or not at all, and with words a user can act on where the disk says no."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path

from das_mm.engine import file_lock
from das_mm.engine.write_errors import write_remedy
from das_mm.errors import UserError


def write_error(error: OSError, path: Path | str) -> UserError:
    """The message for a file that could not be written."""
    return UserError(
        f'cannot be written ({error.strerror or error})',
        file=path,
        remedy=f'{write_remedy(error)}; run the same command again and it goes on where it stopped',
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
