"""Reading checkpoint files: whole, harmless and of the expected kind, or a message that says what is wrong."""

from __future__ import annotations

import logging
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log

from das_mm._compat.numpy_pickles import with_ordinary_arrays
from das_mm._compat.partial_weights import whole_weights
from das_mm._compat.safe_globals import allow_checkpoint_classes
from das_mm.errors import UserError

from .checkpoint_archive import check_archive
from .safetensors_files import is_safetensors, read_safetensors

_AGAIN = 'copy or download it again, or use an earlier checkpoint'
_GIVE = 'give a .pth file written by training'
_SMALL_BYTES = 1 << 20  # a tensor of one number repeated is no concern


def read_checkpoint(path: str | Path) -> dict:
    """Load a checkpoint file onto the CPU without running any code in it.

    Args:
        path: A `.pth` file as mmengine, mmpose or `torch.save(model.state_dict())` write it, or a `.safetensors`.

    Returns:
        The dictionary in the file; weights that are kept in eight bits are float32, and those of a branch
        alone stand beside the weights of the package that they were trained on.

    Raises:
        UserError: The file is missing, empty, cut short, damaged, no checkpoint, or asks for code to be run.
    """
    path = Path(path)
    _check_file(path)
    if is_safetensors(path):
        return read_safetensors(path)
    allow_checkpoint_classes()
    try:
        check_archive(path)
        checkpoint = torch.load(path, map_location='cpu', weights_only=True)
    except UserError:
        raise
    except pickle.UnpicklingError as error:
        wanted = re.findall(r'GLOBAL ([\w.]+)', str(error))
        if not wanted:
            said = re.search(r'WeightsUnpickler error:\s*(.+)', str(error))  # among advice to trust the file
            problem = f'this is not a checkpoint that PyTorch can read: {said[1] if said else _first_line(error)}'
            raise UserError(problem, file=path, remedy=_GIVE) from error
        raise UserError(
            f'loading it would run code: it asks for {", ".join(dict.fromkeys(wanted))}, which is neither '
            'a weight nor a training log',
            file=path,
            remedy='do not use this file unless you trust its maker; if you do, have them save the '
            'weights alone: torch.save(model.state_dict(), file)',
        ) from error
    except Exception as error:  # a damaged file fails in the middle of anything
        raise UserError(
            f'the file is damaged or cut short ({path.stat().st_size} bytes): {_first_line(error)}',
            file=path,
            remedy=_AGAIN,
        ) from error
    if not isinstance(checkpoint, dict):
        raise UserError(f'it holds a {type(checkpoint).__name__}, not a dictionary of weights', file=path, remedy=_GIVE)
    _check_sizes(checkpoint, path)
    return whole_weights(with_ordinary_arrays(checkpoint), path)


def check_training_state(checkpoint: dict, path: str | Path) -> dict[str, Any]:
    """The `meta` of a checkpoint that training can go on from.

    Raises:
        UserError: The file lacks a part of the state of a training run, or a part is of another type.
    """
    meta = checkpoint.get('meta')
    wanted: dict[str, tuple[Any, type | tuple[type, ...]]] = {
        'meta': (meta, dict),
        'optimizer': (checkpoint.get('optimizer'), dict),
        'message_hub': (checkpoint.get('message_hub', {}), dict),
        'param_schedulers': (checkpoint.get('param_schedulers', []), (list, dict)),
    }
    if isinstance(meta, dict):
        wanted['meta.iter'] = (meta.get('iter'), int)
        wanted['meta.epoch'] = (meta.get('epoch', 0), int)
        wanted['meta.seed'] = (meta.get('seed'), (int, np.integer, type(None)))
    for field, (value, kind) in wanted.items():
        if not isinstance(value, kind) or isinstance(value, bool) or (isinstance(value, int) and value < 0):
            found = 'nothing' if value is None else f'a {type(value).__name__}'
            raise UserError(
                f'it holds weights but not the state of a training run: {found} stands there',
                file=path,
                field=field,
                remedy='to start from these weights: --cfg-options load_from=FILE',
            )
    return meta  # type: ignore[return-value]


def _check_file(path: Path) -> None:
    """What can be said of a file before anything in it is believed."""
    if not path.is_file():
        problem = 'this is a folder, not a file' if path.is_dir() else 'there is no such checkpoint'
        near = sorted(file.name for file in (path if path.is_dir() else path.parent).glob('*.pth'))[:8]
        raise UserError(problem, file=path, remedy=f'there are: {", ".join(near)}' if near else 'check the path')
    if not path.stat().st_size:
        raise UserError('the file is empty (0 bytes)', file=path, remedy='use an earlier checkpoint')


def _check_sizes(checkpoint: dict, path: Path) -> None:
    """Refuse tensors that claim to be larger than the file: whoever copies one fills the memory."""
    most = max(path.stat().st_size, _SMALL_BYTES)
    waiting: list[tuple[str, Any]] = [('', checkpoint)]
    seen: set[int] = set()
    while waiting:
        field, value = waiting.pop()
        if isinstance(value, torch.Tensor):
            if value.numel() * value.element_size() > most:
                shape = '×'.join(map(str, value.shape))
                raise UserError(
                    f'a tensor of {shape} numbers is more than the {path.stat().st_size} bytes of the file can hold',
                    file=path,
                    field=field,
                    remedy=_GIVE,
                )
        elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
            seen.add(id(value))
            parts = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [(f'{field}.{name}' if field else str(name), part) for name, part in parts]


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
            return check_training_state(read_checkpoint(path), path)['iter'], path
        except UserError as error:
            print_log(f'passed over when resuming: {error}', logger='current', level=logging.WARNING)
    return None


def _first_line(error: BaseException) -> str:
    return str(error).strip().split('\n')[0][:200] or type(error).__name__
