"""Tables of records on disk: parsed and checked once, then mapped by every process that needs them.

A cached table is a folder of ``.npy`` columns and a ``table.json`` that says what they were made from. It is written
beside its place and then moved there, so it is whole or absent; nothing in it can execute anything. The folder's name
follows from the path of the annotation file and from how it is read, so a changed file replaces its table.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import logging
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from das_mm.engine import cache_root, check_writable, file_lock
from das_mm.errors import UserError
from das_mm.version import __version__

from .record_table import HEADER_FILE, RecordTable, map_table

FORMAT = 2  # raise when the columns or the way they are made change
SMALLEST_CACHED_BYTES = 4 * 2**20  # smaller files are read within a second


def cache_folder() -> Path:
    """The folder of tables, ``annotations`` in :func:`.cache_root`."""
    return cache_root() / 'annotations'


def cached_table(file: str, settings: dict, make: Callable[[], RecordTable]) -> RecordTable:
    """The table of an annotation file: from the cache, or made and put there.

    Of processes that start together one makes it while the others wait. Without a cache (small files, and where nothing
    can be written, which is told) the table stays in the memory of this process, which forked workers share.

    Args:
        file: The annotation file.
        settings: What else the table depends on; plain data.
        make: Makes the table from the file.
    """
    try:
        stat = os.stat(file)
    except OSError:
        return make()  # which says what is wrong
    if stat.st_size < SMALLEST_CACHED_BYTES:
        return make()
    path = os.path.realpath(file)
    # all but the path and the settings, which name the folder, makes a stored table out of date when it changes
    source = dict(
        format=FORMAT, version=__version__, path=path, size=stat.st_size, mtime_ns=stat.st_mtime_ns, settings=settings
    )
    digest = hashlib.sha256(json.dumps([path, settings], sort_keys=True).encode()).hexdigest()
    folder = cache_folder() / f'{Path(path).stem}-{digest[:16]}'
    try:
        check_writable(folder.parent)
    except UserError as error:
        table = _usable_table(folder, source)
        if table is None:
            print_log(
                f'{error.args[0]}\n  {file} is read anew at each start: DAS_MM_CACHE names a folder for the cache',
                logger='current',
                level=logging.WARNING,
            )
        return table or make()
    # where there are no locks, processes that start together each make the table, and the last one stays
    with file_lock(folder.with_name(f'.{folder.name}.lock')):
        table = _usable_table(folder, source)
        if table is None:
            print_log(f'{file} is read for the first time; the next start finds it in {folder}', logger='current')
            table = make()
            try:
                table = _store(table, folder, source)
                _return_memory()
            except OSError as error:
                print_log(
                    f'{folder}: the annotations cannot be cached ({error.strerror or error})',
                    logger='current',
                    level=logging.WARNING,
                )
    return table


def _usable_table(folder: Path, source: dict) -> RecordTable | None:
    """The table in ``folder`` if it is whole and was made from this very file."""
    if not folder.exists():
        return None
    try:
        if json.loads((folder / HEADER_FILE).read_text(encoding='utf-8'))['source'] != source:
            return None
        return map_table(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print_log(
            f'{folder}: the cached annotations are damaged ({error}) and are made anew',
            logger='current',
            level=logging.WARNING,
        )
        return None


def _store(table: RecordTable, folder: Path, source: dict) -> RecordTable:
    """Writes the table and maps it, so that the process that made it keeps nothing of it in its own memory."""
    token = uuid.uuid4().hex
    unfinished = folder.with_name(f'.{folder.name}.{token}')
    unfinished.mkdir()
    try:
        for name, column in table.columns.items():
            with open(unfinished / f'{name}.npy', 'wb') as file:
                np.save(file, column, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        shapes = {name: (column.dtype.str, column.shape) for name, column in table.columns.items()}
        text = json.dumps(dict(source=source, token=token, columns=shapes, header=table.header))
        (unfinished / HEADER_FILE).write_text(text, encoding='utf-8')
        if folder.exists():  # made from an older file, or damaged; a process that maps it keeps its pages
            folder.rename(unfinished.with_name(f'{unfinished.name}.old'))
        unfinished.rename(folder)
    finally:
        for left_over in (unfinished, unfinished.with_name(f'{unfinished.name}.old')):
            shutil.rmtree(left_over, ignore_errors=True)
    return map_table(folder)


def _return_memory() -> None:
    """glibc keeps what the parsed file took, over a gigabyte for the greatest data sets, unless it is asked."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
