"""From a first triangle mesh of an implicit surface to a good one of a wanted size: incremental remeshing.

The mesh may have a boundary on the plane x = 0 (half of a mirror-symmetric body); its vertices stay on that plane.
Incremental remeshing after Botsch and Kobbelt, "A remeshing approach to multiresolution modeling" (2004), with an edge
length that depends on the place: split long edges, collapse short ones, flip for even valence, smooth within the
tangent plane, and pull the vertices back onto the surface. Every step keeps the mesh a manifold. Offline code: plain
Python loops.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .field_primitives import Field
from .marching_tetrahedra import field_gradient

EdgeLength = Callable[[np.ndarray], np.ndarray]  # points (N, 3) -> wanted edge length there (N,) m
Face = tuple[int, int, int]


def _exchanged(face: Face, old: int, new: int) -> Face:
    """The face with another vertex in the place of ``old``."""
    a, b, c = (new if v == old else v for v in face)
    return a, b, c


class HalfMesh:
    """An editable triangle mesh with a boundary on x = 0. Places are lists of floats: Python loops want no numpy."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray):
        self.points: list[list[float]] = vertices.tolist()
        self.faces: dict[int, Face] = {i: tuple(f) for i, f in enumerate(faces.tolist())}
        self.around: list[set[int]] = [set() for _ in self.points]  # faces at a vertex
        for index, face in self.faces.items():
            for vertex in face:
                self.around[vertex].add(index)
        self._next_face = len(self.faces)
        self.boundary = {v for edge in self.edges() if len(self.faces_of_edge(*edge)) == 1 for v in edge}

    def edges(self) -> list[tuple[int, int]]:
        return list({(min(a, b), max(a, b)) for f in self.faces.values() for a, b in (f[:2], f[1:], (f[2], f[0]))})

    def faces_of_edge(self, a: int, b: int) -> set[int]:
        return self.around[a] & self.around[b]

    def neighbours(self, a: int) -> set[int]:
        return {v for f in self.around[a] for v in self.faces[f]} - {a}

    def length(self, a: int, b: int) -> float:
        p, q = self.points[a], self.points[b]
        return ((p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2) ** 0.5

    def _add_face(self, face: Face) -> None:
        self.faces[self._next_face] = face
        for vertex in face:
            self.around[vertex].add(self._next_face)
        self._next_face += 1

    def _remove_face(self, index: int) -> Face:
        face = self.faces.pop(index)
        for vertex in face:
            self.around[vertex].discard(index)
        return face

    def split(self, a: int, b: int) -> int:
        """Put a vertex into the middle of an edge."""
        middle = len(self.points)
        self.points.append([0.5 * (p + q) for p, q in zip(self.points[a], self.points[b])])
        self.around.append(set())
        sides = self.faces_of_edge(a, b)
        if len(sides) == 1:
            self.boundary.add(middle)
        for index in sides:
            face = self._remove_face(index)
            self._add_face(_exchanged(face, b, middle))
            self._add_face(_exchanged(face, a, middle))
        return middle

    def _normal(self, p, q, r) -> tuple[float, float, float]:
        ux, uy, uz = q[0] - p[0], q[1] - p[1], q[2] - p[2]
        vx, vy, vz = r[0] - p[0], r[1] - p[1], r[2] - p[2]
        return uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx

    def _turns_over(self, face, moved: dict[int, list[float]], limit: float = 0.3) -> bool:
        """Whether a face turns by more than acos(limit), or loses its area, when vertices take other places."""
        old = self._normal(*(self.points[v] for v in face))
        new = self._normal(*(moved.get(v, self.points[v]) for v in face))
        dot = old[0] * new[0] + old[1] * new[1] + old[2] * new[2]
        size = (old[0] ** 2 + old[1] ** 2 + old[2] ** 2) * (new[0] ** 2 + new[1] ** 2 + new[2] ** 2)
        return dot <= limit * size**0.5 or size < 1e-28

    def collapse(self, a: int, b: int, longest: float = float('inf')) -> bool:
        """Merge b into a (at the middle, or on the boundary where one of them is). False where it may not be done."""
        sides = self.faces_of_edge(a, b)
        near_a, near_b = self.neighbours(a), self.neighbours(b)
        on_a, on_b = a in self.boundary, b in self.boundary
        if len(near_a & near_b) != len(sides) or (on_a and on_b and len(sides) == 2):
            return False
        if len(near_a | near_b) - 2 > 9:
            return False
        if any(len(self.around[v]) <= 3 + (v not in self.boundary) for v in near_a & near_b):
            return False
        if on_a == on_b:
            place = [0.5 * (p + q) for p, q in zip(self.points[a], self.points[b])]
        else:
            place = list(self.points[a if on_a else b])
        moved = {a: place, b: place}
        for vertex, near in ((a, near_a), (b, near_b)):
            if any(self._turns_over(self.faces[f], moved) for f in self.around[vertex] - sides):
                return False
            if any(sum((p - q) ** 2 for p, q in zip(place, self.points[v])) > longest**2 for v in near - {a, b}):
                return False
        for index in sides:
            self._remove_face(index)
        for index in list(self.around[b]):
            self._add_face(_exchanged(self._remove_face(index), b, a))
        self.points[a] = place
        if on_b:
            self.boundary.discard(b)
            self.boundary.add(a)
        return True

    def flip(self, a: int, b: int) -> bool:
        """Turn an edge inside its two triangles if the valences come closer to 6 (4 on the boundary)."""
        sides = list(self.faces_of_edge(a, b))
        if len(sides) != 2:
            return False
        face1, face2 = (self.faces[f] for f in sides)
        c, d = (next(v for v in f if v not in (a, b)) for f in (face1, face2))
        if d in self.neighbours(c):
            return False
        wanted = [len(self.neighbours(v)) - (4 if v in self.boundary else 6) for v in (a, b, c, d)]
        after = [w + change for w, change in zip(wanted, (-1, -1, 1, 1))]
        if sum(w * w for w in after) >= sum(w * w for w in wanted):
            return False
        # new triangles in the turning sense of the old ones
        new1 = _exchanged(face1, b, d)
        new2 = _exchanged(face2, a, c)
        points = self.points
        for new in (new1, new2):
            n = self._normal(*(points[v] for v in new))
            for old in (face1, face2):
                m = self._normal(*(points[v] for v in old))
                if sum(p * q for p, q in zip(n, m)) <= 0.5 * (sum(p * p for p in n) * sum(q * q for q in m)) ** 0.5:
                    return False
        for index in sides:
            self._remove_face(index)
        self._add_face(new1)
        self._add_face(new2)
        return True

    def compact(self) -> tuple[np.ndarray, np.ndarray]:
        """Arrays without the vertices that were merged away; the mesh is renumbered alike."""
        used = sorted({v for f in self.faces.values() for v in f})
        number = {v: i for i, v in enumerate(used)}
        vertices = np.array([self.points[v] for v in used])
        faces = np.array([[number[v] for v in f] for _, f in sorted(self.faces.items())])
        self.__init__(vertices, faces)
        return vertices, faces


def remesh(mesh: HalfMesh, field: Field, edge_length: EdgeLength, rounds: int) -> None:
    """Bring a mesh to the wanted edge lengths, in place."""
    for _ in range(rounds):
        vertices, _faces = mesh.compact()
        wanted = edge_length(vertices).tolist()
        edges = mesh.edges()
        for a, b in sorted(edges, key=lambda e: (-mesh.length(*e), e)):
            if mesh.length(a, b) > 4 / 3 * 0.5 * (wanted[a] + wanted[b]):
                mesh.split(a, b)
                wanted.append(0.5 * (wanted[a] + wanted[b]))
        for a, b in sorted(mesh.edges(), key=lambda e: (mesh.length(*e), e)):
            if not mesh.around[a] or not mesh.around[b] or not mesh.faces_of_edge(a, b):
                continue
            target = 0.5 * (wanted[a] + wanted[b])
            if mesh.length(a, b) < 0.8 * target:
                mesh.collapse(a, b, longest=4 / 3 * target)
        for a, b in sorted(mesh.edges()):
            mesh.flip(a, b)
        relax(mesh, field, edge_length)


def relax(mesh: HalfMesh, field: Field, edge_length: EdgeLength, strength: float = 0.6) -> None:
    """Move every vertex towards the middle of its neighbours within the tangent plane, then onto the surface."""
    vertices, faces = mesh.compact()
    normals = field_gradient(field, vertices)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    # triangles count by area over wanted area, so that the grading of the edge lengths is kept
    corners = vertices[faces]
    area = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    share = area / edge_length(corners.mean(axis=1)) ** 2
    total, weight = np.zeros_like(vertices), np.zeros(len(vertices))
    for k in range(3):
        np.add.at(total, faces[:, k], corners.mean(axis=1) * share[:, None])
        np.add.at(weight, faces[:, k], share)
    step = total / weight[:, None] - vertices
    boundary = np.array(sorted(mesh.boundary), int)
    if len(boundary):
        step[boundary] = _boundary_step(mesh, vertices, boundary)
    step -= (step * normals).sum(axis=1, keepdims=True) * normals
    project(mesh, field, vertices + strength * step)


def _boundary_step(mesh: HalfMesh, vertices: np.ndarray, boundary: np.ndarray) -> np.ndarray:
    """Towards the middle of the two neighbours along the boundary."""
    step = np.zeros((len(boundary), 3))
    for row, vertex in enumerate(boundary):
        near = [v for v in mesh.neighbours(vertex) if v in mesh.boundary and len(mesh.faces_of_edge(vertex, v)) == 1]
        step[row] = vertices[near].mean(axis=0) - vertices[vertex]
    return step


def project(mesh: HalfMesh, field: Field, vertices: np.ndarray, steps: int = 4) -> None:
    """Put the vertices onto the zero surface by Newton steps along the gradient; the boundary stays on x = 0."""
    boundary = np.array(sorted(mesh.boundary), int)
    for _ in range(steps):
        gradient = field_gradient(field, vertices)
        gradient[boundary, 0] = 0
        move = field(vertices)[:, None] * gradient / np.maximum((gradient**2).sum(axis=1, keepdims=True), 0.05)
        vertices = vertices - np.clip(move, -0.01, 0.01)
        vertices[boundary, 0] = 0
        vertices[:, 0] = np.maximum(vertices[:, 0], 0)
    mesh.points = vertices.tolist()


def reach_vertex_count(mesh: HalfMesh, edge_length: EdgeLength, total: int) -> None:
    """Collapse or split inner edges, those first that differ most from the wanted length, until the closed body (both
    halves, the boundary counted once) has ``total`` vertices.

    Raises:
        RuntimeError: if no edge can be collapsed any more.
    """
    if (total - len(mesh.boundary)) % 2:  # an inner vertex counts twice: the parity is the boundary's affair
        a, b = max((e for e in mesh.edges() if len(mesh.faces_of_edge(*e)) == 1), key=lambda e: (mesh.length(*e), e))
        mesh.split(a, b)
    vertices, _faces = mesh.compact()
    wanted = edge_length(vertices)
    excess = len(mesh.points) - len(mesh.boundary) - (total - len(mesh.boundary)) // 2
    inner = [e for e in mesh.edges() if not (e[0] in mesh.boundary or e[1] in mesh.boundary)]
    order = 1 if excess > 0 else -1
    for a, b in sorted(inner, key=lambda e: (order * mesh.length(*e) / (wanted[e[0]] + wanted[e[1]]), e)):
        if excess == 0:
            break
        if excess < 0:
            mesh.split(a, b)
            excess += 1
        elif mesh.around[a] and mesh.around[b] and mesh.faces_of_edge(a, b) and mesh.collapse(a, b):
            excess -= 1
    if excess:
        raise RuntimeError(f'{excess} vertices too many and no edge left that may be collapsed')
    mesh.compact()
