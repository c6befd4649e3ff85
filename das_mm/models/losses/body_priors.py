"""SMPLify's geometric priors: what a body's pose and shape look like when no label says so.

Paper: Bogo et al., "Keep it SMPL", ECCV 2016, §3.2; as Kolotouros et al. (SPIN) and ROMP use them while training, and
DAS after them (journal §4.1, weight 0.16 on all together). Body poses are axis-angle without the global orientation.
Letters: N people, M components of the mixture.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from mmengine.model import BaseModule
from torch import Tensor

from das_mm.bodies.pose_mixture import NUM_POSE, load_pose_mixture
from das_mm.registry import MODELS

#: number of 69, sign: sign · angle grows when the joint bends the wrong way. SMPL turns the left elbow about y (number
#: 52 = joint 18) by a negative angle, the right one (55 = joint 19) by a positive, and the knees about x (9 and 12 =
#: joints 4 and 5) by a positive angle.
WRONG_BENDS: dict[str, tuple[int, float]] = dict(
    left_elbow=(52, 1.0), right_elbow=(55, -1.0), left_knee=(9, -1.0), right_knee=(12, -1.0)
)


def joint_angle_prior(body_pose: Tensor) -> Tensor:
    """Elbows and knees that bend the wrong way: Σ exp(s·θ)² over the four angles of ``WRONG_BENDS``.

    Beyond half a turn, which no axis-angle of a rotation matrix exceeds, the exponential goes on as its tangent.

    Args:
        body_pose: (N, 69) or (N, 23, 3) rad.

    Returns:
        (N,); 4 for straight limbs.

    Example:
        >>> pose = torch.zeros(1, 69)
        >>> pose[0, 52] = 1.0  # the left elbow over-stretched by 57 degrees
        >>> joint_angle_prior(pose)
        tensor([10.3891])
    """
    flat = body_pose.reshape(-1, NUM_POSE)
    indices, signs = zip(*WRONG_BENDS.values())
    exponent = 2 * flat[:, list(indices)] * flat.new_tensor(signs)  # (N, 4)
    low = exponent.clamp(max=2 * math.pi)
    return (low.exp() * (1 + exponent - low)).sum(1)


def shape_prior(betas: Tensor) -> Tensor:
    """Σ β² of each person, (N, B) -> (N,)."""
    return betas.square().sum(1)


class MaxMixturePrior(BaseModule):
    """Pose prior of SMPLify, Eq. 6: a mixture of Gaussians whose sum is replaced by its largest term.

    ``min_k ½ (θ - μ_k)ᵀ Σ_k⁻¹ (θ - μ_k) - log w̃_k`` with ``w̃_k = w_k / ((2π)^(69/2) · √|Σ_k| / min_j √|Σ_j|)``.

    Args:
        mixture_file: SMPLify's ``gmm_08.pkl``, or an npz; None takes the mixture of generated poses
            (:mod:`.pose_mixture`).

    Raises:
        UserError: The file is no mixture over 69 numbers.
    """

    means: Tensor  # (M, 69)
    whitening: Tensor  # (M, 69, 69)
    offset: Tensor  # (M,)

    def __init__(self, mixture_file: str | Path | None = None):
        super().__init__()
        mixture = load_pose_mixture(mixture_file)
        roots = np.linalg.cholesky(mixture.covariances)  # (M, 69, 69)
        log_det = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(1)  # of √|Σ|
        offset = 0.5 * NUM_POSE * math.log(2 * math.pi) + log_det - log_det.min() - np.log(mixture.weights)
        # the file is named by the config: a checkpoint need not hold it too
        for name, value in (('means', mixture.means), ('whitening', np.linalg.inv(roots)), ('offset', offset)):
            self.register_buffer(name, torch.from_numpy(value).float(), persistent=False)

    def forward(self, body_pose: Tensor) -> Tensor:
        """Energy of each pose, (N, 69) or (N, 23, 3) rad -> (N,), float32 or better with autocast off."""
        with torch.autocast(body_pose.device.type, enabled=False):
            flat = body_pose.reshape(-1, NUM_POSE)
            flat = flat.to(torch.promote_types(flat.dtype, torch.float32))
            centred = flat[:, None] - self.means.to(flat)  # (N, M, 69)
            white = torch.einsum('mij,nmj->nmi', self.whitening.to(flat), centred)
            return (0.5 * white.square().sum(-1) + self.offset.to(flat)).min(dim=1).values


@MODELS.register_module()
class SMPLifyPrior(BaseModule):
    """Weighted sum of the pose mixture, the joint angles and the shape of each person.

    The default weights of pose and angles are those of ROMP, which DAS takes over; its weight on all together (0.16)
    belongs to the caller. SMPLify's own last stage has 4.78², 15.2² and 5², for a data term in px.

    Args:
        mixture_file: See :class:`MaxMixturePrior`.
        pose_weight: Of the mixture's energy.
        angle_weight: Of :func:`joint_angle_prior`.
        shape_weight: Of :func:`shape_prior`; in SMPLify's proportion to ``pose_weight``.

    Example:
        >>> prior = SMPLifyPrior(pose_weight=0.0, angle_weight=0.0, shape_weight=2.0)
        >>> prior(torch.zeros(3, 23, 3), torch.ones(3, 10))
        tensor([20., 20., 20.])
    """

    def __init__(
        self,
        mixture_file: str | Path | None = None,
        pose_weight: float = 0.01,
        angle_weight: float = 0.2,
        shape_weight: float = 0.01,
    ):
        super().__init__()
        self.pose = MaxMixturePrior(mixture_file)
        self.pose_weight, self.angle_weight, self.shape_weight = pose_weight, angle_weight, shape_weight

    def terms(self, body_pose: Tensor, betas: Tensor) -> dict[str, Tensor]:
        """The terms by name, unweighted: ``pose``, ``angle``, ``shape``, (N,) each; arguments as in ``forward``."""
        with torch.autocast(body_pose.device.type, enabled=False):
            body_pose, betas = (x.to(torch.promote_types(x.dtype, torch.float32)) for x in (body_pose, betas))
            return dict(pose=self.pose(body_pose), angle=joint_angle_prior(body_pose), shape=shape_prior(betas))

    def forward(self, body_pose: Tensor, betas: Tensor) -> Tensor:
        """
        Args:
            body_pose: (N, 23, 3) axis-angle, rad; N may be 0.
            betas: (N, B).

        Returns:
            (N,) energies; the caller masks and averages.
        """
        terms = self.terms(body_pose, betas)
        return (
            self.pose_weight * terms['pose'] + self.angle_weight * terms['angle'] + self.shape_weight * terms['shape']
        )
