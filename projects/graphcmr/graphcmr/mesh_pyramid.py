"""A body's mesh at several resolutions, and the matrices between them (thesis §2.3.4, after Ranjan et al. 2018).

Letters: level 0 is the body itself, N_l vertices at level l; a level has a quarter of the vertices of the one before.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from das_mm.errors import UserError

from .barycentric_upsampling import barycentric_upsampling
from .edge_collapse import CollapsingMesh, check_closed_surface

#: levels of the authors' file: 6890, 1723 and 431 vertices
NUM_LEVELS = 3
_FACTOR = 4


@dataclass(frozen=True, eq=False)
class MeshPyramid:
    """Graphs of L levels and what leads from one to the next.

    Attributes:
        adjacency: L matrices (N_l, N_l), 1 where an edge is, without a diagonal.
        down: L - 1 matrices D (N_{l+1}, N_l): a selection of vertices, one 1 a row.
        up: L - 1 matrices U (N_l, N_{l+1}): barycentric weights, at most three a row.
    """

    adjacency: tuple[sparse.csr_matrix, ...]
    down: tuple[sparse.csr_matrix, ...]
    up: tuple[sparse.csr_matrix, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Vertices of each level."""
        return tuple(matrix.shape[0] for matrix in self.adjacency)

    def check_body(self, faces: np.ndarray, num_vertices: int, file=None) -> None:
        """That level 0 is the mesh of this body.

        Raises:
            UserError: It is another body's.
        """
        own = face_adjacency(faces, num_vertices) if self.sizes[0] == num_vertices else None
        if own is None or (own != self.adjacency[0]).nnz:
            size = self.sizes[0]
            problem = (
                f'it is the pyramid of a body of {size} vertices, this one has {num_vertices}'
                if own is None
                else f'its {size} vertices hang together in another way than those of this body'
            )
            raise UserError(
                problem,
                file=file,
                field='pyramid',
                remedy='give the file that belongs to the body, or leave it out: a pyramid is built from the body',
            )


def build_pyramid(
    vertices: np.ndarray, faces: np.ndarray, num_levels: int = NUM_LEVELS, factor: int = _FACTOR
) -> MeshPyramid:
    """The pyramid of a closed body.

    Args:
        vertices: (V, 3) template in rest pose.
        faces: (F, 3) int.
        num_levels: L.
        factor: How many vertices of a level become one of the next (rounded up, as the authors' 6890, 1723, 431).

    Raises:
        UserError: The body is no closed surface of genus 0.

    Example:
        >>> from trimesh.creation import icosphere
        >>> ball = icosphere(2)
        >>> pyramid = build_pyramid(ball.vertices, ball.faces)
        >>> pyramid.sizes, float(abs(pyramid.down[0] @ pyramid.up[0] - sparse.eye(41)).max())
        ((162, 41, 11), 0.0)
    """
    vertices, faces = np.asarray(vertices, np.float64), np.asarray(faces, np.int64)
    check_closed_surface(faces, len(vertices))
    adjacency, down, up = [face_adjacency(faces, len(vertices))], [], []
    for _ in range(num_levels - 1):
        mesh = CollapsingMesh(vertices, faces)
        mesh.reduce(-(-len(vertices) // factor))
        kept, coarse = mesh.result()
        up.append(barycentric_upsampling(vertices, kept, coarse))
        ones = np.ones(len(kept))
        down.append(sparse.csr_matrix((ones, (np.arange(len(kept)), kept)), shape=(len(kept), len(vertices))))
        vertices, faces = vertices[kept], coarse
        adjacency.append(face_adjacency(faces, len(vertices)))
    return MeshPyramid(tuple(adjacency), tuple(down), tuple(up))


def face_adjacency(faces: np.ndarray, num_vertices: int) -> sparse.csr_matrix:
    """(V, V): 1 for every edge of the faces, both ways."""
    faces = np.asarray(faces)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    return sparse.csr_matrix((np.ones(len(edges)), edges.T), shape=(num_vertices, num_vertices))


def normalised_adjacency(adjacency: sparse.spmatrix) -> sparse.csr_matrix:
    """Ã = D⁻¹(A + I) of eq. 2.1: whatever the entries of A are, each row is the mean over a vertex and its neighbours.

    Example:
        >>> normalised_adjacency(sparse.csr_matrix([[0, 2, 0], [2, 0, 2], [0, 2, 0]])).toarray().round(2).tolist()
        [[0.5, 0.5, 0.0], [0.33, 0.33, 0.33], [0.0, 0.5, 0.5]]
    """
    own = sparse.csr_matrix(adjacency, dtype=np.float64)
    own.eliminate_zeros()
    own.data[:] = 1
    own = own.maximum(sparse.identity(own.shape[0], format='csr'))
    return sparse.csr_matrix(sparse.diags(1 / np.asarray(own.sum(1)).ravel()) @ own)


def normalised_template(vertices: np.ndarray) -> np.ndarray:
    """The template as the network reads it: centred on its bounding box and divided by its largest coordinate.

    Args:
        vertices: (V, 3).

    Returns:
        (V, 3) in [-1, 1].
    """
    vertices = np.asarray(vertices, np.float64)
    centred = vertices - 0.5 * (vertices.max(0) + vertices.min(0))
    return centred / np.abs(centred).max()


def mesh_sum(vertices: np.ndarray, faces: np.ndarray) -> str:
    """A short name of a mesh that no other one has."""
    digest = hashlib.sha256(np.ascontiguousarray(vertices, np.float64).tobytes())
    digest.update(np.ascontiguousarray(faces, np.int64).tobytes())
    return digest.hexdigest()[:16]
