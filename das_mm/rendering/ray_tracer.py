"""First hits and shadows of rays against one triangle mesh: Embree where it is installed, numpy elsewhere.

Rays are not normalised: with directions of z = 1 in the camera frame the distance ``t`` of a hit is its depth.
"""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass

import numpy as np

from .numpy_tracer import NumpyTracer

try:
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene
except ImportError:  # no wheel for this platform (Linux on ARM)
    EmbreeScene = TriangleMesh = None


@dataclass
class Hits:
    """First hits of N rays.

    Attributes:
        face (N,) int32: Index of the triangle, -1 where nothing is hit.
        t (N,) float32: Distance in units of the ray's direction, inf where nothing is hit.
        bary (N, 2) float32: Weights of the triangle's second and third vertex.
    """

    face: np.ndarray
    t: np.ndarray
    bary: np.ndarray


class EmbreeTracer:
    """Rays against (V, 3) float vertices in metres and (F, 3) int faces, through Embree."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray):
        if EmbreeScene is None or TriangleMesh is None:
            raise RuntimeError('embreex is not installed; build_tracer takes what there is')
        self._scene = EmbreeScene()
        # Embree reads the arrays in place: keep them alive as long as the scene
        self._mesh = TriangleMesh(
            self._scene, np.ascontiguousarray(vertices, np.float32), np.ascontiguousarray(faces, np.int32)
        )

    def first_hits(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """Nearest triangle along each of the (N, 3) rays."""
        out = self._scene.run(
            np.ascontiguousarray(origins, np.float32), np.ascontiguousarray(directions, np.float32), output=True
        )
        face = out['primID']
        return Hits(face, np.where(face < 0, np.float32(np.inf), out['tfar']), np.stack([out['u'], out['v']], 1))

    def blocked(self, origins: np.ndarray, directions: np.ndarray, max_t: np.ndarray) -> np.ndarray:
        """(N,) bool: whether anything lies on each (N, 3) ray nearer than ``max_t`` (N,), in units of the direction."""
        return (
            self._scene.run(
                np.ascontiguousarray(origins, np.float32),
                np.ascontiguousarray(directions, np.float32),
                np.ascontiguousarray(max_t, np.float32),
                query='OCCLUDED',
            )
            == 0
        )


@functools.cache
def _tell_it_is_slow() -> None:
    """Once in a process."""
    logging.getLogger(__name__).warning(
        'embreex is not installed: synthetic scenes are traced in numpy, which takes about a minute an image. '
        '`pip install embreex` where the platform has it.'
    )


class PlainTracer:
    """The same interface on :class:`NumpyTracer`."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray):
        _tell_it_is_slow()
        self._tree = NumpyTracer(vertices, faces)

    def first_hits(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """As :meth:`EmbreeTracer.first_hits`."""
        return Hits(*self._tree.trace(origins, directions, np.full(len(origins), np.inf), any_hit=False))

    def blocked(self, origins: np.ndarray, directions: np.ndarray, max_t: np.ndarray) -> np.ndarray:
        """As :meth:`EmbreeTracer.blocked`."""
        return self._tree.trace(origins, directions, max_t, any_hit=True)[0] >= 0


def build_tracer(vertices: np.ndarray, faces: np.ndarray) -> EmbreeTracer | PlainTracer:
    """The fastest tracer that this machine has."""
    return (EmbreeTracer if EmbreeScene is not None else PlainTracer)(vertices, faces)
