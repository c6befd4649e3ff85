"""Weights into a model: all of them, or an error that says why not."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from das_mm.engine.checkpoint_files import read_checkpoint
from das_mm.errors import UserError

from .checkpoint_weights import shape_text, shown_keys, unwrapped, weights_of


def load_checkpoint_strict(model: nn.Module, path: str | Path) -> dict:
    """Load every weight of `model` from a checkpoint that has exactly these weights.

    mmengine's own loading takes what fits and logs the rest, which gives a model that runs and predicts nonsense.

    Args:
        model: A built model; the wrapper of a distributed one is looked through.
        path: A `.pth` file; the weights are its `state_dict`, or the file itself where there is none.

    Returns:
        The checkpoint's `meta` (config text, epoch, dataset meta, …); empty if the file has none.

    Raises:
        UserError: The file cannot be read (see :func:`~das_mm.engine.checkpoint_files.read_checkpoint`), weights are
            missing, left over, of another shape or not finite. The model must not be used then.
    """
    return load_weights_strict(model, read_checkpoint(path), path)


def load_weights_strict(model: nn.Module, checkpoint: dict, path: str | Path) -> dict:
    """:func:`load_checkpoint_strict` of a checkpoint that has been read already.

    Args:
        model: As there; of one on the device 'meta' the shapes are compared and nothing is loaded.
        checkpoint: Content of the file.
        path: The file, for messages.
    """
    weights = weights_of(checkpoint, path)
    problems = _load(unwrapped(model), weights)
    if problems:
        raise UserError(
            f'the weights do not fit this model; {"; ".join(problems)}',
            file=path,
            field='state_dict',
            remedy=_remedy(checkpoint),
        )
    meta = checkpoint.get('meta')
    return meta if isinstance(meta, dict) else {}


def _load(model: nn.Module, weights: dict[str, torch.Tensor]) -> list[str]:
    """Load `weights` into `model` and say what did not fit."""
    own = model.state_dict()
    other_shape = [
        f'{key} ({shape_text(weights[key])} in the file, {shape_text(own[key])} in the model)'
        for key in own
        if key in weights and shape_text(weights[key]) != shape_text(own[key])
    ]
    if other_shape:
        missing, unexpected = own.keys() - weights.keys(), weights.keys() - own.keys()
    else:  # a module may rename the keys of older files while it loads, so torch says what is missing
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', message='.*copying from a non-meta parameter')
            missing, unexpected = model.load_state_dict(weights, strict=False)
    kinds = ((missing, 'missing'), (unexpected, 'left over'), (other_shape, 'of another shape'))
    return [f'{len(keys)} {kind}: {shown_keys(sorted(keys))}' for keys, kind in kinds if keys]


def _remedy(checkpoint: dict) -> str:
    """Which config the file belongs to, where it says so."""
    meta = checkpoint.get('meta')
    experiment = meta.get('experiment_name') if isinstance(meta, dict) else None
    trained = f"; this one comes from the run '{experiment}'" if isinstance(experiment, str) else ''
    return f'give the checkpoint that was trained with this config, or the config that goes with it{trained}'
