"""Which images of an annotation file are not on this disk, found by listing folders rather than asking file by file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from das_mm.engine import atomic_write
from das_mm.errors import UserError

from .record_table import RecordTable


def absent_images(table: RecordTable, image_root: str) -> np.ndarray:
    """Rows (n,) of the images of ``table`` that are not below ``image_root``, ascending.

    The answer is kept with a cached table and holds until one of the folders changes.
    """
    if table.folder is None:
        return _look(table, image_root)[0]
    root = os.path.realpath(image_root)
    note = Path(table.folder) / f'absent-{hashlib.sha256(root.encode()).hexdigest()[:16]}.json'
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # no note, or a damaged one
        stored = json.loads(note.read_text(encoding='utf-8'))
        unchanged = all(_changed_ns(folder) == at for folder, at in stored['folders'].items())
        if unchanged and stored['token'] == table.token:
            return np.array(stored['rows'], dtype=np.int64)
    rows, folders = _look(table, root)
    with contextlib.suppress(UserError):  # then the next start looks again
        atomic_write(note, json.dumps(dict(token=table.token, folders=folders, rows=rows.tolist())).encode())
    return rows


def _look(table: RecordTable, root: str) -> tuple[np.ndarray, dict[str, int | None]]:
    """Rows of the absent images, and when each folder was last changed (None: there is none)."""
    wanted: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row, path in enumerate(table.file_names()):
        folder, name = os.path.split(path)
        wanted[os.path.join(root, folder)].append((row, name))
    changed, absent = {}, []
    for folder, files in wanted.items():
        changed[folder] = _changed_ns(folder)  # before it is listed: a later change must be seen at the next start
        present = _names(folder)
        absent += [row for row, name in files if name not in present]
    return np.array(sorted(absent), dtype=np.int64), changed


def _names(folder: str) -> set[str]:
    try:
        with os.scandir(folder or '.') as entries:
            return {entry.name for entry in entries}
    except OSError:
        return set()


def _changed_ns(folder: str) -> int | None:
    try:
        return os.stat(folder or '.').st_mtime_ns
    except OSError:
        return None
