"""SPIN's released checkpoint (github.com/nkolot/SPIN, ``model_checkpoint.pt``: ``{'model': …}``, 331 tensors).

Its ResNet-50 and its regressor lie side by side under torchvision's names and the regressor's; here they are
``backbone.`` and ``head.``. The released network counts the 6 numbers of a rotation in another order
(:mod:`das_mm.bodies.mean_parameters`), which touches three places: the rows of ``decpose``, ``init_pose``, and those
columns of ``fc1`` that read the running pose.
"""

from __future__ import annotations

import torch
from torch import Tensor

from das_mm.bodies.mean_parameters import columns_6d
from das_mm.checkpoints.conversion import (
    CONVERSIONS,
    SMPL_BETAS_REMARK,
    USE_AS_MODEL,
    Conversion,
    Ledger,
    SourceFile,
    SourceKind,
    name_config,
    weights_of_config,
)

from .ief_head import NUM_BETAS, NUM_CAMERA, POSE_6D

_CONFIG = 'projects/spin/configs/spin_resnet50_released-224x224.py'
_REGRESSOR = ('fc1.', 'fc2.', 'decpose.', 'decshape.', 'deccam.', 'init_')
_REASON = "6D rotations: SPIN's columns interleaved, here one after the other"

_REMARK = (
    "the six numbers of a rotation were reordered from SPIN's interleaved columns to one column after the other, in "
    'three places: the rows of decpose, init_pose, and columns 2048 to 2191 of fc1; the network computes the same'
)


@CONVERSIONS.register('spin')
class ReleasedSPIN(SourceKind):
    """``nkolot/SPIN``: ResNet and regressor at top level."""

    title = "the authors' SPIN checkpoint"

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        return {'conv1.weight', 'fc1.weight', 'decpose.weight', 'deccam.weight', 'init_pose'} <= set(weights)

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        config = config or _CONFIG
        ledger = Ledger(source.weights, source.path)
        _turn_rotations(ledger)
        for part in _REGRESSOR:
            ledger.use_all(part, f'head.{part}')
        ledger.use_all('', 'backbone.')
        wanted = weights_of_config(config)
        ledger.add_batch_counters(wanted)
        ledger.check_against(wanted, f'the config {config}')
        return Conversion(
            "the authors' released SPIN", ledger, name_config(config), USE_AS_MODEL, (_REMARK, SMPL_BETAS_REMARK)
        )


def _turn_rotations(ledger: Ledger) -> None:
    """The three places."""
    for name in ('decpose.weight', 'decpose.bias'):
        ledger.use(name, f'head.{name}', _turned_rows, _REASON)
    ledger.use('init_pose', 'head.init_pose', lambda pose: _turned_rows(pose.T).T, _REASON)
    ledger.use('fc1.weight', 'head.fc1.weight', _turned_columns, _REASON)


def _turned_rows(values: Tensor) -> Tensor:
    """(144, ...) of 24 rotations, in our order."""
    return columns_6d(values.movedim(0, -1).unflatten(-1, (-1, 6))).flatten(-2).movedim(-1, 0)


def _turned_columns(weight: Tensor) -> Tensor:
    """Columns of ``fc1``: feature, pose, betas, camera."""
    rest = NUM_BETAS + NUM_CAMERA
    feature, pose, others = weight.split([weight.shape[1] - POSE_6D - rest, POSE_6D, rest], dim=1)
    return torch.cat([feature, _turned_rows(pose.T).T, others], dim=1)
