"""The conversions there are, by name; what is registered here is tried on every file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from das_mm.plugin_registry import PluginRegistry

if TYPE_CHECKING:
    from .checkpoint_kinds import SourceKind

_HERE = 'das_mm.checkpoints.conversion'

#: name -> :class:`.SourceKind`. A project's package registers its own by ``@CONVERSIONS.register('rle-2d')``, an
#: installed package by an entry point of the group ``das_mm.checkpoint_conversions``
CONVERSIONS: PluginRegistry[type[SourceKind]] = PluginRegistry(
    'checkpoint_conversion',
    {
        'das_mm': f'{_HERE}.checkpoint_kinds:OwnCheckpoint',
        'released-das': f'{_HERE}.released_das:ReleasedDAS',
        'mspn': f'{_HERE}.pretrained_backbones:MSPNBackbone',
        'resnet': f'{_HERE}.pretrained_backbones:ResNetBackbone',
        'dla34': f'{_HERE}.pretrained_dla:DLABackbone',
        'movenet': f'{_HERE}.pretrained_movenet:MoveNetBackbone',
    },
    field='SRC',
)
