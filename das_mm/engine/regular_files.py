"""Ordinary files, as opposed to what waits for ever or never ends when it is read."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import BinaryIO

from das_mm.errors import UserError

_KINDS = (
    (stat.S_ISDIR, 'a folder'),
    (stat.S_ISFIFO, 'a named pipe'),
    (stat.S_ISCHR, 'a device'),
    (stat.S_ISBLK, 'a device'),
    (stat.S_ISSOCK, 'a socket'),
)


def check_regular(path: str | Path, field: str | None = None) -> None:
    """
    Raises:
        UserError: There is no such file, it cannot be looked at, or it is none: a folder, a pipe (which would be waited
            for), a device (which may have no end), a socket.
    """
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, 'strerror', None) or error
        raise UserError(f'it cannot be read: {reason}', file=path, field=field, remedy='check the path') from error
    if not stat.S_ISREG(mode):
        kind = next((words for matches, words in _KINDS if matches(mode)), 'something else')
        raise UserError(
            f'it is {kind}, not a file', file=path, field=field, remedy='give a file; write what a pipe gives to one'
        )


def open_regular(path: str | Path, field: str | None = None) -> BinaryIO:
    """The file, open for reading bytes.

    Raises:
        UserError: As :func:`check_regular`, or it cannot be opened.
    """
    check_regular(path, field)
    try:
        return open(path, 'rb')
    except OSError as error:
        raise UserError(
            f'it cannot be read: {error.strerror or error}', file=path, field=field, remedy='check its rights'
        ) from error
