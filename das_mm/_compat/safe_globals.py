"""What a checkpoint written by mmengine holds beside tensors, made known to `torch.load`.

Since torch 2.6 `torch.load` builds only what it was told is harmless. mmengine 0.10.7 keeps its log histories in every
checkpoint and does not say so, so its own `--resume` fails. The list below is exactly what such a file names, and
nothing in it runs code of the file's choosing: of numpy it is the stand-ins of :mod:`.numpy_pickles`, since numpy's own
believe forged states. `weights_only=False` is never the answer.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable

import torch
from mmengine.logging.history_buffer import HistoryBuffer

from .numpy_pickles import NUMPY_NAMES


def _history_method(owner: type, name: str) -> Callable:
    """Stands for `builtins.getattr`, by which a pickled `HistoryBuffer` names its own four statistics.

    The real `getattr` would open every attribute of every class that is allowed.
    """
    if owner is not HistoryBuffer or name not in ('min', 'max', 'mean', 'current'):
        raise pickle.UnpicklingError(f'Unsupported global: GLOBAL builtins.getattr of {owner!r}, {name!r}')
    return getattr(HistoryBuffer, name)


CHECKPOINT_CLASSES: list = [
    HistoryBuffer,
    (_history_method, 'builtins.getattr'),
    *((stand_in, name) for name, stand_in in NUMPY_NAMES.items()),
]


def allow_checkpoint_classes() -> None:
    """Let `torch.load` (with its default `weights_only=True`) accept the checkpoints of mmengine.

    Called when mmengine is imported in a process that has imported das_mm; calling it again changes nothing.
    """
    torch.serialization.add_safe_globals(CHECKPOINT_CLASSES)
