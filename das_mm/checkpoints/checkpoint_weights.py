"""The weights of a checkpoint: which there are, and how they are told of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from mmengine.model import is_model_wrapper
from torch import nn

from das_mm.errors import UserError

_SHOWN_KEYS = 5
_GIVE = 'give a .pth file written by training'


def weights_of(checkpoint: dict, path: str | Path) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint, without the prefix of a distributed wrapper.

    Raises:
        UserError: There are none, or some are no tensors or not finite.
    """
    weights = checkpoint.get('state_dict', checkpoint)
    if not isinstance(weights, dict) or not any(isinstance(value, torch.Tensor) for value in weights.values()):
        raise UserError(
            f'there are no weights in it, only: {shown_keys(map(str, checkpoint))}',
            file=path,
            field='state_dict',
            remedy=_GIVE,
        )
    foreign = [str(key) for key, value in weights.items() if not isinstance(key, str) or not _has_numbers(value)]
    if foreign:
        raise UserError(
            f'{len(foreign)} entries are no weights: {shown_keys(foreign)}', file=path, field='state_dict', remedy=_GIVE
        )
    if any(key.startswith('module.') for key in weights):  # saved through the wrapper of a distributed model
        weights = {key.removeprefix('module.'): value for key, value in weights.items()}
    bad = [key for key, value in weights.items() if value.is_floating_point() and not torch.isfinite(value).all()]
    if bad:
        raise UserError(
            f'{len(bad)} of its {len(weights)} weights are not finite: {shown_keys(bad)}',
            file=path,
            field='state_dict',
            remedy='its training diverged, or the file was made wrongly: use an earlier checkpoint',
        )
    return weights


def _has_numbers(value: object) -> bool:
    """Whether it is an ordinary tensor with numbers of its own."""
    return isinstance(value, torch.Tensor) and value.layout is torch.strided and value.device.type == 'cpu'


def unwrapped(model: nn.Module) -> nn.Module:
    """The model itself, without the wrapper of a distributed one."""
    wrapper: Any = model
    return wrapper.module if is_model_wrapper(model) else model


def shape_text(value: object) -> str:
    """'64×3×7×7', or the type of what is no tensor."""
    return '×'.join(map(str, value.shape)) or 'scalar' if isinstance(value, torch.Tensor) else type(value).__name__


def shown_keys(keys: Iterable[str]) -> str:
    """The first few of some names."""
    keys = list(keys)
    return ', '.join(keys[:_SHOWN_KEYS]) + (f', and {len(keys) - _SHOWN_KEYS} more' if len(keys) > _SHOWN_KEYS else '')
