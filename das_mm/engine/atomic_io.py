"""Files that are either whole or not there."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from das_mm.errors import UserError

from .write_errors import write_remedy


def atomic_write(path: str | Path, data: bytes) -> None:
    """Write `data` so that at every moment, also after a kill or a power cut, `path` is the old file or the new one.

    One writer per path. What a kill leaves behind is `.<name>.part`, which the next write of that name replaces.

    Raises:
        UserError: The folder cannot be written or the disk is full. The old file, if any, is untouched.
    """
    with atomic_open(path) as file:
        file.write(data)


@contextlib.contextmanager
def atomic_open(path: str | Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the name `path` when the block ends well: see :func:`atomic_write`.

    Raises:
        UserError: As there. Whatever else is raised in the block leaves the old file untouched too.
    """
    path = Path(path)
    part = path.with_name(f'.{path.name}.part')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, 'wb') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise UserError(
            f'it cannot be written: {error.strerror or error}', file=path, remedy=write_remedy(error)
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def check_writable(folder: str | Path, field: str | None = None) -> None:
    """Make the folder and try it: before hours of work, not after them.

    Raises:
        UserError: Nothing can be written there; ``field`` names the option that said so.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f'nothing can be written there: {error.strerror or error}',
            file=folder,
            field=field,
            remedy=write_remedy(error),
        ) from error


def check_file_writable(path: str | Path, field: str | None = None) -> None:
    """Try the folder of a file that is to be written: before the work, not after it.

    Raises:
        UserError: The path is a folder, or nothing can be written beside it.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError('this is a folder', file=path, field=field, remedy='name a file, for instance one in it')
    check_writable(path.parent, field)


def _sync_folder(folder: Path) -> None:
    """The new name itself must reach the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
