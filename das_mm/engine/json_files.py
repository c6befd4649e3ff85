"""Json out of files that others wrote, with errors in words."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from das_mm.errors import UserError

from .regular_files import check_regular

_AGAIN = 'the file is damaged: copy, download or create it again'


def read_json(
    path: str | Path,
    *,
    what: str = 'the file',
    absent: str = 'check the path',
    remedy: str = _AGAIN,
    field: str | None = None,
    object_hook: Callable[[dict], Any] | None = None,
) -> Any:
    """The content of a json file. A byte order mark, as some editors of Windows write, is passed over.

    Args:
        path: The file.
        what: Its name in a sentence.
        absent: What to do where there is no such file. remedy: What to do where it is damaged.
        field: Of the error: the option that named the file.
        object_hook: Of :func:`json.load`.

    Raises:
        UserError: The file is absent, cannot be read, or is no json.
    """
    if os.path.exists(path):
        check_regular(path, field)  # or a pipe is waited for
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise UserError(f'{what} does not exist', file=path, field=field, remedy=absent) from None
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        reason = getattr(error, 'strerror', None) or error
        raise UserError(
            f'{what} cannot be read ({reason})', file=path, field=field, remedy='check the path and its permissions'
        ) from None
    return parse_json(data, path, remedy=remedy, field=field, object_hook=object_hook)


def parse_json(
    data: bytes,
    file: str | Path,
    *,
    remedy: str = _AGAIN,
    field: str | None = None,
    object_hook: Callable[[dict], Any] | None = None,
) -> Any:
    """The content of some bytes of ``file``; arguments as of :func:`read_json`.

    Raises:
        UserError: They are no json.
    """
    try:
        return json.loads(data.decode('utf-8-sig'), object_hook=object_hook)
    except UnicodeDecodeError as error:
        problem = f'is no valid json: byte {error.start} is no UTF-8 ({error.reason})'
    except RecursionError:
        problem = 'is no valid json that can be read: its lists or objects are nested too deeply'
    except ValueError as error:  # JSONDecodeError, and numbers of more digits than python reads
        problem = f'is no valid json, perhaps cut short ({error})'
    raise UserError(problem, file=file, field=field, remedy=remedy)
