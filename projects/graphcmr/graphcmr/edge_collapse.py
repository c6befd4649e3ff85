"""Coarser meshes by edge collapses that keep original vertices.

Quadric error metrics (Garland and Heckbert, "Surface simplification using quadric error metrics", SIGGRAPH 1997) with
subset placement: an edge (u, v) is collapsed into v, which stays where it is, so that the coarse vertices are a
selection of the fine ones. A collapse is made only where the mesh stays a closed manifold of the same genus (Dey et
al., "Topology preserving edge contraction", 1999: the ends have exactly the two vertices across the edge in common) and
where no triangle turns over. Letters: V vertices, F faces.
"""

from __future__ import annotations

import heapq

import numpy as np

from das_mm.errors import UserError

_LARGEST_TURN = 0.2  # smallest cosine between a triangle's normals before and after a collapse
_LENGTH_SHARE = 1e-3  # flat regions have no quadric error: there the shorter edge goes first


def check_closed_surface(faces: np.ndarray, num_vertices: int, file=None) -> None:
    """That a mesh is one closed surface without holes and handles (V - E + F = 2), turned alike everywhere.

    Args:
        faces: (F, 3) int.
        num_vertices: V; every one must belong to a face.
        file: Where the mesh is from, for the message.

    Raises:
        UserError: It is none.
    """
    faces = np.asarray(faces)
    half_edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    codes = half_edges[:, 0].astype(np.int64) * num_vertices + half_edges[:, 1]
    twins = half_edges[:, 1].astype(np.int64) * num_vertices + half_edges[:, 0]
    closed = len(np.unique(codes)) == len(codes) and np.array_equal(np.sort(codes), np.sort(twins))
    used = len(np.unique(faces))
    characteristic = num_vertices - len(codes) // 2 + len(faces)
    if not closed or used != num_vertices or characteristic != 2:
        problem = (
            'its surface has a hole, or an edge with more than two faces'
            if not closed
            else f'{num_vertices - used} of its vertices belong to no face'
            if used != num_vertices
            else f'V - E + F is {characteristic}, not 2: it has handles or several parts'
        )
        raise UserError(
            f'the body is no closed surface of genus 0: {problem}',
            file=file,
            field='faces',
            remedy="give a body with one closed surface, such as SMPL's",
        )


class CollapsingMesh:
    """A triangle mesh that loses vertices one by one.

    Args:
        vertices: (V, 3).
        faces: (F, 3), a closed surface of genus 0.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray):
        self.points = np.asarray(vertices, np.float64)
        self.faces: dict[int, tuple[int, int, int]] = {index: tuple(face) for index, face in enumerate(faces.tolist())}
        self.around: list[set[int]] = [set() for _ in range(len(self.points))]
        for index, face in self.faces.items():
            for vertex in face:
                self.around[vertex].add(index)
        self.quadrics = _vertex_quadrics(self.points, faces)
        self.alive = len(self.points)

    def neighbours(self, vertex: int) -> set[int]:
        return {other for face in self.around[vertex] for other in self.faces[face]} - {vertex}

    def reduce(self, target: int) -> None:
        """Collapse edges, cheapest first, until ``target`` vertices are left.

        Raises:
            ValueError: No edge can be collapsed any more.
        """
        while self.alive > target:
            before = self.alive
            self._sweep(target)
            if self.alive == before:
                raise ValueError(f'{self.alive} vertices are left and no edge may be collapsed')

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """The indices (V',) of the vertices that are left, ascending, and faces (F', 3) that index into them."""
        kept = np.array(sorted(vertex for vertex, faces in enumerate(self.around) if faces))
        number = np.full(len(self.around), -1)
        number[kept] = np.arange(len(kept))
        return kept, number[np.array([self.faces[index] for index in sorted(self.faces)])]

    def _sweep(self, target: int) -> None:
        """One pass over the edges by cost; costs that changed since are found by their stamp."""
        stamp = [0] * len(self.around)
        queue = [
            (self._cost(a, b), a, b, 0, 0)
            for a in range(len(self.around))
            if self.around[a]
            for b in self.neighbours(a)
        ]
        heapq.heapify(queue)
        while queue and self.alive > target:
            _, removed, kept, stamp_removed, stamp_kept = heapq.heappop(queue)
            if (stamp[removed], stamp[kept]) != (stamp_removed, stamp_kept) or not self._collapse(removed, kept):
                continue
            stamp[removed] = -1
            stamp[kept] += 1
            for other in self.neighbours(kept):
                for a, b in ((kept, other), (other, kept)):
                    heapq.heappush(queue, (self._cost(a, b), a, b, stamp[a], stamp[b]))

    def _cost(self, removed: int, kept: int) -> float:
        """Squared distances of the kept point from the planes of both, and a little of the edge's length."""
        point = np.append(self.points[kept], 1.0)
        edge = self.points[removed] - self.points[kept]
        quadric = self.quadrics[removed] + self.quadrics[kept]
        area = quadric[0, 0] + quadric[1, 1] + quadric[2, 2]  # normals are units
        return float(point @ quadric @ point + _LENGTH_SHARE * area * (edge @ edge))

    def _collapse(self, removed: int, kept: int) -> bool:
        """Merge ``removed`` into ``kept``; False where that may not be done."""
        sides = self.around[removed] & self.around[kept]
        shared = self.neighbours(removed) & self.neighbours(kept)
        if len(sides) != 2 or len(shared) != 2 or any(len(self.around[vertex]) <= 3 for vertex in shared):
            return False
        moved = self.around[removed] - sides
        if any(self._turns_over(self.faces[face], removed, kept) for face in moved):
            return False
        for face in sides:
            for vertex in self.faces.pop(face):
                self.around[vertex].discard(face)
        for face in moved:
            self.faces[face] = tuple(kept if vertex == removed else vertex for vertex in self.faces[face])
        self.around[kept] |= moved
        self.around[removed] = set()
        self.quadrics[kept] += self.quadrics[removed]
        self.alive -= 1
        return True

    def _turns_over(self, face: tuple[int, int, int], removed: int, kept: int) -> bool:
        old = _normal(*(self.points[vertex] for vertex in face))
        new = _normal(*(self.points[kept if vertex == removed else vertex] for vertex in face))
        dot = old[0] * new[0] + old[1] * new[1] + old[2] * new[2]
        size2 = (old[0] ** 2 + old[1] ** 2 + old[2] ** 2) * (new[0] ** 2 + new[1] ** 2 + new[2] ** 2)
        return not dot > _LARGEST_TURN * size2**0.5  # a triangle without area is refused too


def _vertex_quadrics(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 4, 4): the planes around each vertex, weighed by the areas of their triangles."""
    corners = points[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    units = normals / np.maximum(lengths, np.finfo(float).tiny)[:, None]
    planes = np.concatenate([units, -(units * corners[:, 0]).sum(1, keepdims=True)], axis=1)
    of_faces = 0.5 * lengths[:, None, None] * planes[:, :, None] * planes[:, None, :]
    quadrics = np.zeros((len(points), 4, 4))
    for corner in range(3):
        np.add.at(quadrics, faces[:, corner], of_faces)
    return quadrics


def _normal(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> tuple[float, float, float]:
    (px, py, pz), (qx, qy, qz), (rx, ry, rz) = p.tolist(), q.tolist(), r.tolist()
    ux, uy, uz, vx, vy, vz = qx - px, qy - py, qz - pz, rx - px, ry - py, rz - pz
    return uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
