"""The penalty on people who stand in each other (Kolotouros 2022, §5.3.3; CRMH).

Person i gets a distance field φ_i in a tight cube of their own, everybody else's vertices are looked up in it, and what
they find is penalised. The gradient runs through the places that are looked up alone: cubes and fields are constants.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor
from torch.nn import functional

from das_mm.errors import UserError
from das_mm.registry import MODELS
from das_mm.rendering.distance_field import cells_around, distance_fields
from das_mm.rendering.occupancy import check_closed
from das_mm.rendering.z_buffer import check_faces

from .people_meshes import connected_zero, finite_people, tell_left_out


class _Cubes(NamedTuple):
    """M cubes about people: centres (M, 3) and half sides (M,), constants."""

    center: Tensor
    half: Tensor

    def seen_from(self, vertices: Tensor) -> Tensor:
        """(M, N, V, 3): vertices (N, V, 3) in the frame of each cube, which is [-1, 1]³."""
        return (vertices - self.center[:, None, None]) / self.half[:, None, None, None]


@MODELS.register_module()
class InterpenetrationLoss(BaseModule):
    """Geman-McClure penalty on the depth of vertices inside other people; nobody collides with themselves.

    With e_ij(v) = φ_i(v) for the vertices v of person j, in half sides of the cube of i, and ρ(e) = e² / (c² + e²):

    * ``robust='vertex'``: Σ_ij Σ_v ρ(e_ij(v)) / N² over the N people whose boxes overlap somebody's. The released
      code's form, to which its weight of 1/100 belongs.
    * ``robust='person'``: Σ_j ρ(Σ_i Σ_v e_ij(v)), the paper's Eq. 5.3. Some twenty vertices saturate it.

    People whose vertices are not finite are left out, and the log counts them. Computed in float32 with autocast off.

    Args:
        resolution: Points of a field along each side of its cube.
        margin: The cube's side over the longest side of the person's box, less 1.
        robust: 'vertex', 'person', or None for the plain sum Σ_j Σ_i P_ij.
        robust_scale: c, in half sides.
        loss_weight: Factor on the result.
        released: As the released code computes it, to compare with: its points lie 2 / (R − 1) apart where the sampling
            takes 2 / R, and it keeps only those whose box overlaps everybody else's.
    """

    def __init__(
        self,
        resolution: int = 32,
        margin: float = 0.2,
        robust: str | None = 'vertex',
        robust_scale: float = 0.2,
        loss_weight: float = 1.0,
        released: bool = False,
    ):
        super().__init__()
        if robust not in ('vertex', 'person', None):
            raise UserError(f'{robust!r} is nothing to be robust over', field='robust', remedy="'vertex' or 'person'")
        if resolution < 2 or margin < 0 or robust_scale <= 0:
            raise UserError(
                f'a field of {resolution} points, margin {margin} and scale {robust_scale} cannot be',
                field='resolution, margin, robust_scale',
                remedy='give at least 2 points, a margin of at least 0 and a positive scale',
            )
        self.resolution, self.margin, self.released = resolution, margin, released
        self.robust, self.robust_scale, self.loss_weight = robust, robust_scale, loss_weight

    def forward(self, vertices: Tensor, faces: Tensor) -> Tensor:
        """
        Args:
            vertices: (P, V, 3) of the people of one image in one camera frame, one entry a person, m.
            faces: (F, 3) of their body, a closed surface.

        Returns:
            Scalar; a zero connected to the vertices where nobody can touch another.

        Raises:
            UserError: An open surface, or faces of another mesh.
        """
        check_faces(vertices, faces)
        check_closed(faces)
        with torch.autocast(vertices.device.type, enabled=False):
            zero, finite = connected_zero(vertices.float()), finite_people(vertices)
            tell_left_out(int((~finite).sum()), len(vertices), type(self).__name__, 'their vertices are not finite')
            people = vertices[finite].float()
            people = people[self.meeting(people)]
            if len(people) < 2:
                return zero
            return zero + self.loss_weight * self._penalty(self._depths(people, faces))

    @torch.no_grad()
    def meeting(self, vertices: Tensor) -> Tensor:
        """(P,) bool: whose axis-aligned box overlaps somebody else's."""
        low, high = vertices.amin(1), vertices.amax(1)
        overlap = ((low[:, None] <= high) & (low <= high[:, None])).all(-1)  # (P, P)
        if self.released:
            return overlap.all(1)
        return overlap.sum(1) > 1  # one is with themselves

    def _depths(self, people: Tensor, faces: Tensor) -> Tensor:
        """(N, N, V) e_ij, 0 for i = j."""
        with torch.no_grad():
            low, high = people.amin(1), people.amax(1)
            cubes = _Cubes((low + high) / 2, (1 + self.margin) * (high - low).amax(1) / 2)
            own = (people - cubes.center[:, None]) / cubes.half[:, None, None]
            others = ~torch.eye(len(people), dtype=torch.bool, device=people.device)
            # a field is read where somebody else has vertices: distances are taken there alone
            met = cubes.seen_from(people)[others].view(len(people), -1, 3)
            spacing = 2 / (self.resolution - 1) if self.released else None
            wanted = cells_around(met, self.resolution)
            fields = distance_fields(own, faces, self.resolution, spacing, wanted)
        places = cubes.seen_from(people).flatten(1, 2)[:, :, None, None]  # (N, N * V, 1, 1, 3)
        depths = functional.grid_sample(fields[:, None], places, padding_mode='zeros', align_corners=False)
        return depths.view(len(people), len(people), -1) * others[..., None]

    def _penalty(self, depths: Tensor) -> Tensor:
        """Scalar of depths (N, N, V): in i, of j, at v."""
        if self.robust is None:
            return depths.sum()
        if self.robust == 'person':
            return self._geman_mcclure(depths.sum(dim=(0, 2))).sum()
        return self._geman_mcclure(depths).sum() / len(depths) ** 2

    def _geman_mcclure(self, error: Tensor) -> Tensor:
        squared = (error / self.robust_scale).square()
        return squared / (1 + squared)
