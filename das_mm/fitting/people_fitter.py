"""Bodies for the people of a network that tells 2.5D keypoints with the scales of their errors, many at once, by Adam.

Unlike SMPLify there is no stage for the camera: the keypoints' depths say how the body is turned and where it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from das_mm.bodies.pose_mixture import PoseMixture
from das_mm.models.losses.body_priors import joint_angle_prior, shape_prior
from das_mm.structures import back_project
from das_mm.structures.tensor_rotations import matrix_to_axis_angle

from .cameras import FittingCamera
from .observed_keypoints import ROOT, posed_keypoints
from .people_energy import PeopleObservations, depth_energy, image_energy
from .rigid_alignment import rigid_rotation
from .smplify import minimise


@dataclass(frozen=True)
class PeopleFitOptions:
    """
    Attributes:
        pose, angle, shape: Weights of the priors, whose data term is ½ Σ (Δ / σ)²: the mixture's energy is a negative
            log-likelihood as it is, and counts for less than 1 since poses of people are wider than any mixture.
        cut: Scales beyond which the penalty of a keypoint saturates.
        body_error_m: How far keypoints of the body lie from those that were labelled.
        phases: (steps, length of a step) one after the other.
    """

    pose: float = 0.3
    angle: float = 0.3
    shape: float = 0.5
    cut: float = 4.0
    body_error_m: float = 0.02
    phases: tuple[tuple[int, float], ...] = ((40, 0.1), (40, 0.03), (20, 0.01))


@dataclass(frozen=True)
class FittedPeople:
    """Of P people, detached.

    Attributes:
        pose: (P, 72) axis-angle, rad, in the camera frame.
        betas: (P, S).
        translation: (P, 3) m.
        keypoints: (P, K, 3) m, of the body, camera frame.
        start: (P, K, 3) m, the same before the fit: the mean pose, turned and placed.
        valid: (P,) bool; False where a number was not finite before or after.
    """

    pose: Tensor
    betas: Tensor
    translation: Tensor
    keypoints: Tensor
    start: Tensor
    valid: Tensor


class PeopleFitter(nn.Module):
    """Fits bodies to 2.5D keypoints; what is found of one person does not depend on the others.

    Args:
        points: (global_orient, body_pose, betas) -> (P, K, 3) m; see :class:`.SMPLify`.
        root: Rows of the K keypoints whose mean is the root.
        prior: Pose prior (P, 69) -> (P,).
        mixture: Whose mean pose is the start.
        options: See there.
        num_betas: Of the body.
    """

    mean_pose: Tensor  # (69,)

    def __init__(
        self,
        points: nn.Module,
        root: Sequence[int],
        prior: nn.Module,
        mixture: PoseMixture,
        options: PeopleFitOptions | None = None,
        num_betas: int = 10,
    ) -> None:
        super().__init__()
        self.points, self.root, self.prior = points, list(root), prior
        self.options, self.num_betas = options or PeopleFitOptions(), num_betas
        self.register_buffer('mean_pose', torch.tensor(mixture.mean_pose).float().flatten(), persistent=False)

    def fit(self, observed: PeopleObservations, camera: FittingCamera) -> FittedPeople:
        """Fit P people under the camera or cameras of their images.

        Works on a graph of its own in full precision, whatever mode it is called in.
        """
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast(observed.keypoints_px.device.type, enabled=False),
        ):
            observed, usable = _made_finite(observed)
            camera = camera.to(observed.keypoints_px)
            seen = _camera_space(observed, camera)
            usable &= seen.isfinite().flatten(1).all(1)
            seen = torch.where(usable[:, None, None], seen, 0.0)
            observed = observed.widened(self.options.body_error_m, camera)
            body_pose = self.mean_pose.to(seen).repeat(len(seen), 1)
            betas = seen.new_zeros(len(seen), self.num_betas)
            root, place = self._start(body_pose, betas, seen, observed)
            start = self._keypoints(root, body_pose, betas, place)

            def energy() -> Tensor:
                return self._energy(root, body_pose, betas, place, observed, camera)

            for steps, lr in self.options.phases:
                minimise([root, body_pose, betas, place], energy, steps, lr)
            return self._result(root, body_pose, betas, place, start, usable)

    def _energy(
        self,
        root: Tensor,
        body_pose: Tensor,
        betas: Tensor,
        place: Tensor,
        observed: PeopleObservations,
        camera: FittingCamera,
    ) -> Tensor:
        """(P,)."""
        options = self.options
        keypoints = self._keypoints(root, body_pose, betas, place)
        depths = keypoints[..., 2]
        return (
            image_energy(camera.project(keypoints), observed, options.cut)
            + depth_energy(depths, depths[:, self.root].mean(1), observed, options.cut)
            + options.pose * self.prior(body_pose)
            + options.angle * joint_angle_prior(body_pose)
            + options.shape * shape_prior(betas)
        )

    def _start(
        self, body_pose: Tensor, betas: Tensor, seen: Tensor, observed: PeopleObservations
    ) -> tuple[Tensor, Tensor]:
        """Global orientation (P, 3) and translation (P, 3) that lay the mean pose on keypoints (P, K, 3) m."""
        upright = body_pose.new_zeros(len(body_pose), ROOT)
        points = posed_keypoints(self.points, upright, body_pose, betas)
        weights = observed.valid / observed.sigma_px.square().sum(-1)
        root = matrix_to_axis_angle(rigid_rotation(points, seen, weights))
        points = posed_keypoints(self.points, root, body_pose, betas)
        share = (weights / weights.sum(1, keepdim=True).clamp(min=1e-12))[..., None]
        return root, (share * (seen - points)).sum(1)

    def _keypoints(self, root: Tensor, body_pose: Tensor, betas: Tensor, place: Tensor) -> Tensor:
        return posed_keypoints(self.points, root, body_pose, betas) + place[:, None]

    @torch.no_grad()
    def _result(
        self, root: Tensor, body_pose: Tensor, betas: Tensor, place: Tensor, start: Tensor, usable: Tensor
    ) -> FittedPeople:
        keypoints = self._keypoints(root, body_pose, betas, place)
        pose = torch.cat([root, body_pose], dim=1)
        valid = usable & keypoints.isfinite().flatten(1).all(1)
        for tensor in (pose, betas, place):
            valid &= tensor.isfinite().all(1)
        return FittedPeople(pose, betas, place, keypoints, start, valid)


def _made_finite(observed: PeopleObservations) -> tuple[PeopleObservations, Tensor]:
    """Numbers of keypoints that are not used, and of people who cannot be, are replaced by harmless ones."""
    valid = observed.valid
    known = observed.keypoints_px.isfinite().all(-1) & observed.relative_depths.isfinite()
    scaled = (observed.sigma_px > 0).all(-1) & observed.sigma_px.isfinite().all(-1) & (observed.sigma_depth > 0)
    usable = (~valid | (known & scaled)).all(1) & valid.any(1)
    usable &= (observed.root_depths > 0) & observed.root_depths.isfinite() & (observed.sigma_root > 0)
    used = valid & usable[:, None]
    replaced = PeopleObservations(
        keypoints_px=torch.where(used[..., None], observed.keypoints_px.float(), 0.0),
        sigma_px=torch.where(used[..., None], observed.sigma_px.float(), 1.0),
        valid=used,
        relative_depths=torch.where(used, observed.relative_depths.float(), 0.0),
        sigma_depth=torch.where(used, observed.sigma_depth.float(), 1.0),
        root_depths=torch.where(usable, observed.root_depths.float(), 1.0),
        sigma_root=torch.where(usable, observed.sigma_root.float(), 1.0),
    )
    return replaced, usable


def _camera_space(observed: PeopleObservations, camera: FittingCamera) -> Tensor:
    """(P, K, 3) m of what was seen."""
    K = camera.K if camera.K.ndim == 2 else camera.K[:, None]
    dist = camera.dist if camera.dist is None or camera.dist.ndim == 1 else camera.dist[:, None]
    return back_project(observed.keypoints_px, observed.root_depths[:, None] + observed.relative_depths, K, dist)
