"""SMPLify as SPIN runs it inside the training loop: many people at once, by Adam, from bodies that are already near."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from das_mm.models.losses.body_priors import MaxMixturePrior, joint_angle_prior, shape_prior

from .cameras import FittingCamera
from .energy_terms import anchor_energy, reprojection_energy, torso_energy
from .fit_result import FitResult
from .keypoint_roles import KeypointRoles
from .observed_keypoints import ROOT, posed_keypoints, usable_keypoints, without_keypoints
from .translation import Translations, translation_least_squares


@dataclass(frozen=True)
class EnergyWeights:
    """Weights as the papers print them: each is squared in the energy.

    Attributes:
        pose, angle, shape: Of the pose mixture, of elbows and knees that bend the wrong way, of betas.
        depth: Of the distance, in m, from the depth at the start, in the camera stage.
        sigma_px: σ of Geman and McClure's function; no weight.
    """

    pose: float = 4.78
    angle: float = 15.2
    shape: float = 5.0
    depth: float = 100.0
    sigma_px: float = 100.0


@dataclass(frozen=True)
class AdamSchedule:
    """Steps of the two stages, and the length of a step."""

    camera_steps: int = 100
    body_steps: int = 100
    lr: float = 1e-2


class SMPLify(nn.Module):
    """Two stages: translation and global orientation to the torso; then pose, shape and orientation to all keypoints.

    A fit runs on a graph of its own in full precision, whatever mode it is called in, and no gradient leaves it. What
    is found of one person does not depend on the others.

    Args:
        points: (global_orient (B, 3, 3), body_pose (B, 23, 3, 3), betas) -> keypoints (B, K, 3) m of the body, such as
            ``body.keypoint_layer(names)``, which poses nothing else.
        roles: Which of the K are what; SPIN's 49 when not given.
        prior: Pose prior (N, 69) -> (N,); the mixture of generated poses when not given.
        weights: Of the terms.
        schedule: Of the steps.
    """

    def __init__(
        self,
        points: nn.Module,
        roles: KeypointRoles | None = None,
        prior: nn.Module | None = None,
        weights: EnergyWeights | None = None,
        schedule: AdamSchedule | None = None,
    ) -> None:
        super().__init__()
        self.points, self.prior = points, MaxMixturePrior() if prior is None else prior
        self.roles = KeypointRoles.spin49() if roles is None else roles
        self.weights, self.schedule = weights or EnergyWeights(), schedule or AdamSchedule()

    def fit(
        self, pose: Tensor, betas: Tensor, translation: Tensor, keypoints_2d: Tensor, camera: FittingCamera
    ) -> FitResult:
        """Fit B people, each from its own start; no argument is changed.

        Args:
            pose: (B, 72) axis-angle, rad.
            betas: (B, S).
            translation: (B, 3) m, its depth is the anchor of the camera stage.
            keypoints_2d: (B, K, 3) px, px, confidence. Positions of confidence 0 may be anything.
            camera: Of the image that the pixels are of.
        """
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast(pose.device.type, enabled=False):
            start = [tensor.detach().clone().float() for tensor in (pose, betas, translation)]
            keypoints, usable = usable_keypoints(keypoints_2d, self.roles.ignored)
            for tensor in start:
                usable &= tensor.isfinite().all(-1)
            root, body_pose, shape, place = (
                torch.where(usable[:, None], tensor, 0.0)
                for tensor in (start[0][:, :ROOT], start[0][:, ROOT:], start[1], start[2])
            )
            camera = camera.to(root)
            self._fit_camera(root, body_pose, shape, place, keypoints, camera)
            keypoints = without_keypoints(keypoints, self.roles.ignored)
            self._fit_body(root, body_pose, shape, place, keypoints, camera)
            return self._result(torch.cat([root, body_pose], dim=1), shape, place, keypoints, camera, usable, start)

    @torch.no_grad()
    def score(
        self, pose: Tensor, betas: Tensor, translation: Tensor, keypoints_2d: Tensor, camera: FittingCamera
    ) -> Tensor:
        """Quality (B,) of given bodies, comparable with :attr:`.FitResult.reprojection`; arguments of :meth:`fit`.

        Infinite where it is not finite, or no keypoint has a weight.
        """
        with torch.autocast(pose.device.type, enabled=False):
            keypoints, usable = usable_keypoints(keypoints_2d, self.roles.ignored)
            keypoints = without_keypoints(keypoints, self.roles.ignored)
            points = posed_keypoints(self.points, pose[:, :ROOT].float(), pose[:, ROOT:].float(), betas.float())
            projected = camera.to(points).project(points + translation.float()[:, None])
            quality = reprojection_energy(projected, keypoints, self.weights.sigma_px).mean(-1)
            return torch.where(usable & quality.isfinite(), quality, torch.inf)

    @torch.no_grad()
    def place(self, pose: Tensor, betas: Tensor, keypoints_2d: Tensor, camera: FittingCamera) -> Translations:
        """Translations of posed bodies by :func:`.translation_least_squares` on the annotated keypoints."""
        with torch.autocast(pose.device.type, enabled=False):
            points = posed_keypoints(self.points, pose[:, :ROOT].float(), pose[:, ROOT:].float(), betas.float())
            rows = list(self.roles.annotated)
            return translation_least_squares(points[:, rows], keypoints_2d[:, rows].float(), camera)

    # ---------------------------------------------------------------- stages

    def _fit_camera(
        self, root: Tensor, body_pose: Tensor, betas: Tensor, place: Tensor, keypoints: Tensor, camera: FittingCamera
    ) -> None:
        """Changes ``root`` and ``place``."""
        anchor = place[:, 2].clone()
        roles = self.roles

        def energy() -> Tensor:
            projected = camera.project(posed_keypoints(self.points, root, body_pose, betas) + place[:, None])
            torso = torso_energy(projected, keypoints, roles.annotated_torso, roles.detected_torso)
            return torso + self.weights.depth**2 * anchor_energy(place[:, 2], anchor)

        minimise([root, place], energy, self.schedule.camera_steps, self.schedule.lr)

    def _fit_body(
        self, root: Tensor, body_pose: Tensor, betas: Tensor, place: Tensor, keypoints: Tensor, camera: FittingCamera
    ) -> None:
        """Changes ``root``, ``body_pose`` and ``betas``."""
        weights = self.weights

        def energy() -> Tensor:
            projected = camera.project(posed_keypoints(self.points, root, body_pose, betas) + place[:, None])
            return (
                reprojection_energy(projected, keypoints, weights.sigma_px).sum(-1)
                + weights.pose**2 * self.prior(body_pose)
                + weights.angle**2 * joint_angle_prior(body_pose)
                + weights.shape**2 * shape_prior(betas)
            )

        minimise([body_pose, betas, root], energy, self.schedule.body_steps, self.schedule.lr)

    @torch.no_grad()
    def _result(
        self,
        pose: Tensor,
        betas: Tensor,
        place: Tensor,
        keypoints: Tensor,
        camera: FittingCamera,
        usable: Tensor,
        start: Sequence[Tensor],
    ) -> FitResult:
        joints = posed_keypoints(self.points, pose[:, :ROOT], pose[:, ROOT:], betas)
        projected = camera.project(joints + place[:, None])
        quality = reprojection_energy(projected, keypoints, self.weights.sigma_px).mean(-1)
        valid = usable & quality.isfinite()
        for tensor in (pose, betas, place):
            valid &= tensor.isfinite().all(-1)
        pose, betas, place = (
            torch.where(valid[:, None], tensor.detach(), first) for tensor, first in zip((pose, betas, place), start)
        )
        return FitResult(pose, betas, place, torch.where(valid, quality, torch.inf), joints, valid)


def minimise(parameters: Sequence[Tensor], energy: Callable[[], Tensor], steps: int, lr: float) -> None:
    """Adam steps on tensors, in place, for an energy (B,) whose rows each depend on one row of every parameter.

    Adam scales every number by itself, so a row whose gradient is not finite spoils that row alone.
    """
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimizer = torch.optim.Adam(parameters, lr=lr)
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        energy().sum().backward(inputs=list(parameters))
        optimizer.step()
    for parameter in parameters:
        parameter.requires_grad_(False)
