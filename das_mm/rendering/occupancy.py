"""Which points of a lattice lie inside closed meshes: rays along the lattice's columns, and where they cross triangles.

Each triangle meets the few columns that pass through its box; a crossing counts for all points of the column above it.
Columns that run through an edge or a corner would be counted twice or never: they are taken as moved sideways by less
than any number (first along x, then, infinitely less, along y), which decides every such case the same way for all
triangles that meet there.
"""

from __future__ import annotations

import torch
from torch import Tensor

from das_mm.errors import UserError

from .lattice_boxes import candidates, edge_functions
from .z_buffer import check_faces


@torch.no_grad()
def inside_lattice(vertices: Tensor, faces: Tensor, shape: tuple[int, int, int], rule: str = 'odd') -> Tensor:
    """(M, D, H, W) bool: which points (z, y, x) = (0‥D-1, 0‥H-1, 0‥W-1) lie inside each of M meshes.

    Args:
        vertices: (M, V, 3) x, y, z in steps of the lattice, finite.
        faces: (F, 3) of a closed surface (:func:`check_closed`).
        shape: D, H, W.
        rule: 'odd': where a ray from outside has crossed the surface an odd number of times; where a body cuts itself
            then counts as outside. 'winding': where the crossings inwards and outwards do not cancel, which is right
            there too, if all triangles are turned the same way.

    Raises:
        UserError: Shapes that do not fit, or faces of another mesh.
    """
    check_faces(vertices, faces)
    if rule not in ('odd', 'winding'):
        raise ValueError(f"rule is 'odd' or 'winding', not {rule!r}")
    depth, height, width = shape
    vertices, faces = vertices.float(), faces.to(vertices.device).long()
    triangles = vertices[:, faces].flatten(0, 1)  # (M * F, 3, 3)
    usable = torch.ones(len(triangles), dtype=torch.bool, device=vertices.device)
    # level k of a column holds the crossings between points k - 1 and k; one level more, for those beyond the last
    crossings = vertices.new_zeros(len(vertices) * (depth + 1) * height * width)
    for row, x, y in candidates(triangles[..., :2], usable, width, height):
        corners = triangles[row, :, :2] - torch.stack([x, y], dim=1)[:, None]
        weights = edge_functions(corners)
        left = _left_of_edges(corners, weights)
        hit = left.all(1) | ~left.any(1)
        row, x, y, weights, left = row[hit], x[hit], y[hit], weights[hit], left[hit]
        total = weights.sum(1)
        share = torch.where(total[:, None] != 0, weights / total[:, None], 1 / 3)
        level = (share * triangles[row, :, 2]).sum(1).ceil().clamp(0, depth).long()
        sign = torch.where(left[:, 0], 1.0, -1.0) if rule == 'winding' else torch.ones_like(total)
        place = ((row // len(faces) * (depth + 1) + level) * height + y) * width + x
        crossings.index_add_(0, place, sign)
    below = crossings.view(len(vertices), depth + 1, height, width)[:, :depth].cumsum(1)
    return (below % 2 == 1) if rule == 'odd' else below != 0


def _left_of_edges(corners: Tensor, weights: Tensor) -> Tensor:
    """(n, 3) bool: on which side of the edges opposite to each corner the origin lies, never on one.

    A point that is moved by (ε, ε²) changes an edge's function by ε·(y_begin − y_end), then by ε²·(x_end − x_begin).
    """
    begin, end = corners[:, [1, 2, 0]], corners[:, [2, 0, 1]]
    along_x, along_y = (begin - end)[..., 1], (end - begin)[..., 0]
    tie = torch.where(along_x != 0, along_x, along_y)
    return torch.where(weights != 0, weights, tie) > 0


def check_closed(faces: Tensor, field: str = 'faces') -> None:
    """Raises UserError unless each edge of the surface (F, 3) has two triangles: only then it has an inside."""
    first, second = faces.long(), faces.long()[:, [1, 2, 0]]
    low, high = torch.minimum(first, second).flatten(), torch.maximum(first, second).flatten()
    _, count = torch.unique(low * (int(faces.max()) + 1 if faces.numel() else 1) + high, return_counts=True)
    wrong = int((count != 2).sum())
    if wrong or not len(count):
        raise UserError(
            f'the surface is not closed: {wrong} of its {len(count)} edges have not two triangles',
            field=field,
            remedy='give a body without holes (SMPL has none)',
        )
