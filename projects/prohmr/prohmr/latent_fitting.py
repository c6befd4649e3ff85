"""Bodies fitted to keypoints in the latent space of an image's distribution (thesis §4.3.4, "Model fitting").

What an image says of the pose takes the place of generic priors: -ln p(θ|c) = ½‖z‖² + const, since the flow's Jacobian
is the same everywhere. Letters: B people, K = 44 keypoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from das_mm.fitting import FittingCamera, LBFGSOptions, reprojection_energy
from das_mm.fitting.lockstep_lbfgs import minimise_in_lockstep
from das_mm.fitting.observed_keypoints import usable_keypoints, without_keypoints
from das_mm.models.losses.body_priors import shape_prior
from das_mm.structures import KEYPOINT_SETS

from .latent_bodies import LatentBodies

#: what is meant by a hip differs between those who label it, so none is fitted unless it is SMPL's own
HIPS = tuple(
    KEYPOINT_SETS['prohmr44'].index(name)
    for name in ('mid_hip_op', 'right_hip_op', 'left_hip_op', 'right_hip', 'left_hip', 'pelvis')
)
#: of the released fitting
RELEASED = LBFGSOptions(outer_steps=10, inner_steps=20)


@dataclass(frozen=True)
class LatentEnergy:
    """Weights as the thesis prints them: squared in the energy.

    Attributes:
        pose, shape: Of ‖z‖² and ‖β‖².
        image_px: Longer side of the image at which the data term has the weight 1; it is (``image_px`` / side)².
        sigma_px: σ of Geman and McClure's function.
        hips: Fit hips too; for true 2D keypoints whose hips are SMPL's (Human3.6M).
    """

    pose: float = 4.0
    shape: float = 6.0
    image_px: float = 1000.0
    sigma_px: float = 100.0
    hips: bool = False


@dataclass(frozen=True)
class LatentFit:
    """Of B people, detached.

    Attributes:
        rotations: (B, 24, 3, 3), the root in the camera frame.
        betas: (B, 10); translation: (B, 3) m; latents: (B, 144).
        energy: (B,); infinite where not valid.
        valid: (B,) bool. False where no keypoint has a weight, or a number is not finite before or after: the body is
            then the one that the fit was started from.
    """

    rotations: Tensor
    betas: Tensor
    translation: Tensor
    latents: Tensor
    energy: Tensor
    valid: Tensor


class LatentFitter(nn.Module):
    """Moves z, β and the translation to a lower energy, many people at once and each for themselves:

    (1000 / side)² Σ c²·ρ(π(J(z, β) + t) - x) + 4²·‖z‖² + 6²·‖β‖².

    Args:
        points: (global_orient, body_pose, betas) -> (B, 44, 3) m, the keypoints of ``prohmr44``.
        weights: Of the terms.
        options: Of L-BFGS; as released by default, whose evaluations took 30 outer steps.
    """

    def __init__(
        self, points: nn.Module, weights: LatentEnergy | None = None, options: LBFGSOptions | None = None
    ) -> None:
        super().__init__()
        self.points = points
        self.weights, self.options = weights or LatentEnergy(), options or RELEASED

    def fit(
        self,
        bodies: LatentBodies,
        betas: Tensor,
        translation: Tensor,
        keypoints_2d: Tensor,
        camera: FittingCamera,
        image_px: Tensor,
    ) -> LatentFit:
        """Fit B people, from the mode (z = 0); no argument is changed.

        Args:
            bodies: The distributions of their poses.
            betas: (B, 10) and
            translation: (B, 3) m to start from: what the network says.
            keypoints_2d: (B, 44, 3) px, px, confidence. Positions of confidence 0 may be anything.
            camera: Of the whole image, or of the crop, whichever the pixels are of.
            image_px: (B,) the longer side of that image.
        """
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast(betas.device.type, enabled=False):
            ignored = () if self.weights.hips else HIPS
            keypoints, usable = usable_keypoints(keypoints_2d, ignored)
            keypoints = without_keypoints(keypoints, ignored)
            start = [tensor.detach().clone().float() for tensor in (betas, translation)]
            for tensor in start:
                usable &= tensor.isfinite().all(-1)
            latents = start[0].new_zeros(len(betas), bodies.num_features)
            values = [latents, *(tensor.clone() for tensor in start)]
            rows = torch.nonzero(usable).flatten()
            camera = camera.to(latents)
            scale = (self.weights.image_px / image_px.to(latents)).square()

            def energy(asking: Tensor, values: Sequence[Tensor]) -> Tensor:
                people = rows[asking]
                z, shape, place = values
                turns = bodies.rotations(z, people)
                points = self.points(turns[:, 0], turns[:, 1:], shape) + place[:, None]
                seen = camera.select(people).project(points)
                data = reprojection_energy(seen, keypoints[people], self.weights.sigma_px).sum(-1)
                prior = self.weights.pose**2 * z.square().sum(-1) + self.weights.shape**2 * shape_prior(shape)
                return scale[people] * data + prior

            found = [value[rows] for value in values]
            last = latents.new_full((len(latents),), torch.inf)
            if len(rows):
                last[rows] = minimise_in_lockstep(found, energy, self.options)
            valid = usable & last.isfinite()
            good = valid[rows]
            for value, one in zip(values, found):
                value[rows[good]] = one[good]
            with torch.no_grad():
                rotations = bodies.rotations(values[0], torch.arange(len(latents), device=latents.device))
            return LatentFit(rotations, values[1], values[2], values[0], torch.where(valid, last, torch.inf), valid)
