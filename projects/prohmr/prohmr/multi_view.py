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
        """Refine the N views of one person.

        Args:
            bodies: The distributions of the N views.
            betas: (N, 10), what the network says.
            to_camera: (N, 3, 3) rotations from the rig's frame to each camera's; None: not known.

        Raises:
            UserError: Fewer than two views, cameras of another number of views, numbers that are not finite, or views
                that cannot be of one pose.
        """
        num = len(betas)
        self._check(bodies, betas, to_camera)
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast(betas.device.type, enabled=False):
            rows = torch.arange(num, device=betas.device)
            latents = betas.new_zeros(1, num, bodies.num_features, dtype=torch.float32)
            with torch.no_grad():
                before = disagreement_deg(bodies.rotations(latents[0], rows))
            if not before <= self.most_disagreement_deg:
                raise UserError(
                    f'the bodies of the views are {before:.0f} degrees apart on average: different people or moments',
                    field='views',
                    remedy='give images of one person at one moment, and say where the person is (--boxes)',
                )

            def energy(_: Tensor, values: Sequence[Tensor]) -> Tensor:
                z = values[0][0]
                turns = bodies.rotations(z, rows)
                joints = turns[:, 1:] if to_camera is None else in_rig(turns, to_camera.to(turns))
                apart = (joints - joints.mean(0)).square().sum()
                return (self.pose**2 * z.square().sum() + self.consistency**2 * apart)[None]

            last = minimise_in_lockstep([latents], energy, self.options)
            with torch.no_grad():
                rotations = bodies.rotations(latents[0], rows)
        return RefinedViews(
            rotations, betas.detach().mean(0), latents[0], last.item(), (before, disagreement_deg(rotations))
        )

    def _check(self, bodies: LatentBodies, betas: Tensor, to_camera: Tensor | None) -> None:
        num = len(betas)
        if num < 2:
            raise UserError(
                f'{num} view of a person has nothing to agree with', field='views', remedy='give two views at least'
            )
        if to_camera is not None and to_camera.shape != (num, 3, 3):
            raise UserError(
                f'there are cameras {tuple(to_camera.shape)} of {num} views',
                field='cameras',
                remedy='give the rotation (3, 3) of each view, in their order',
            )
        if not (betas.isfinite().all() and bodies.context.isfinite().all()):
            raise UserError(
                'what the network says of a view is not finite', field='views', remedy='leave that view out'
            )


def in_rig(rotations: Tensor, to_camera: Tensor) -> Tensor:
    """(N, 24, 3, 3) with roots in their cameras' frames to the same with roots in the frame of the rig."""
    return torch.cat([to_camera.mT[:, None] @ rotations[:, :1], rotations[:, 1:]], dim=1)


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
