"""What can be said of a checkpoint file before torch reads it."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

from das_mm.errors import UserError

from .pickle_scan import scan_pickle

_AGAIN = 'copy or download it again, or use an earlier checkpoint'
_ZIP_MAGIC, _PICKLE_MAGIC = b'PK', b'\x80'
_PICKLES_BEFORE_ZIP = 5  # of torch before 1.6: magic number, version, machine, content, names of storages
_MOST_UNPACKED = 10  # times the size of the file; torch does not pack
_CALLED_WITH_SIZES = {'builtins.bytearray', '__builtin__.bytearray'}  # torch would make as many bytes as it is told


def check_archive(path: Path) -> None:
    """Look at the index, the sums and the pickles of a checkpoint.

    Raises:
        UserError: It is no checkpoint, cut short or damaged, or unpacked much larger than the file.
        pickle.UnpicklingError: Its pickle is damaged, stands for much more than it holds, or asks for bytes by number.
    """
    with open(path, 'rb') as file:
        head = file.read(2)
    if head == _ZIP_MAGIC:
        named = _check_zip(path)
    elif head[:1] == _PICKLE_MAGIC:
        with open(path, 'rb') as file:
            named = set().union(*(scan_pickle(file) for _ in range(_PICKLES_BEFORE_ZIP)))
    else:
        raise UserError(
            'this is not a checkpoint that PyTorch can read', file=path, remedy='give a .pth file written by training'
        )
    for name in named & _CALLED_WITH_SIZES:
        raise pickle.UnpicklingError(f'Unsupported global: GLOBAL {name} was not expected')


def _check_zip(path: Path) -> set[str]:
    """The globals that the pickle in the archive names."""
    size = path.stat().st_size
    if not zipfile.is_zipfile(path):
        raise UserError(
            f'the file is cut short: it ends after {size} bytes, before its index', file=path, remedy=_AGAIN
        )
    named: set[str] = set()
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            if unpacked > _MOST_UNPACKED * size:
                raise zipfile.BadZipFile(f'{unpacked} bytes out of {size}')
            damaged = archive.testzip()  # torch checks no sums
            for name in archive.namelist():
                if damaged is None and name.rpartition('/')[2] == 'data.pkl':
                    with archive.open(name) as stream:
                        named |= scan_pickle(stream)  # type: ignore[arg-type]
    except pickle.UnpicklingError:
        raise
    except Exception:  # zipfile raises anything where the index lies
        damaged = 'its index'
    if damaged is not None:
        raise UserError(f'the file is damaged: the sum of {damaged} is wrong', file=path, remedy=_AGAIN)
    return named
