"""Reading checkpoint files: whole, harmless and of the expected kind, or a message that says what is wrong."""
from __future__ import annotations

import logging
import pickle
import re
import zipfile
from pathlib import Path

import torch
from mmengine.logging import print_log

from das_mm._compat.safe_globals import allow_checkpoint_classes
from das_mm.errors import UserError

_AGAIN = 'copy or download it again, or use an earlier checkpoint'
_ZIP_MAGIC, _PICKLE_MAGIC = b'PK', b'\x80'


def read_checkpoint(path: str | Path) -> dict:
    """Load a checkpoint file onto the CPU without running any code in it.

    Args:
        path: A `.pth` file as mmengine, mmpose or `torch.save(model.state_dict())` write it.

    Returns:
        The dictionary in the file.

    Raises:
        UserError: The file is missing, empty, cut short, damaged, no checkpoint, or asks for code to be run.
    """
    path = Path(path)
    _check_file(path)
    allow_checkpoint_classes()
    try:
        checkpoint = torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        wanted = re.findall(r'GLOBAL ([\w.]+)', str(error))
        if not wanted:
            raise UserError('this is not a checkpoint that PyTorch can read', file=path,
                            remedy='give a .pth file written by training') from error
        raise UserError(f'loading it would run code: it asks for {", ".join(dict.fromkeys(wanted))}, which is neither '
                        'a weight nor a training log', file=path,
                        remedy='do not use this file unless you trust its maker; if you do, have them save the '
                               'weights alone: torch.save(model.state_dict(), file)') from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise UserError(f'the file is damaged or cut short ({path.stat().st_size} bytes): {_first_line(error)}',
                        file=path, remedy=_AGAIN) from error
    if not isinstance(checkpoint, dict):
        raise UserError(f'it holds a {type(checkpoint).__name__}, not a dictionary of weights', file=path,
                        remedy='give a .pth file written by training')
    return checkpoint


def _check_file(path: Path) -> None:
    """What can be said of a file before anything in it is believed."""
    if not path.is_file():
        problem = 'this is a folder, not a file' if path.is_dir() else 'there is no such checkpoint'
        near = sorted(file.name for file in (path if path.is_dir() else path.parent).glob('*.pth'))[:8]
        raise UserError(problem, file=path, remedy=f'there are: {", ".join(near)}' if near else 'check the path')
    with open(path, 'rb') as file:
        head = file.read(2)
    size = path.stat().st_size
    if not head:
        raise UserError('the file is empty (0 bytes)', file=path, remedy='use an earlier checkpoint')
    if head == _ZIP_MAGIC:
        if not zipfile.is_zipfile(path):
            raise UserError(f'the file is cut short: it ends after {size} bytes, before its index', file=path,
                            remedy=_AGAIN)
        try:
            with zipfile.ZipFile(path) as archive:  # torch.load checks no sums
                damaged = archive.testzip()
        except zipfile.BadZipFile:
            damaged = 'its index'
        if damaged is not None:
            raise UserError(f'the file is damaged: the sum of {damaged} is wrong', file=path, remedy=_AGAIN)
    if head != _ZIP_MAGIC and head[:1] != _PICKLE_MAGIC:
        raise UserError('this is not a checkpoint that PyTorch can read', file=path,
                        remedy='give a .pth file written by training')


def newest_complete_checkpoint(folder: str | Path, filename_tmpl: str | None = None) -> Path | None:
    """The newest checkpoint in `folder` that training can go on from, or None.

    Files are tried from the highest number down; one that is damaged or holds no optimizer state is passed over with a
    warning. The text file `last_checkpoint` is not asked.

    Args:
        folder: A work directory.
        filename_tmpl: `CheckpointHook.filename_tmpl`, with one `{}` for the number. None: mmengine's `epoch_{}.pth`
            and `iter_{}.pth`; if both kinds are there, the one that has seen more iterations.
    """
    templates = [filename_tmpl] if filename_tmpl else ['epoch_{}.pth', 'iter_{}.pth']
    found = [_newest_of(Path(folder), template) for template in templates]
    found = [(iteration, path) for iteration, path in filter(None, found)]
    return max(found)[1] if found else None


def _newest_of(folder: Path, template: str) -> tuple[int, Path] | None:
    """(iterations seen, path) of the newest whole checkpoint called after `template`."""
    pattern = re.compile(re.escape(template).replace(re.escape('{}'), r'(\d+)'))
    numbered = [(int(match[1]), path) for path in folder.glob('*') if (match := pattern.fullmatch(path.name))]
    for _, path in sorted(numbered, reverse=True):
        try:
            checkpoint = read_checkpoint(path)
            if 'optimizer' not in checkpoint:
                raise UserError('it holds no optimizer state', file=path)
            return checkpoint['meta']['iter'], path
        except UserError as error:
            print_log(f'passed over when resuming: {error}', logger='current', level=logging.WARNING)
    return None


def _first_line(error: BaseException) -> str:
    return str(error).strip().split('\n')[0][:200] or type(error).__name__
