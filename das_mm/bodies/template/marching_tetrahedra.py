"""The zero surface of a field as a first triangle mesh. Offline code."""

from __future__ import annotations

import numpy as np

from .field_primitives import Field

# The six tetrahedra around the main diagonal of a cube; corner c has offsets (c & 1, c >> 1 & 1, c >> 2 & 1).
_TETRAHEDRA = np.array([[0, 1, 3, 7], [0, 3, 2, 7], [0, 2, 6, 7], [0, 6, 4, 7], [0, 4, 5, 7], [0, 5, 1, 7]])


def marching_tetrahedra(field: Field, low: np.ndarray, high: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Zero surface of a field inside a box.

    Args:
        field: Negative inside, near the surface within a factor two of the distance.
        low, high: (3,) corners of the box, m; the mesh is open where the surface leaves it.
        step: Size of the cubes, m.

    Returns:
        vertices (N, 3) m, faces (M, 3), counter-clockwise seen from outside; a manifold.
    """
    values, corners, shape = _active_cubes(field, np.asarray(low, float), np.asarray(high, float), step)
    cubes = corners[:, None, :] + np.array([[c & 1, c >> 1 & 1, c >> 2 & 1] for c in range(8)])  # (N, 8, 3)
    node_ids = np.asarray(np.ravel_multi_index(tuple(np.moveaxis(cubes, -1, 0)), shape))  # (N, 8)
    tet_ids = node_ids[:, _TETRAHEDRA].reshape(-1, 4)
    tet_values = values[:, _TETRAHEDRA].reshape(-1, 4)
    inside = tet_values < 0
    count = inside.sum(axis=1)
    edges, outward = [], []  # three (node, node) pairs a triangle; from the inner to the outer corners
    places = np.stack(np.unravel_index(tet_ids, shape), -1)
    for number in (1, 2, 3):
        chosen = count == number
        # corners of each tetrahedron, those inside first
        order = np.argsort(~inside[chosen], axis=1, kind='stable')
        a, b, c, d = np.take_along_axis(tet_ids[chosen], order, axis=1).T
        corners = np.take_along_axis(places[chosen], order[..., None], axis=1)
        direction = corners[:, number:].mean(axis=1) - corners[:, :number].mean(axis=1)
        if number == 1:
            triangles = [[(a, b), (a, c), (a, d)]]
        elif number == 3:
            triangles = [[(d, a), (d, b), (d, c)]]
        else:
            triangles = [[(a, c), (a, d), (b, d)], [(a, c), (b, d), (b, c)]]
        edges += triangles
        outward += [direction] * len(triangles)
    pairs = np.concatenate([np.stack([np.stack(edge, -1) for edge in triangle], 1) for triangle in edges])  # (M, 3, 2)
    pairs.sort(axis=-1)
    unique, faces = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
    faces = faces.reshape(-1, 3)
    value_of = dict(zip(node_ids.ravel().tolist(), values.ravel().tolist()))
    start, end = (np.array([value_of[i] for i in unique[:, k].tolist()]) for k in (0, 1))
    place = [low + step * np.stack(np.unravel_index(unique[:, k], shape), -1) for k in (0, 1)]
    t = np.clip(start / (start - end), 0.02, 0.98)[:, None]  # away from the nodes: no triangle without an area
    vertices = place[0] * (1 - t) + place[1] * t
    return vertices, _orient(vertices, faces, np.concatenate(outward))


def _active_cubes(field: Field, low: np.ndarray, high: np.ndarray, step: float, block: int = 8):
    """Cubes near the surface: corner values (N, 8), integer corners (N, 3) and the shape of the grid of nodes."""
    blocks = np.ceil((high - low) / (step * block)).astype(int)
    origin = np.stack(np.meshgrid(*(np.arange(n) for n in blocks), indexing='ij'), -1).reshape(-1, 3) * block
    reach = step * block * np.sqrt(3)  # half a diagonal, doubled since the field is only about a distance
    near = np.abs(field(low + (origin + block / 2) * step)) < reach
    shape = tuple(blocks * block + 1)
    local = np.stack(np.meshgrid(*(np.arange(block + 1),) * 3, indexing='ij'), -1).reshape(-1, 3)
    offsets = np.array([[c & 1, c >> 1 & 1, c >> 2 & 1] for c in range(8)])
    cube = np.stack(np.meshgrid(*(np.arange(block),) * 3, indexing='ij'), -1).reshape(-1, 3)
    corners = tuple(np.moveaxis(cube[:, None] + offsets, -1, 0))
    corner_index = np.ravel_multi_index(corners, (block + 1,) * 3)  # (512, 8)
    all_values, all_corners = [], []
    for start in origin[near]:
        values = field(low + (start + local) * step)
        values = np.where(values == 0, 1e-12, values)[corner_index]
        crossing = (values.min(axis=1) < 0) & (values.max(axis=1) > 0)
        all_values.append(values[crossing])
        all_corners.append(start + cube[crossing])
    return np.concatenate(all_values), np.concatenate(all_corners), shape


def field_gradient(field: Field, points: np.ndarray, step: float = 2e-4) -> np.ndarray:
    """Central differences, (N, 3)."""
    return np.stack([(field(points + e) - field(points - e)) / (2 * step) for e in np.eye(3) * step], axis=-1)


def _orient(vertices: np.ndarray, faces: np.ndarray, outward: np.ndarray) -> np.ndarray:
    triangle = vertices[faces]
    normal = np.cross(triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0])
    wrong = (normal * outward).sum(axis=1) < 0
    return np.where(wrong[:, None], faces[:, [0, 2, 1]], faces)
