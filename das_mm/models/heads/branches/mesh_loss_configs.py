"""The losses of the mesh branch as a config names them, with the paper's weights where it says nothing."""

from __future__ import annotations

from typing import Any

from mmpose.utils.typing import ConfigType

from das_mm.errors import UserError

_DEFAULTS = dict(
    keypoints_2d=dict(type='das_mm.MeshKeypoint2DLoss', loss_weight=40.0),
    keypoints_3d=dict(type='das_mm.MeshKeypoint3DLoss', loss_weight=20.0),
    pose=dict(type='das_mm.RotationDistanceLoss', loss_weight=8.0),
    shape=dict(type='das_mm.L2ParameterLoss', loss_weight=0.6),
    prior=None,
    interpenetration=None,
    depth_order=None,
    prior_weight=0.16,
    weight=1.0,
)
#: the constructor's arguments of before, to their names in the group
FLAT_LOSSES = {name if name == 'prior_weight' else f'loss_{name}': name for name in _DEFAULTS}


def mesh_loss_configs(losses: ConfigType | None) -> dict[str, Any]:
    """All losses of the branch, those that are given and defaults for the others.

    Raises:
        UserError: It has no loss of such a name.
    """
    losses = {**_DEFAULTS, **{name: config for name, config in (losses or {}).items() if config is not None}}
    unknown = set(losses) - set(_DEFAULTS)
    if unknown:
        raise UserError(
            f'the mesh branch has no {", ".join(sorted(unknown))}', field='losses', remedy=f'use {", ".join(_DEFAULTS)}'
        )
    return losses
