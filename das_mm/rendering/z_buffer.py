"""A z-buffer in torch: which triangle a pixel sees, and how far away it is, the latter with gradient.

Runs on any device torch knows, without kernels of its own. Every person is drawn alone, so that the depth of someone
hidden behind others can be judged too (Kolotouros 2022, Eq. 5.4); what is seen of all of them together follows.

The face of a pixel is found without gradient. Its depth D is then computed again from the triangle's corners, with
their depths z_k and the weights w_k of the pixel in the image: 1 / D = Σ w_k / z_k, differentiable through both. There
is no gradient of silhouettes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from das_mm.errors import UserError
from das_mm.structures import project

from .lattice_boxes import candidates, edge_functions

_NOTHING = torch.iinfo(torch.int64).max


class Raster(NamedTuple):
    """P people drawn alone.

    Attributes:
        depth (P, H, W): In the unit of the vertices, inf where nothing is seen; with gradient.
        face_ids (P, H, W) int64: Row of the triangle, -1 where nothing is seen.
        person_ids (H, W) int64: Who is in front where all are drawn together, -1 for nobody.
    """

    depth: Tensor
    face_ids: Tensor
    person_ids: Tensor

    @property
    def silhouettes(self) -> Tensor:
        """(P, H, W) bool."""
        return self.face_ids >= 0


def rasterize(
    vertices_camera: Tensor,
    faces: Tensor,
    camera_matrix: Tensor,
    height: int,
    width: int,
    near: float = 0.1,
    far: float = 100.0,
) -> Raster:
    """Draws P people whose meshes share their triangles; both sides of a triangle are seen.

    Args:
        vertices_camera: (P, V, 3) in the camera frame (x right, y down, z forward), m.
        faces: (F, 3) rows of the vertices.
        camera_matrix: (3, 3), upper triangular; centres of pixels are whole numbers.
        height, width: H and W of the image.
        near, far: Triangles with a corner nearer than ``near``, or with one that is not finite, are not drawn, and
            nothing is seen beyond ``far``; m.

    Raises:
        UserError: Shapes that do not fit, or faces of another mesh.
    """
    check_faces(vertices_camera, faces)
    faces = faces.to(vertices_camera.device).long()
    with torch.no_grad():
        face_ids = _first_faces(vertices_camera, faces, camera_matrix, (height, width), (near, far))
    person, y, x = torch.nonzero(face_ids >= 0, as_tuple=True)
    corners = vertices_camera[person[:, None], faces[face_ids[person, y, x]]]  # (n, 3, 3)
    places = project(corners, camera_matrix.to(corners)) - torch.stack([x, y], dim=1)[:, None]
    depth = corners.new_full((len(vertices_camera), height, width), math.inf)
    depth = depth.index_put((person, y, x), depth_at_origin(places, corners[..., 2]))
    person_ids = corners.new_full((height, width), -1, dtype=torch.int64)
    if len(depth):
        nearest, first = depth.detach().min(dim=0)
        person_ids = torch.where(nearest.isfinite(), first, -1)
    return Raster(depth, face_ids, person_ids)


def depth_at_origin(corners: Tensor, depths: Tensor) -> Tensor:
    """Perspective-correct depth (n,) at the origin of the image plane.

    Args:
        corners: (n, 3, 2) of triangles that hold the origin.
        depths: (n, 3) of the corners.
    """
    weights = edge_functions(corners)
    return weights.sum(1) / (weights / depths).sum(1)


def check_faces(vertices: Tensor, faces: Tensor) -> None:
    """Raises UserError where vertices (P, V, 3) and faces (F, 3) are no meshes, or not of one body."""
    if vertices.ndim != 3 or vertices.shape[2] != 3 or not vertices.is_floating_point():
        raise UserError(
            f'{tuple(vertices.shape)} of {vertices.dtype} are no vertices',
            field='vertices',
            remedy='give floating point numbers of shape (people, vertices, 3)',
        )
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.is_floating_point():
        raise UserError(
            f'{tuple(faces.shape)} of {faces.dtype} are no triangles',
            field='faces',
            remedy='give whole numbers of shape (triangles, 3)',
        )
    if faces.numel() and (int(faces.max()) >= vertices.shape[1] or int(faces.min()) < 0):
        raise UserError(
            f'the faces name the vertices {int(faces.min())} to {int(faces.max())}, the mesh has {vertices.shape[1]}',
            field='faces',
            remedy='give the faces of the body that the vertices are of',
        )


def _first_faces(
    vertices: Tensor, faces: Tensor, camera_matrix: Tensor, size: tuple[int, int], limits: tuple[float, float]
) -> Tensor:
    """(P, H, W) row of the nearest triangle, -1 for none."""
    (height, width), (near, far) = size, limits
    vertices = vertices.float()
    places = project(vertices, camera_matrix.to(vertices))[:, faces].flatten(0, 1)  # (P * F, 3, 2)
    depths = vertices[:, faces, 2].flatten(0, 1)  # (P * F, 3)
    usable = ((depths > near) & (depths < math.inf)).all(1) & places.isfinite().all(2).all(1) & (depths < far).any(1)
    buffer = torch.full((len(vertices) * height * width,), _NOTHING, dtype=torch.int64, device=vertices.device)
    for row, x, y in candidates(places, usable, width, height):
        corners = places[row] - torch.stack([x, y], dim=1)[:, None]
        weights = edge_functions(corners)
        inside = ((weights >= 0).all(1) | (weights <= 0).all(1)) & (weights != 0).any(1)
        row, x, y, corners = row[inside], x[inside], y[inside], corners[inside]
        depth = depth_at_origin(corners, depths[row])
        # depth in the upper bits, where positive floats sort as whole numbers do, and the face below: one minimum
        # finds both, and of triangles at one depth always the same
        key = (depth.contiguous().view(torch.int32).long() << 32) | (row % len(faces))
        pixel = (row // len(faces) * height + y) * width + x
        seen = depth < far
        buffer.scatter_reduce_(0, pixel[seen], key[seen], 'amin')
    return torch.where(buffer == _NOTHING, -1, buffer & 0xFFFFFFFF).view(len(vertices), height, width)
