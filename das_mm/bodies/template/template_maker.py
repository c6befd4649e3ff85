"""Makes ``data/template.npz``, the rest surface of the generated body. Needs numpy and scipy, and about three minutes.

``das-mm assets template`` runs it.

Steps: the implicit surface of ``body_field`` becomes triangles, is remeshed to exactly 6890 vertices (finer at face,
hands and feet), mirrored, numbered so that the landmarks stand at SMPL's indices, and gets weights, regressor, labels.

Remeshing decides by comparing lengths: where another processor rounds otherwise, the same surface gets another mesh.
What is in the package stays the body; ``finish`` gives its weights, regressor and labels again on any processor.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from das_mm.engine import atomic_write

from ..body_model import PART_NAMES
from ..landmarks import LANDMARKS
from ..shape_space import joint_directions, shape_directions
from ..skeleton import GROUND_Y_M, mirror_name
from ..skinning_weights import expand_weights, joint_regressor, part_labels, skinning_weights, texture_coordinates
from .body_field import left_half_field
from .field_primitives import Field
from .marching_tetrahedra import marching_tetrahedra
from .remesh import HalfMesh, reach_vertex_count, relax, remesh

NUM_VERTICES = 6890
_BASE_EDGE_M = 0.0240
# finer places: (centre in the ground frame, radius, edge length there, width of the transition), metres
_FINE_SPOTS = (
    ((0.03, 1.555, 0.10), 0.05, 0.0075, 0.10),
    ((0.0, 1.527, 0.095), 0.025, 0.0062, 0.05),
    ((0.072, 1.58, -0.010), 0.03, 0.0072, 0.10),
)
# finer ends: (axis, where it begins, where it is reached, edge length there)
_FINE_ENDS = ((1, 1.46, 1.52, 0.0140), (0, 0.60, 0.76, 0.0075), (1, 0.14, 0.04, 0.0130))

# Places on the surface of the left half, ground frame: the nearest vertex is the landmark. 'jaw' is the chin.
_LANDMARK_PLACES = {
    'nose': (0, 1.556, 0.125),
    'left_eye': (0.031, 1.589, 0.093),
    'left_ear': (0.085, 1.578, -0.010),
    'head_top': (0, 1.71, 0),
    'jaw': (0, 1.485, 0.100),
    'left_big_toe': (0.095, 0.012, 0.178),
    'left_small_toe': (0.140, 0.012, 0.145),
    'left_heel': (0.103, 0.010, -0.100),
    'left_thumb': (0.782, 1.349, 0.066),
    'left_index': (0.845, 1.354, 0.043),
    'left_middle': (0.858, 1.354, 0.007),
    'left_ring': (0.849, 1.354, -0.028),
    'left_pinky': (0.824, 1.354, -0.062),
}


def edge_length(points: np.ndarray) -> np.ndarray:
    """Relative edge length wanted at points of the ground frame, (N,)."""
    length = np.full(len(points), _BASE_EDGE_M)
    for centre, radius, fine, width in _FINE_SPOTS:
        t = np.clip((np.linalg.norm(points - centre, axis=1) - radius) / width, 0, 1)
        length = np.minimum(length, fine + (_BASE_EDGE_M - fine) * t)
    for axis, begin, end, fine in _FINE_ENDS:
        t = np.clip((points[:, axis] - begin) / (end - begin), 0, 1)
        length = np.minimum(length, _BASE_EDGE_M + (fine - _BASE_EDGE_M) * t)
    return length


def half_surface(field: Field) -> HalfMesh:
    """The left half with the wanted number of vertices, ground frame."""
    vertices, faces = marching_tetrahedra(field, np.array([0, -0.02, -0.25]), np.array([0.95, 1.75, 0.25]), 0.005)
    mesh = HalfMesh(vertices, faces)
    scale = 1.0
    for rounds in (4, 2, 2, 2, 2):
        remesh(mesh, field, lambda points, scale=scale: scale * edge_length(points), rounds)
        scale *= ((2 * len(mesh.points) - len(mesh.boundary)) / NUM_VERTICES) ** 0.5
    reach_vertex_count(mesh, edge_length, NUM_VERTICES)
    for _ in range(3):
        for a, b in sorted(mesh.edges()):
            mesh.flip(a, b)
        relax(mesh, field, edge_length)
    return mesh


def close_and_number(mesh: HalfMesh) -> tuple[np.ndarray, np.ndarray]:
    """Both halves in the template's frame, vertices in their final order: landmarks first get the indices they need."""
    half, faces = mesh.compact()
    middle = np.zeros(len(half), bool)
    middle[sorted(mesh.boundary)] = True
    mirror = np.arange(len(half))  # index of the mirror image of each vertex of the half
    mirror[~middle] = len(half) + np.arange((~middle).sum())
    vertices = np.concatenate([half, half[~middle] * [-1, 1, 1]])
    faces = np.concatenate([faces, mirror[faces][:, [0, 2, 1]]])

    number = np.full(len(vertices), -1)
    for name, place in _LANDMARK_PLACES.items():
        candidates = np.flatnonzero(middle) if place[0] == 0 else np.flatnonzero(~middle)
        vertex = candidates[np.argmin(np.linalg.norm(half[candidates] - place, axis=1))]
        number[vertex] = next(iter(LANDMARKS[name]))
        number[mirror[vertex]] = next(iter(LANDMARKS[mirror_name(name)]))
    free = np.setdiff1d(np.arange(len(vertices)), number)
    number[number < 0] = free  # in the order they have
    ordered = np.empty_like(vertices)
    ordered[number] = vertices + [0, GROUND_Y_M, 0]
    faces = number[faces]
    return np.round(ordered, 6), faces[np.lexsort(faces.T[::-1])]


def build() -> dict[str, np.ndarray]:
    """All arrays of the template file."""
    return finish(*close_and_number(half_surface(left_half_field())))


def finish(vertices: np.ndarray, faces: np.ndarray) -> dict[str, np.ndarray]:
    """Weights, regressor, labels and texture coordinates for a surface; the arrays of the template file."""
    weight_joints, weight_values = skinning_weights(vertices, faces)
    weights = expand_weights(weight_joints, weight_values)
    regressor = joint_regressor(vertices, shape_directions(vertices, weights), joint_directions())
    rows, columns = np.nonzero(regressor)
    return dict(
        vertices_um=np.round(vertices * 1e6).astype(np.int32),
        faces=faces.astype(np.uint16),
        weight_joints=weight_joints,
        weight_values=weight_values,
        regressor_joints=rows.astype(np.uint8),
        regressor_vertices=columns.astype(np.uint16),
        regressor_values=regressor[rows, columns].astype(np.float32),
        part_labels=part_labels(vertices, weights, PART_NAMES),
        uv=np.round(texture_coordinates(vertices, weights) * 65535).astype(np.uint16),
    )


def write_template(path: str | Path) -> None:
    """Make the surface and write the template file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **build())
    atomic_write(path, buffer.getvalue())
