"""Distance fields of closed meshes on a cube of points: the depth inside, 0 outside (Kolotouros 2022, §5.3.3).

φ(p) = distance of p to the nearest triangle where p is inside, else 0. A person fills about one hundredth of the cube
about them, so distances are taken at few points only; and of the triangles those alone that can be the nearest: with c
the centre of a triangle and r the distance of its farthest corner from there, no point of it is nearer than
|p − c| − r, and the nearest of all is no farther than the least |p − c|.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .occupancy import inside_lattice

_MOST_PAIRS = 1 << 23  # of a point and a triangle in memory at once
_SLACK = 1e-3  # cdist multiplies matrices: its rounding must not lose the nearest triangle


@torch.no_grad()
def distance_fields(
    vertices: Tensor, faces: Tensor, resolution: int = 32, spacing: float | None = None, wanted: Tensor | None = None
) -> Tensor:
    """(M, R, R, R) fields φ of M meshes, indexed (mesh, z, y, x), in units of the vertices; without gradient.

    Args:
        vertices: (M, V, 3) in the cube [-1, 1]³, finite.
        faces: (F, 3) of a closed surface.
        resolution: R points a side.
        spacing: Of the points, which lie at −1 + (k + ½)·spacing. By default 2 / R: the centres of R cells, which is
            what ``grid_sample(…, align_corners=False)`` reads. The released code of CRMH writes 2 / (R − 1).
        wanted: (M, R, R, R) bool: the points that will be read (:func:`cells_around`); others may stay 0. None: all.

    Raises:
        UserError: Shapes that do not fit, or faces of another mesh.
    """
    spacing = 2 / resolution if spacing is None else spacing
    vertices = vertices.detach().float()
    inside = inside_lattice((vertices + 1) / spacing - 0.5, faces, (resolution, resolution, resolution))
    inside = inside if wanted is None else inside & wanted
    fields = vertices.new_zeros(inside.shape)
    for field, where, mesh in zip(fields, inside, vertices):
        z, y, x = torch.nonzero(where, as_tuple=True)
        points = (torch.stack([x, y, z], dim=1) + 0.5) * spacing - 1
        field[z, y, x] = surface_distance(points, mesh[faces.to(mesh.device).long()])
    return fields


def cells_around(places: Tensor, resolution: int) -> Tensor:
    """(M, R, R, R) bool, (z, y, x): what ``grid_sample`` reads of a field for places (M, n, 3) of [-1, 1]³."""
    low = ((places + 1) * resolution / 2 - 0.5).clamp(-2, resolution).floor().long()
    read = torch.zeros(len(places), *(resolution,) * 3, dtype=torch.bool, device=places.device)
    for corner in torch.cartesian_prod(*[torch.arange(2, device=places.device)] * 3):
        at = low + corner
        mesh, number = torch.nonzero(((at >= 0) & (at < resolution)).all(-1), as_tuple=True)
        x, y, z = at[mesh, number].unbind(1)
        read[mesh, z, y, x] = True
    return read


def surface_distance(points: Tensor, triangles: Tensor) -> Tensor:
    """(n,) distance of each point (n, 3) to the nearest of the triangles (F, 3, 3); exact, in bounded memory."""
    if len(points) == 0:
        return points.new_zeros(0)
    centers = triangles.mean(1)
    radii = (triangles - centers[:, None]).norm(dim=-1).amax(1)
    return torch.cat(
        [
            _nearest(piece, triangles, centers, radii)
            for piece in points.split(max(1, _MOST_PAIRS // max(1, len(triangles))))
        ]
    )


def _nearest(points: Tensor, triangles: Tensor, centers: Tensor, radii: Tensor) -> Tensor:
    apart = torch.cdist(points, centers)  # (n, F)
    bound = apart.amin(1, keepdim=True) + _SLACK
    point, triangle = torch.nonzero(apart - radii <= bound, as_tuple=True)
    distance = triangle_distance(points[point], triangles[triangle])
    return distance.new_full((len(points),), torch.inf).scatter_reduce_(0, point, distance, 'amin')


def triangle_distance(points: Tensor, triangles: Tensor) -> Tensor:
    """(n,) distance of each point (n, 3) to the one triangle (n, 3, 3) beside it.

    Above the inside of the triangle that is its distance to the plane, elsewhere to the nearest edge or corner.
    """
    edges = triangles[:, [1, 2, 0]] - triangles  # (n, 3, 3)
    offset = points[:, None] - triangles
    length = edges.square().sum(-1)
    along = ((offset * edges).sum(-1) / length.clamp(min=torch.finfo(points.dtype).tiny)).clamp(0, 1)
    to_edges = (offset - along[..., None] * edges).square().sum(-1).amin(1).sqrt()
    normal = torch.cross(edges[:, 0], edges[:, 1], dim=-1)
    area = normal.norm(dim=-1)
    sides = (torch.cross(edges, offset, dim=-1) * normal[:, None]).sum(-1)
    above = (sides >= 0).all(1) & (area > 0)
    to_plane = (offset[:, 0] * normal).sum(-1).abs() / area.clamp(min=torch.finfo(points.dtype).tiny)
    return torch.where(above, torch.minimum(to_plane, to_edges), to_edges)
