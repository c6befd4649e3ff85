"""The formats of mesh files by their suffix, in a registry that a project adds to.

Example:
    A project that wants COLLADA files of ``das-mm infer --export dae`` has in a module that its config imports::

        @EXPORTERS.register('dae')
        def write_dae(scene: MeshScene) -> bytes:
            return trimesh.exchange.dae.export_collada(scene.people)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from das_mm.plugin_registry import PluginRegistry

if TYPE_CHECKING:
    import trimesh


@dataclass(frozen=True)
class MeshScene:
    """The people of one image.

    Attributes:
        people: Their surfaces in the camera frame (x right, y down, z forward, mm), coloured; ``metadata`` holds
            ``name`` and ``identity``.
        about: What the file shall say of itself, JSON-like: the number of people, units and frame, the camera, notes.
        K: (3, 3) intrinsics of the image, px, where they are known.
        image_size: (width, height) px, where it is known.
    """

    people: Sequence[trimesh.Trimesh]
    about: Mapping[str, Any]
    K: np.ndarray | None = None
    image_size: tuple[int, int] | None = None


Exporter = Callable[[MeshScene], bytes]

EXPORTERS: PluginRegistry[Exporter] = PluginRegistry(
    'exporter',
    {
        'obj': 'das_mm.inference.mesh_files:write_obj',
        'ply': 'das_mm.inference.mesh_files:write_ply',
        'glb': 'das_mm.inference.mesh_files:write_glb',
    },
    field='export',
)
