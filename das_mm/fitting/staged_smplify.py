"""SMPLify from nothing but keypoints: what makes the first fits of a data set, person by person, by L-BFGS.

Recipe of SMPLify and its successor: a camera stage on the torso, then stages with ever weaker priors; where the
shoulders are seen close together, a body that looks the other way is tried too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from das_mm.bodies.pose_mixture import load_pose_mixture
from das_mm.models.losses.body_priors import MaxMixturePrior, joint_angle_prior, shape_prior

from .cameras import FittingCamera
from .energy_terms import anchor_energy, reprojection_energy, torso_energy
from .fit_result import FitResult
from .initial_placement import place_torso, turned_round
from .keypoint_roles import KeypointRoles
from .lbfgs import LBFGSOptions, minimise_lbfgs
from .observed_keypoints import ROOT, posed_keypoints, usable_keypoints, without_keypoints

#: weights of pose and shape, stage by stage; both are squared in the energy
STAGES = ((404.0, 100.0), (404.0, 50.0), (57.4, 10.0), (4.78, 5.0))


@dataclass(frozen=True)
class StagedEnergy:
    """Constants of the offline recipe.

    Attributes:
        stages: (pose weight, shape weight) of each, as printed: squared in the energy.
        bending: Weight of wrongly bent joints over the pose weight; their product is NOT squared.
        image_height: At which the data term has the weight 1; it is (``image_height`` / H)².
        depth: Of the distance from the depth guess, m, in the camera stage; squared.
        sigma_px: σ of Geman and McClure's function.
        side_view_px: Shoulders nearer than this might be those of a body that looks the other way.
    """

    stages: tuple[tuple[float, float], ...] = STAGES
    bending: float = 3.17
    image_height: float = 1000.0
    depth: float = 100.0
    sigma_px: float = 100.0
    side_view_px: float = 25.0


@dataclass
class _Body:
    """One person's parameters, tensors with a first axis of 1."""

    root: Tensor
    body_pose: Tensor
    betas: Tensor
    place: Tensor
    energy: float = field(default=math.inf)


class StagedSMPLify(nn.Module):
    """Fits from the mean pose, or from poses that are given.

    Args:
        points: As of :class:`.SMPLify`.
        roles: Which keypoints are what; SPIN's 49 when not given.
        mixture_file: Pose mixture of prior and start; see :class:`.MaxMixturePrior`.
        constants: Of the energy.
        options: Of L-BFGS.
        num_betas: Of the body.
    """

    mean_pose: Tensor  # (69,)

    def __init__(
        self,
        points: nn.Module,
        roles: KeypointRoles | None = None,
        mixture_file: str | Path | None = None,
        constants: StagedEnergy | None = None,
        options: LBFGSOptions | None = None,
        num_betas: int = 10,
    ) -> None:
        super().__init__()
        self.points, self.prior = points, MaxMixturePrior(mixture_file)
        mean_pose = torch.tensor(load_pose_mixture(mixture_file).mean_pose).float().flatten()
        self.register_buffer('mean_pose', mean_pose, persistent=False)
        self.roles = KeypointRoles.spin49() if roles is None else roles
        self.constants, self.options = constants or StagedEnergy(), options or LBFGSOptions()
        self.num_betas = num_betas

    def fit(
        self, keypoints_2d: Tensor, camera: FittingCamera, image_height: float, pose: Tensor | None = None
    ) -> FitResult:
        """Fit B people, one after the other.

        Args:
            keypoints_2d: (B, K, 3) px, px, confidence.
            camera: Of the image that the pixels are of.
            image_height: H of that image, px.
            pose: (B, 72) rad to start from, such as a lifter's; by default upright in the mean pose.

        Returns:
            Bodies; not valid also where no side of the torso is seen, from which the camera is found.
        """
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast(keypoints_2d.device.type, enabled=False):
            num = len(keypoints_2d)
            keypoints, usable = usable_keypoints(keypoints_2d, self.roles.ignored)
            camera = camera.to(keypoints)
            if pose is None:
                upright = keypoints.new_tensor([math.pi, 0.0, 0.0])  # the camera's y points down
                pose = torch.cat([upright, self.mean_pose.to(keypoints)]).expand(num, -1)
            pose = pose.detach().clone().float()
            betas = pose.new_zeros(num, self.num_betas)
            points = posed_keypoints(self.points, pose[:, :ROOT], pose[:, ROOT:], betas)
            placed = place_torso(points, keypoints, camera, self.roles)
            usable &= placed.known & pose.isfinite().all(1)
            for row in torch.nonzero(usable).flatten().tolist():
                one = slice(row, row + 1)
                body = self._fit_one(
                    _Body(
                        pose[one, :ROOT].clone(),
                        pose[one, ROOT:].clone(),
                        betas[one].clone(),
                        placed.translation[one].clone(),
                    ),
                    keypoints[one],
                    camera.select(one),
                    image_height,
                    placed.shoulders_px[row].item(),
                )
                if not math.isfinite(body.energy):
                    usable[row] = False
                    continue
                pose[row], betas[row] = torch.cat([body.root, body.body_pose], dim=1)[0], body.betas[0]
                placed.translation[row] = body.place[0]
            return self._result(pose, betas, placed.translation, keypoints, camera, usable)

    def _fit_one(
        self, start: _Body, keypoints: Tensor, camera: FittingCamera, image_height: float, shoulders_px: float
    ) -> _Body:
        data_weight = (self.constants.image_height / image_height) ** 2
        roles, anchor = self.roles, start.place[:, 2].clone()

        def camera_energy() -> Tensor:
            projected = self._projected(start, camera)
            torso = torso_energy(projected, keypoints, roles.annotated_torso, roles.detected_torso)
            return (data_weight * torso + self.constants.depth**2 * anchor_energy(start.place[:, 2], anchor)).sum()

        minimise_lbfgs([start.root, start.place], camera_energy, self.options)
        roots = [start.root]
        if shoulders_px < self.constants.side_view_px:
            roots.append(turned_round(start.root))
        keypoints = without_keypoints(keypoints, roles.ignored)
        tried = [
            self._fit_stages(
                _Body(root.clone(), start.body_pose.clone(), start.betas.clone(), start.place),
                keypoints,
                camera,
                data_weight,
            )
            for root in roots
        ]
        return min(tried, key=lambda body: body.energy if math.isfinite(body.energy) else math.inf)

    def _fit_stages(self, body: _Body, keypoints: Tensor, camera: FittingCamera, data_weight: float) -> _Body:
        constants = self.constants
        for pose_weight, shape_weight in constants.stages:

            def energy(pose_weight: float = pose_weight, shape_weight: float = shape_weight) -> Tensor:
                seen = reprojection_energy(self._projected(body, camera), keypoints, constants.sigma_px).sum()
                pose = pose_weight**2 * self.prior(body.body_pose).sum()
                bending = constants.bending * pose_weight * joint_angle_prior(body.body_pose).sum()
                return data_weight * seen + pose + bending + shape_weight**2 * shape_prior(body.betas).sum()

            body.energy = minimise_lbfgs([body.body_pose, body.betas, body.root], energy, self.options)
            if not math.isfinite(body.energy):
                break
        return body

    def _projected(self, body: _Body, camera: FittingCamera) -> Tensor:
        points = posed_keypoints(self.points, body.root, body.body_pose, body.betas)
        return camera.project(points + body.place[:, None])

    @torch.no_grad()
    def _result(
        self, pose: Tensor, betas: Tensor, place: Tensor, keypoints: Tensor, camera: FittingCamera, usable: Tensor
    ) -> FitResult:
        joints = posed_keypoints(self.points, pose[:, :ROOT], pose[:, ROOT:], betas)
        keypoints = without_keypoints(keypoints, self.roles.ignored)
        quality = reprojection_energy(camera.project(joints + place[:, None]), keypoints, self.constants.sigma_px)
        quality = quality.mean(-1)
        valid = usable & quality.isfinite()
        return FitResult(pose, betas, place, torch.where(valid, quality, torch.inf), joints, valid)
