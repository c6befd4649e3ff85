"""One pose out of several views of a person (thesis §4.3.4, "Multiple views fusion", Eq. 12; Table 14).

Every view keeps its own root: the cameras need not be known. Where they are (a calibrated rig), the roots must agree in
the rig's frame too. Letters: N views, 24 joints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from das_mm.errors import UserError
from das_mm.fitting import LBFGSOptions
from das_mm.fitting.lockstep_lbfgs import minimise_in_lockstep

from .latent_bodies import LatentBodies
from .latent_fitting import RELEASED


@dataclass(frozen=True)
class RefinedViews:
    """Of N views of a person, detached.

    Attributes:
        rotations: (N, 24, 3, 3), each root in its camera's frame.
        betas: (10,), the mean of the views'.
        latents: (N, 144).
        energy: Of all views together.
        disagreement_deg: (2,) mean angle of the 23 body joints from their average over the views, before and after.
    """

    rotations: Tensor
    betas: Tensor
    latents: Tensor
    energy: float
    disagreement_deg: tuple[float, float]


class MultiViewRefiner:
    """Moves the z of all views, from the modes, to a lower Σ ‖z_n‖² + 300² Σ_n ‖R_n - mean R‖² over the matrices of the
    23 body joints; of a calibrated rig the roots in its frame are among them.

    Args:
        consistency, pose: Weights as the thesis prints them: squared in the energy.
        options: Of L-BFGS.
        most_disagreement_deg: Of modes that are farther apart it is said that they are not of one person in one pose.
    """

    def __init__(
        self,
        consistency: float = 300.0,
        pose: float = 1.0,
        options: LBFGSOptions | None = None,
        most_disagreement_deg: float = 60.0,
    ) -> None:
        self.consistency, self.pose, self.options = consistency, pose, options or RELEASED
        self.most_disagreement_deg = most_disagreement_deg

    def refine(self, bodies: LatentBodies, betas: Tensor, to_camera: Tensor | None = None) -> RefinedViews:
        """Refine the N views of one person; see :meth:`refine_people`."""
        return self.refine_people(bodies, betas, [list(range(len(betas)))], to_camera)[0]

    def refine_people(
        self, bodies: LatentBodies, betas: Tensor, groups: Sequence[Sequence[int]], to_camera: Tensor | None = None
    ) -> list[RefinedViews]:
        """Refine the views of several people, each for itself; those with as many views share evaluations.

        Args:
            bodies: The distributions of B views.
            betas: (B, 10), what the network says.
            groups: Rows of the views of each person.
            to_camera: (B, 3, 3) rotations from the rig's frame to each camera's; None: not known.

        Raises:
            UserError: Fewer than two views of a person, cameras of another number of views, numbers that are not
                finite, or views that cannot be of one pose.
        """
        self._check(bodies, betas, groups, to_camera)
        found: dict[int, RefinedViews] = {}
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast(betas.device.type, enabled=False):
            for number in sorted({len(rows) for rows in groups}):
                people = [person for person, rows in enumerate(groups) if len(rows) == number]
                table = torch.tensor([list(groups[person]) for person in people], device=betas.device)
                found.update(zip(people, self._refine_alike(bodies, betas, table, to_camera)))
        return [found[person] for person in range(len(groups))]

    def _refine_alike(
        self, bodies: LatentBodies, betas: Tensor, table: Tensor, to_camera: Tensor | None
    ) -> list[RefinedViews]:
        """Of P people with N views each, rows (P, N)."""
        latents = betas.new_zeros(*table.shape, bodies.num_features, dtype=torch.float32)

        def rotations(z: Tensor, rows: Tensor) -> Tensor:  # (P, N, 24, 3, 3)
            return bodies.rotations(z.flatten(0, 1), rows.flatten()).unflatten(0, rows.shape)

        def energy(asking: Tensor, values: Sequence[Tensor]) -> Tensor:
            rows = table[asking]
            turns = rotations(values[0], rows)
            joints = turns[:, :, 1:] if to_camera is None else in_rig(turns, to_camera.to(turns)[rows])
            apart = (joints - joints.mean(1, keepdim=True)).square().flatten(1).sum(1)
            return self.pose**2 * values[0].square().flatten(1).sum(1) + self.consistency**2 * apart

        with torch.no_grad():
            before = [disagreement_deg(turns) for turns in rotations(latents, table)]
        for angle in before:
            if not angle <= self.most_disagreement_deg:
                raise UserError(
                    f'the bodies of the views are {angle:.0f} degrees apart on average: different people or moments',
                    field='views',
                    remedy='give images of one person at one moment, and say where the person is (--boxes)',
                )
        last = minimise_in_lockstep([latents], energy, self.options).tolist()
        with torch.no_grad():
            turns = rotations(latents, table)
        shapes = betas.detach()[table].mean(1)
        return [
            RefinedViews(turns[i], shapes[i], latents[i], last[i], (before[i], disagreement_deg(turns[i])))
            for i in range(len(table))
        ]

    def _check(
        self, bodies: LatentBodies, betas: Tensor, groups: Sequence[Sequence[int]], to_camera: Tensor | None
    ) -> None:
        for rows in groups:
            if len(rows) < 2:
                raise UserError(
                    f'{len(rows)} view of a person has nothing to agree with',
                    field='views',
                    remedy='give two views at least',
                )
        if to_camera is not None and to_camera.shape != (len(betas), 3, 3):
            raise UserError(
                f'there are cameras {tuple(to_camera.shape)} of {len(betas)} views',
                field='cameras',
                remedy='give the rotation (3, 3) of each view, in their order',
            )
        if not (betas.isfinite().all() and bodies.context.isfinite().all()):
            raise UserError(
                'what the network says of a view is not finite', field='views', remedy='leave that view out'
            )


def in_rig(rotations: Tensor, to_camera: Tensor) -> Tensor:
    """Rotations (*, 24, 3, 3) whose roots are in their cameras' frames, with roots in that of the rig; (*, 3, 3)."""
    return torch.cat([to_camera.mT[..., None, :, :] @ rotations[..., :1, :, :], rotations[..., 1:, :, :]], dim=-3)


def rotation_average(rotations: Tensor, to_camera: Tensor | None = None) -> Tensor:
    """The baseline: means of the views' matrices, projected to rotations (the chordal mean).

    Args:
        rotations: (N, 24, 3, 3), roots in their cameras' frames.
        to_camera: (N, 3, 3) of a calibrated rig, whose roots are averaged too; else each view keeps its own.

    Returns:
        (N, 24, 3, 3), roots in their cameras' frames.

    Example:
        >>> turns = torch.eye(3).expand(2, 24, 3, 3)
        >>> bool(torch.allclose(rotation_average(turns), turns))
        True
    """
    shared = rotations if to_camera is None else in_rig(rotations, to_camera)
    means = np.stack(
        [Rotation.from_matrix(shared[:, joint].double().cpu().numpy()).mean().as_matrix() for joint in range(24)]
    )
    averaged = torch.as_tensor(means).to(rotations).expand_as(rotations).clone()
    averaged[:, 0] = rotations[:, 0] if to_camera is None else to_camera.to(averaged) @ averaged[:, 0]
    return averaged


def disagreement_deg(rotations: Tensor) -> float:
    """Mean angle of the 23 body joints of N views (N, 24, 3, 3) from their average."""
    off = (rotation_average(rotations).mT @ rotations)[:, 1:].double()
    cosine = (off.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2
    return float(torch.rad2deg(cosine.clamp(-1, 1).acos()).mean())
