"""Coarser triangles for many bodies in one page: chosen once by the faces alone, so that every pose keeps its shape."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def thin_mesh(faces: np.ndarray, num_vertices: int) -> tuple[np.ndarray, np.ndarray]:
    """About a quarter of the vertices, none next to another; every other vertex moves to a neighbour that stays.

    Args:
        faces: (F, 3) vertex indices of a triangle mesh.
        num_vertices: V.

    Returns:
        kept (v,): rows of the vertices that stay, and faces (f, 3) that index these v, wound as before.
    """
    start, end = faces[:, [0, 1, 2]].ravel(), faces[:, [1, 2, 0]].ravel()
    links = sparse.csr_matrix((np.ones(len(start), bool), (start, end)), shape=(num_vertices, num_vertices))
    links = (links + links.T).tocsr()
    stands_for = np.full(num_vertices, -1)
    for vertex in range(num_vertices):
        if stands_for[vertex] < 0:
            stands_for[vertex] = vertex
            near = links.indices[links.indptr[vertex] : links.indptr[vertex + 1]]
            stands_for[near[stands_for[near] < 0]] = vertex
    kept, place = np.unique(stands_for, return_inverse=True)
    corners = place[faces]
    corners = corners[(corners != np.roll(corners, 1, axis=1)).all(1)]
    # the same three corners twice would flicker
    _, first = np.unique(np.sort(corners, axis=1), axis=0, return_index=True)
    return kept, corners[np.sort(first)]
