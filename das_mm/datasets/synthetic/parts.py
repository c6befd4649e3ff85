"""Affine frames of a posed body's parts, to hang things on: hair, skirts, bags."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from scipy import sparse

from das_mm.bodies import PART_NAMES, BodyModel, load_generated_body
from das_mm.bodies.skeleton import GROUND_Y_M


@lru_cache(maxsize=1)
def rest_coords() -> np.ndarray:
    """(V, 3) float64 rest places of the vertices with y measured from the ground; what looks and clothes refer to."""
    return load_generated_body().v_template.astype(np.float64) - [0, GROUND_Y_M, 0]


@cache
def _part(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Vertex numbers (n,) of a part and the pseudo-inverse (n, 4) of their homogeneous rest places."""
    numbers = np.flatnonzero(load_generated_body().part_labels == PART_NAMES.index(name))
    places = rest_coords()[numbers]
    return numbers, np.linalg.pinv(np.concatenate([places, np.ones((len(places), 1))], axis=1)).T


def part_frame(vertices: np.ndarray, name: str) -> np.ndarray:
    """(3, 4) affine map from rest coordinates to where the part ``name`` of posed ``vertices`` (V, 3) m went.

    Affine, so that it follows the shape (a wider head wears a wider hat) as well as the pose.
    """
    numbers, inverse = _part(name)
    return vertices[numbers].T @ inverse


def apply_frame(frame: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N, 3) rest points through a (3, 4) frame."""
    return points @ frame[:, :3].T + frame[:, 3]


@lru_cache(maxsize=1)
def _vertex_faces() -> sparse.csr_matrix:
    """(V, F) sparse incidence of the generated body."""
    body: BodyModel = load_generated_body()
    rows = body.faces.ravel()
    columns = np.repeat(np.arange(len(body.faces)), 3)
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(body.v_template), len(body.faces)))


def body_normals(vertices: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals of the generated body's surface at posed ``vertices`` (V, 3), weighted by area."""
    a, b, c = vertices[load_generated_body().faces].transpose(1, 0, 2)
    normals = _vertex_faces() @ np.cross(b - a, c - a)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
