"""What the network is taught: the best fit seen so far, a better one of the loop, or the ground truth (§3.3.4).

The order of one step is that of the released trainer: the old fit is read, placed and scored on today's crop; SMPLify
starts from the prediction; per sample the better one is kept and written to the store; only then the targets are
guarded, replaced by the ground truth where there is one, and judged. Letters: B people.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from das_mm.errors import UserError
from das_mm.fitting import FittingCamera, SMPLify

from .fits_store import FitsStore, SampleKeys


class Fits(NamedTuple):
    """Parameters of B people and how well they explain the keypoints.

    Attributes:
        pose: (B, 72) axis-angle, rad, as the crops show them.
        betas: (B, 10).
        quality: (B,) mean reprojection energy over the 49 keypoints, infinite where there is no fit.
    """

    pose: Tensor
    betas: Tensor
    quality: Tensor

    def replaced(self, other: Fits, where: Tensor) -> Fits:
        """The rows of ``other`` where (B,) says so, these elsewhere."""
        pick = lambda theirs, ours: torch.where(where.reshape(-1, *[1] * (ours.ndim - 1)), theirs, ours)
        return Fits(*(pick(theirs, ours) for theirs, ours in zip(other, self)))


class Supervision(NamedTuple):
    """Targets of B people.

    Attributes:
        pose, betas: (B, 72) and (B, 10), finite.
        valid: (B,) bool: taught by them; the rest by keypoints alone.
        updated: (B,) bool: the loop found a better fit.
        quality: (B,) of the best fits.
        num_failed: People whose new fit is not finite, or who have no keypoint to fit to; such fits are never kept.
    """

    pose: Tensor
    betas: Tensor
    valid: Tensor
    updated: Tensor
    quality: Tensor
    num_failed: int


def stored_fits(store: FitsStore, keys: SampleKeys, smplify: SMPLify, keypoints: Tensor, camera: FittingCamera) -> Fits:
    """The fits of the store as the crops show them, scored on the keypoints of the crops and not by what was once said.

    Args:
        keypoints: (B, 49, 3) crop px and confidence; not changed.
    """
    pose, betas = (value.to(keypoints) for value in store.read(keys))
    known = pose.isfinite().all(1) & betas.isfinite().all(1)
    pose, betas = (torch.where(known[:, None], value, 0.0) for value in (pose, betas))
    translation = smplify.place(pose, betas, keypoints, camera).translation
    quality = smplify.score(pose, betas, translation, keypoints, camera)
    return Fits(pose, betas, torch.where(known, quality, torch.inf))


def better_fits(old: Fits, new: Fits) -> tuple[Fits, Tensor]:
    """Of each sample the fit of lower energy, and (B,) whose new one it is. What is not finite never wins."""
    finite = new.pose.isfinite().all(1) & new.betas.isfinite().all(1) & new.quality.isfinite()
    updated = finite & (new.quality < old.quality)
    return old.replaced(new, updated), updated


def guarded_targets(
    fits: Fits, truth_pose: Tensor, truth_betas: Tensor, has_smpl: Tensor, max_quality: float, max_beta: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Targets out of the best fits; the store is not asked here and has the fits as they are.

    Args:
        fits: The best ones.
        truth_pose, truth_betas: (B, 72) and (B, 10), read where ``has_smpl``.
        has_smpl: (B,) bool.
        max_quality: Fits of this energy or more are no targets.
        max_beta: A body with any beta beyond it is taught betas of zero.

    Returns:
        Pose (B, 72), betas (B, 10), and (B,) bool whom to teach them.
    """
    improbable = (fits.betas.abs() > max_beta).any(1)
    betas = torch.where(improbable[:, None], 0.0, fits.betas)
    has_smpl = has_smpl.bool()
    pose = torch.where(has_smpl[:, None], truth_pose.to(fits.pose), fits.pose)
    betas = torch.where(has_smpl[:, None], truth_betas.to(betas), betas)
    return pose, betas, (fits.quality < max_quality) | has_smpl


class FitSupervisor:
    """Finds the targets of a batch, with the fitting in the loop or with the stored fits alone.

    Args:
        smplify: The fitting; it also places and scores stored fits.
        crop_px: Side of the crops.
        max_quality: See :func:`guarded_targets`; released 100.
        max_beta: As there; 3 standard deviations.
        in_the_loop: Fit in every step; False: the static fits stay what they are, the thesis' baseline.
    """

    def __init__(
        self,
        smplify: SMPLify,
        crop_px: int,
        max_quality: float = 100.0,
        max_beta: float = 3.0,
        in_the_loop: bool = True,
    ) -> None:
        self.smplify, self.camera = smplify, FittingCamera.crop(crop_px)
        self.max_quality, self.max_beta, self.in_the_loop = max_quality, max_beta, in_the_loop

    def __call__(
        self,
        store: FitsStore | None,
        keys: SampleKeys,
        start: tuple[Tensor, Tensor, Tensor],
        keypoints: Tensor,
        truth: tuple[Tensor, Tensor, Tensor],
    ) -> Supervision:
        """
        Args:
            store: Read, and written by those who won.
            keys: Of the batch.
            start: The prediction: pose (B, 72), betas (B, 10), translation (B, 3) m before the camera of the crop.
                Nothing flows back to it.
            keypoints: (B, 49, 3) crop px and confidence.
            truth: Pose (B, 72), betas (B, 10) and ``has_smpl`` (B,) bool.

        Raises:
            UserError: There is no store.
        """
        if store is None:
            raise UserError(
                'the model has no fits to be taught by',
                field='custom_hooks',
                remedy="add dict(type='FitsStoreHook') to custom_hooks of the config",
            )
        best = stored_fits(store, keys, self.smplify, keypoints, self.camera)
        updated = torch.zeros_like(best.quality, dtype=torch.bool)
        num_failed = 0
        if self.in_the_loop:
            pose, betas, translation = (tensor.detach() for tensor in start)
            result = self.smplify.fit(pose, betas, translation, keypoints, self.camera)
            num_failed = result.num_invalid
            best, updated = better_fits(best, Fits(result.pose, result.betas, result.reprojection))
            store.write(keys, best.pose, best.betas, best.quality, updated)
        pose, betas, valid = guarded_targets(best, *truth, self.max_quality, self.max_beta)
        return Supervision(pose, betas, valid, updated, best.quality, num_failed)
