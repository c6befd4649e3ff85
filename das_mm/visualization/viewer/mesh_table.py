"""The surfaces of all people of a page, in 16 bits about the middle of each body."""

from __future__ import annotations

from typing import Any

import numpy as np

from das_mm.structures.people import People
from das_mm.visualization.mesh_thinning import thin_mesh

from .packing import pack

# of the page, for all meshes of all frames (a body of 6890 vertices takes 55 kB); above it they are drawn coarser
_BUDGET_BYTES = 24e6
_LEAST_VERTICES = 400  # a body of fewer is none


class MeshTable:
    """Gathers surfaces; all become coarser when the page would grow too large.

    Args:
        faces: (F, 3) vertex indices.

    Attributes:
        words: What is shown of that beside the scene; '' where bodies are as fine as they were.
    """

    def __init__(self, faces: np.ndarray):
        self.faces, self.words = np.asarray(faces), ''
        self._kept = np.zeros(0, int)  # vertices that stay
        self._num_vertices = self._num_bodies = 0
        self._is_full = False
        self._origins: list[np.ndarray] = []
        self._vertices: list[np.ndarray] = []

    def add(self, people: People) -> list[int]:
        """The bodies of the next image: for each person the number of the body, -1 for none."""
        if people.vertices_cam_mm is None:
            return [-1] * len(people)
        return [self._add(vertices) for vertices in people.vertices_cam_mm]

    def _add(self, vertices_mm: np.ndarray) -> int:
        if not np.isfinite(vertices_mm).all():
            return -1
        self._num_bodies += 1
        if not len(self._kept):
            self._num_vertices, self._kept = len(vertices_mm), np.arange(len(vertices_mm))
        if self._is_full:
            return -1
        origin = vertices_mm.mean(0).round()
        # whole millimetres about the middle of the body fit 16 bits; a larger "body" is none
        moved = np.clip(np.round(vertices_mm[self._kept] - origin), -32767, 32767)
        self._vertices.append(moved.astype('<i2'))
        self._origins.append(origin)
        self._make_room()
        return self._num_bodies - 1

    def _make_room(self) -> None:
        size_bytes = len(self._vertices) * _size_bytes(len(self._kept))
        if size_bytes > _BUDGET_BYTES and len(self._kept) >= 4 * _LEAST_VERTICES:
            kept, self.faces = thin_mesh(self.faces, len(self._kept))
            self._kept = self._kept[kept]
            self._vertices = [vertices[kept] for vertices in self._vertices]
            told = f'{len(self._kept)} of {self._num_vertices} vertices'
            self.words = f'Bodies are drawn with {told}, so that the page stays small.'
        elif size_bytes > 4 * _BUDGET_BYTES:
            self._is_full, self._vertices, self._origins = True, [], []
            self.words = 'Body surfaces are left out: of so many people and frames the page would grow too large.'

    def packed(self) -> dict[str, Any] | None:
        """As the page reads it; None without bodies."""
        if not self._origins:
            return None
        return dict(
            faces=pack(self.faces, 'u4'),
            size=len(self._kept),
            origins=pack(np.stack(self._origins), 'f4'),
            vertices=pack(np.stack(self._vertices), 'i2'),
        )


def _size_bytes(num_vertices: int) -> float:
    return num_vertices * 3 * 2 * 4 / 3  # 16 bits in base 64
