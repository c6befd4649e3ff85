"""Checkpoints that hold the weights of a branch alone and name those that the rest is from.

A branch that was trained on a network that stayed as it was is a small part of a model. The network is that of other
weights of the package, which the file names; whatever reads a checkpoint, mmengine's loader too
(:func:`teach_loader`), gets both together.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import torch

from .eight_bits import restore_weights
from .packaged_files import packaged_file

#: the key of a checkpoint that holds the name of the package's weights that its other weights are from
REST_FROM = 'rest_from'


def whole_weights(checkpoint: Any, path: str | Path | None = None) -> Any:
    """A checkpoint with all its weights in float32: out of eight bits, and with those that it leaves to others.

    Any other object is given back as it is.

    Raises:
        UserError: Scales do not fit, or the package has not the weights that the rest is from.
    """
    checkpoint = restore_weights(checkpoint, path)
    if not isinstance(checkpoint, dict) or REST_FROM not in checkpoint:
        return checkpoint
    base = packaged_file(checkpoint[REST_FROM], path, REST_FROM)
    rest = restore_weights(torch.load(base, map_location='cpu', weights_only=True), base)['state_dict']
    others = {key: value for key, value in checkpoint.items() if key != REST_FROM}
    return {**others, 'state_dict': {**rest, **checkpoint.get('state_dict', {})}}


def teach_loader() -> None:
    """Let mmengine read such files, from wherever it reads: for ``load_from``, ``Pretrained``, ``--resume``."""
    from mmengine.runner.checkpoint import CheckpointLoader

    load = CheckpointLoader.load_checkpoint

    @functools.wraps(load)
    def read(filename: str, *args: Any, **kwargs: Any) -> Any:
        return whole_weights(load(filename, *args, **kwargs), filename)

    CheckpointLoader.load_checkpoint = staticmethod(read)
