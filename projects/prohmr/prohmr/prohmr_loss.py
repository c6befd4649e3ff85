"""What ProHMR is taught by (thesis §4.3.2, §4.3.3; weights and reductions as in the authors' code).

Errors are summed over keypoints, axes and numbers, and averaged over people alone; the terms on samples over people and
samples. Letters: B people, S bodies of each, the mode first, K = 44 keypoints.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor

from das_mm.models.discriminators import generator_loss
from das_mm.registry import MODELS

from .person_targets import PELVIS, PersonTargets
from .smpl_flow_head import BodySamples


@dataclass(frozen=True)
class TermWeights:
    """Weights of the terms on one kind of bodies.

    Attributes:
        keypoints_2d, keypoints_3d: Of absolute errors, over the crop from -0.5 to 0.5 and in m.
        global_orient, body_pose: Of squared errors of the entries of rotation matrices.
        betas: Of squared errors.
    """

    keypoints_2d: float = 0.0
    keypoints_3d: float = 0.0
    global_orient: float = 0.0
    body_pose: float = 0.0
    betas: float = 0.0


#: of the released training
MODE_WEIGHTS = dict(keypoints_2d=0.01, keypoints_3d=0.05, global_orient=0.001, body_pose=0.001, betas=0.0005)
SAMPLE_WEIGHTS = dict(keypoints_2d=0.001)


class ProjectedBodies(NamedTuple):
    """Keypoints of B·S bodies.

    Attributes:
        in_crop: (B, S, 44, 2), -0.5 to 0.5 over the crop.
        in_space: (B, S, 44, 3) m.
    """

    in_crop: Tensor
    in_space: Tensor


@MODELS.register_module()
class ProHMRLoss(BaseModule):
    """The terms of the loss, each times its weight. Terms of weight 0 are left out.

    Args:
        nll: Weight of the negative log-likelihood of labelled poses.
        mode, samples: Weights of the terms on the mode and on the samples (:class:`TermWeights`); None: as released.
        orthogonal: Weight of the departure of the six numbers from orthonormal columns, of the mode and the samples.
        adversarial: Weight of the network's adversarial term, and of the discriminator's loss.
        noise: Standard deviation of what is added to the labelled six numbers.
    """

    def __init__(
        self,
        nll: float = 0.001,
        mode: dict[str, float] | None = None,
        samples: dict[str, float] | None = None,
        orthogonal: float = 0.1,
        adversarial: float = 0.0005,
        noise: float = 0.005,
    ) -> None:
        super().__init__()
        self.nll, self.orthogonal, self.adversarial, self.noise = nll, orthogonal, adversarial, noise
        self.mode = TermWeights(**(MODE_WEIGHTS if mode is None else mode))
        self.samples = TermWeights(**(SAMPLE_WEIGHTS if samples is None else samples))

    def noisy(self, pose_6d: Tensor) -> Tensor:
        """Labelled poses as their likelihood is asked for in training."""
        return pose_6d + self.noise * torch.randn_like(pose_6d)

    def forward(
        self,
        bodies: BodySamples,
        projected: ProjectedBodies,
        targets: PersonTargets,
        log_prob: Tensor,
        scores: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """
        Args:
            bodies: (B, S, …), the mode first; S = 1 has no terms on samples.
            projected: Their keypoints.
            targets: Labels.
            log_prob: (N,) of the labelled poses, noise added; N may be 0.
            scores: (B·S, 25) of the discriminator, where there is one.

        Returns:
            ``loss_nll``, ``loss_<mode|samples>_<term>``, ``loss_orthogonal``, ``loss_adversarial``.
        """
        num_people, num_samples = bodies.log_prob.shape
        errors = self._errors(bodies, projected, targets)
        nothing = 0 * bodies.pose_6d.sum()  # keeps the graph
        losses = dict(loss_nll=self.nll * (-log_prob.mean() if len(log_prob) else nothing))
        for kind, weights, chosen, number in (
            ('mode', self.mode, slice(0, 1), num_people),
            ('samples', self.samples, slice(1, None), num_people * (num_samples - 1)),
        ):
            for name, weight in asdict(weights).items():
                if weight:
                    losses[f'loss_{kind}_{name}'] = weight * errors[name][:, chosen].sum() / max(number, 1)
        if self.orthogonal:
            losses['loss_orthogonal'] = self.orthogonal * orthogonality(bodies.pose_6d)
        if scores is not None:
            losses['loss_adversarial'] = self.adversarial * generator_loss(scores, num_people)
        return losses

    def _errors(self, bodies: BodySamples, projected: ProjectedBodies, targets: PersonTargets) -> dict[str, Tensor]:
        """(B, S) of each term, 0 for people without its label."""
        has_smpl = targets.has_smpl[:, None].float()
        rotations, betas = targets.rotations[:, None], targets.betas[:, None]
        known = targets.has_smpl[:, None, None]
        # labels of the others may be anything, NaN too
        rotations = torch.where(known[..., None, None], rotations, bodies.rotations.detach())
        turned = (bodies.rotations - rotations).square().sum((-2, -1))  # (B, S, 24)
        shaped = (bodies.betas - torch.where(known, betas, bodies.betas.detach())).square().sum(-1)
        return dict(
            keypoints_2d=_confident_sum(projected.in_crop, targets.keypoints_2d),
            keypoints_3d=_pelvis_centred_sum(projected.in_space, targets.keypoints_3d),
            global_orient=has_smpl * turned[..., 0],
            body_pose=has_smpl * turned[..., 1:].sum(-1),
            betas=has_smpl * shaped,
        )


def orthogonality(pose_6d: Tensor) -> Tensor:
    """Mean of (AᵀA - I)² over the four entries, all rotations and people: that of the mode plus that of the samples.

    Args:
        pose_6d: (B, S, 144), the mode first. A (3, 2) are the raw columns of each rotation.
    """
    columns = pose_6d.unflatten(-1, (-1, 2, 3))  # (B, S, 24, 2, 3), one column after the other
    gram = columns @ columns.mT
    departure = (gram - torch.eye(2, dtype=gram.dtype, device=gram.device)).square().flatten(2)
    mode = departure[:, :1].mean()
    return mode + departure[:, 1:].mean() if departure.shape[1] > 1 else mode


def _confident_sum(pred: Tensor, labels: Tensor) -> Tensor:
    """(B, S): sum of confidence · absolute errors of pred (B, S, K, D) against labels (B, K, D + 1)."""
    confidence = labels[:, None, :, -1:]
    target = torch.where(confidence > 0, labels[:, None, :, :-1], 0)
    return (confidence * (pred - target).abs()).sum((-2, -1))


def _pelvis_centred_sum(pred: Tensor, labels: Tensor) -> Tensor:
    """The same with both sides minus their pelvis; 0 for people whose pelvis has no place."""
    pelvis = labels[:, PELVIS]
    placed = (pelvis[:, 3] > 0) | ((pelvis[:, :3] != 0).any(-1) & pelvis.isfinite().all(-1))
    origin = torch.where(placed[:, None], pelvis[:, :3], 0)[:, None]
    confidence = labels[..., 3:] * placed[:, None, None]
    centred = torch.cat([labels[..., :3] - origin, confidence], dim=-1)
    return _confident_sum(pred - pred[:, :, PELVIS : PELVIS + 1], centred)
