"""First hits and shadows of rays against one triangle mesh: Embree where it is installed, trimesh's own engine elsewhere.

Rays are not normalised: with directions of z = 1 in the camera frame the distance ``t`` of a hit is its depth.
"""
from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from das_mm.errors import UserError

try:
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene
except ImportError:  # no wheel for this platform (Linux on ARM)
    EmbreeScene = None


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
        self._scene = EmbreeScene()
        # Embree reads the arrays in place: keep them alive as long as the scene
        self._mesh = TriangleMesh(self._scene, np.ascontiguousarray(vertices, np.float32),
                                  np.ascontiguousarray(faces, np.int32))

    def first_hits(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """Nearest triangle along each of the (N, 3) rays."""
        out = self._scene.run(np.ascontiguousarray(origins, np.float32),
                              np.ascontiguousarray(directions, np.float32), output=True)
        face = out['primID']
        return Hits(face, np.where(face < 0, np.float32(np.inf), out['tfar']), np.stack([out['u'], out['v']], 1))

    def blocked(self, origins: np.ndarray, directions: np.ndarray, max_t: np.ndarray | None = None) -> np.ndarray:
        """(N,) bool: whether anything lies on each (N, 3) ray nearer than ``max_t`` (N,), in units of the direction."""
        limits = None if max_t is None else np.ascontiguousarray(max_t, np.float32)
        return self._scene.run(np.ascontiguousarray(origins, np.float32),
                               np.ascontiguousarray(directions, np.float32), limits, query='OCCLUDED') == 0


class TrimeshTracer:
    """The same interface on trimesh's own engine: right, and slower by orders of magnitude."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray):
        import trimesh
        try:
            import rtree  # noqa: F401  (trimesh's engine needs it and tells so only deep inside)
        except ImportError as error:
            raise UserError('neither embreex nor rtree is installed, so no ray can be traced',
                            remedy='pip install embreex   (x86-64, Apple silicon)   or   pip install rtree') from error
        warnings.warn('embreex is not installed: synthetic scenes are traced by trimesh alone, which takes minutes '
                      'an image. `pip install embreex` where the platform has it, or copy a finished cache here.',
                      stacklevel=2)
        mesh = trimesh.Trimesh(np.asarray(vertices, np.float64), np.asarray(faces), process=False)
        self._triangles = mesh.triangles
        self._engine = trimesh.ray.ray_triangle.RayMeshIntersector(mesh)

    def first_hits(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """As :meth:`EmbreeTracer.first_hits`."""
        directions = np.asarray(directions, np.float64)
        faces, rays, points = self._engine.intersects_id(origins, directions, return_locations=True,
                                                         multiple_hits=False)
        n = len(directions)
        hits = Hits(np.full(n, -1, np.int32), np.full(n, np.inf, np.float32), np.zeros((n, 2), np.float32))
        if len(rays):
            import trimesh
            weights = trimesh.triangles.points_to_barycentric(self._triangles[faces], points)
            along = ((points - np.asarray(origins)[rays]) * directions[rays]).sum(1) / (directions[rays]**2).sum(1)
            hits.face[rays], hits.t[rays], hits.bary[rays] = faces, along, weights[:, 1:]
        return hits

    def blocked(self, origins: np.ndarray, directions: np.ndarray, max_t: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`EmbreeTracer.blocked`."""
        t = self.first_hits(origins, directions).t
        return np.isfinite(t) if max_t is None else t < max_t


def build_tracer(vertices: np.ndarray, faces: np.ndarray) -> EmbreeTracer | TrimeshTracer:
    """The fastest tracer that this machine has."""
    return (EmbreeTracer if EmbreeScene is not None else TrimeshTracer)(vertices, faces)
