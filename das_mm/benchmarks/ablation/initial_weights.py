"""The initial weights of a training: those of backbone and pyramid are the same in every row of a table."""

from __future__ import annotations

from mmengine.config import Config
from torch import nn

from das_mm.checkpoints.packaged import backbone_checkpoint
from das_mm.engine import file_sha256
from das_mm.engine.checkpoint_files import read_checkpoint
from das_mm.errors import UserError

PACKAGE, CONFIG, SCRATCH = 'package', 'config', 'scratch'
_PARTS = ('backbone', 'neck')
_TEMPORAL = 'backbone.temporal_stems.'  # a network that sees one image at a time has none


def start_of(size: str, from_scratch: bool = False) -> str:
    """Choose the initial weights: ``'package'``, ``'config'`` (as the config says: ImageNet's) or ``'scratch'``."""
    if from_scratch:
        return SCRATCH
    return PACKAGE if size == 'cpu' else CONFIG


def prepare_start(cfg: Config, start: str) -> None:
    """Change a config so that only what ``start`` says is loaded; a random backbone has no frozen parts."""
    if start == CONFIG:
        return
    for part in _PARTS:
        cfg.model[part].pop('init_cfg', None)
    if start == SCRATCH:
        for name, free in (('frozen_stages', -1), ('norm_eval', False)):
            if name in cfg.model.backbone:
                cfg.model.backbone[name] = free


def start_from_package(model: nn.Module, task: str = 'pose') -> list[str]:
    """Load the package's backbone and pyramid into a model of the same width.

    Args:
        model: What is to be trained.
        task: Its task, which says whose weights they are: see :data:`~das_mm.checkpoints.packaged.BACKBONE_FROM`.

    Returns:
        The parameters and buffers that are not in the file; they keep their own initial values (the further blocks of a
        deeper ResNet begin as identities).

    Raises:
        UserError: A weight of the file has no place in the model.
    """
    path = backbone_checkpoint(task)
    weights = {
        name: value for name, value in read_checkpoint(path)['state_dict'].items() if name.split('.')[0] in _PARTS
    }
    own = {name: value.shape for name, value in model.state_dict().items() if name.split('.')[0] in _PARTS}
    if not any(name.startswith(_TEMPORAL) for name in own):
        weights = {name: value for name, value in weights.items() if not name.startswith(_TEMPORAL)}
    misplaced = [name for name, value in weights.items() if own.get(name) != value.shape]
    if misplaced:
        raise UserError(
            f'{len(misplaced)} of its weights do not fit this model: {", ".join(misplaced[:3])}',
            file=path,
            remedy='start from random numbers: --from-scratch',
        )
    model.load_state_dict(weights, strict=False)
    return sorted(own.keys() - weights.keys())


def start_fingerprint(start: str, task: str = 'pose') -> str:
    """A text that is another one for other initial weights."""
    if start != PACKAGE:
        return start
    return file_sha256(backbone_checkpoint(task))
