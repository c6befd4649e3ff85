"""How much of their volume bodies share: a pair of people collides where it is positive.

Of a pair, the box that both their boxes hold is counted through on a lattice of its own, so a small overlap is measured
as finely as a great one. (CRMH's released code sums up something else; it is kept here to compare with.)
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from das_mm.rendering.distance_field import distance_fields
from das_mm.rendering.occupancy import check_closed, inside_lattice


@torch.no_grad()
def overlap_volumes(vertices: Tensor, faces: Tensor, resolution: int = 64) -> np.ndarray:
    """(P, P) m³ that each two of P people share; symmetric, with zeros on the diagonal.

    Where a body cuts itself counts once. Nobody shares anything with people whose vertices are not finite.

    Args:
        vertices: (P, V, 3) in one frame, m.
        faces: (F, 3) of their body, a closed surface whose triangles are turned one way.
        resolution: Points along each side of the box that two people share.

    Raises:
        UserError: An open surface, or faces of another mesh.
    """
    check_closed(faces)
    volumes = np.zeros((len(vertices), len(vertices)))
    low, high = vertices.amin(1), vertices.amax(1)
    for i in range(len(vertices)):
        for j in range(i + 1, len(vertices)):
            begin, end = torch.maximum(low[i], low[j]), torch.minimum(high[i], high[j])
            if not (begin < end).all():  # NaN too
                continue
            step = (end - begin) / resolution
            pair = (vertices[[i, j]] - begin) / step - 0.5
            inside = inside_lattice(pair, faces, (resolution, resolution, resolution), 'winding')
            shared = inside.all(0).sum()
            volumes[i, j] = volumes[j, i] = float(shared * step.prod())
    return volumes


@torch.no_grad()
def released_collision_volume(vertices: Tensor, faces: Tensor, resolution: int = 64) -> float:
    """What CRMH's released evaluation calls the volume of all collisions of P people; wrong, to compare with.

    Only people whose box overlaps everybody's take part; the axes of one person's occupied points are exchanged (z is
    taken for x); sides of voxels are halved, and they are those of the other person's cube.
    """
    low, high = vertices.amin(1), vertices.amax(1)
    kept = ((low[:, None] <= high) & (low <= high[:, None])).all(-1).all(1)
    people, center = vertices[kept], ((low + high) / 2)[kept]
    half = (0.6 * (high - low).amax(1))[kept]
    if len(people) < 2:
        return 0.0
    own = (people - center[:, None]) / half[:, None, None]
    occupied = (distance_fields(own, faces, resolution, 2 / (resolution - 1)) > 0).float()
    total = 0.0
    for i in range(len(people)):
        for j in range(i + 1, len(people)):
            places = torch.nonzero(occupied[j]).float() / (resolution / 2) - 1
            places = (places * half[j] + center[j] - center[i]) / half[i]
            found = functional.grid_sample(occupied[i][None, None], places.view(1, -1, 1, 1, 3), align_corners=False)
            total += float(found.sum() * (half[i] / resolution) ** 3)
    return total
