"""From a coarse mesh back to the fine one: every fine vertex as a mean of the corners of a coarse triangle."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.spatial.distance import cdist
from trimesh.triangles import closest_point

_FARTHEST = 0.5  # smallest weight is -0.5: beyond, the plane of a triangle says nothing about the surface
_CHUNK = 1024


def barycentric_upsampling(
    vertices: np.ndarray, kept: np.ndarray, faces: np.ndarray, farthest: float = _FARTHEST
) -> sparse.csr_matrix:
    """The matrix U that makes fine vertices of coarse ones.

    A kept vertex is itself (so that D·U is the identity). Any other one is projected onto the plane of the coarse
    triangle nearest to it, and its weights are its barycentric coordinates there. They may be negative (it lies beside
    the triangle, over a ridge), down to ``-farthest``; further off the nearest point of the triangle serves.

    Args:
        vertices: (V, 3), the fine template.
        kept: (V',) indices of the coarse vertices.
        faces: (F', 3) coarse triangles, indices into ``kept``.
        farthest: As above.

    Returns:
        (V, V'), at most three entries a row; rows sum to 1.
    """
    vertices = np.asarray(vertices, np.float64)
    triangles = vertices[kept][faces]  # (F', 3, 3)
    is_kept = np.zeros(len(vertices), bool)
    is_kept[kept] = True
    others = np.flatnonzero(~is_kept)
    nearest = nearest_triangles(vertices[others], triangles)
    chosen = triangles[nearest]
    weights = barycentric_coordinates(vertices[others], chosen)
    far = weights.min(1) < -farthest
    weights[far] = barycentric_coordinates(closest_point(chosen[far], vertices[others[far]]), chosen[far])
    rows = np.concatenate([kept, np.repeat(others, 3)])
    columns = np.concatenate([np.arange(len(kept)), faces[nearest].ravel()])
    values = np.concatenate([np.ones(len(kept)), weights.ravel()])
    return sparse.csr_matrix((values, (rows, columns)), shape=(len(vertices), len(kept)))


def nearest_triangles(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(M,) index of the triangle nearest to each of M points (M, 3), exactly; triangles are (F, 3, 3)."""
    centres = triangles.mean(1)
    radii = np.linalg.norm(triangles - centres[:, None], axis=2).max(1)
    found = np.empty(len(points), np.int64)
    for start in range(0, len(points), _CHUNK):
        part = points[start : start + _CHUNK]
        distances = cdist(part, centres)
        # a triangle whose ball begins farther away than another one's centre cannot be the nearest
        rows, columns = np.nonzero(distances - radii <= distances.min(1, keepdims=True))
        gaps = np.linalg.norm(closest_point(triangles[columns], part[rows]) - part[rows], axis=1)
        order = np.lexsort((gaps, rows))
        first = np.unique(rows[order], return_index=True)[1]
        found[start : start + len(part)] = columns[order][first]
    return found


def barycentric_coordinates(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(M, 3) weights of the corners of M triangles (M, 3, 3) whose mean is the projection of a point (M, 3)."""
    u, v = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    w = points - triangles[:, 0]
    uu, uv, vv = (u * u).sum(1), (u * v).sum(1), (v * v).sum(1)
    wu, wv = (w * u).sum(1), (w * v).sum(1)
    scale = np.maximum(uu * vv - uv * uv, np.finfo(float).tiny)
    second, third = (vv * wu - uv * wv) / scale, (uu * wv - uv * wu) / scale
    return np.stack([1 - second - third, second, third], axis=1)
