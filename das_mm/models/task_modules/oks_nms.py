"""Non-maximum suppression by object keypoint similarity (journal paper §3.5)."""
from __future__ import annotations

import torch
from torch import Tensor

from das_mm.registry import TASK_UTILS


@TASK_UTILS.register_module()
class OKSNMS:
    """Greedy suppression of poses that lie on a better one.

    ``OKS(a, b) = mean_k exp(-|a_k - b_k|^2 / (2 area (2 kappa)^2))``, COCO's formula, with the mean of the two boxes'
    areas. One loop step per person *kept*, over tensors, not one per candidate.

    Args:
        threshold: A pose with a higher OKS to a better one is dropped.
        kappa: Tolerance of every keypoint.
        max_people: At most this many are kept.
    """

    def __init__(self, threshold: float = 0.9, kappa: float = 0.08, max_people: int = 100):
        self.threshold = threshold
        self.kappa = kappa
        self.max_people = max_people

    def __call__(self, keypoints_px: Tensor, scores: Tensor) -> Tensor:
        """Indices of the poses that stay, best first.

        Args:
            keypoints_px: (n, K, 2).
            scores: (n,).
        """
        order = torch.argsort(scores, descending=True, stable=True)
        poses = keypoints_px[order].float()
        # a pose that is not finite resembles nothing and would live for ever
        alive = torch.isfinite(poses).flatten(1).all(1)
        extent = (poses.amax(1) - poses.amin(1)) if len(poses) else poses.new_zeros(0, 2)
        areas = extent.prod(1)
        kept = []
        while len(kept) < self.max_people:
            left = torch.nonzero(alive)
            if len(left) == 0:
                break
            best = left[0, 0]
            kept.append(best)
            alive &= self._similarity(poses[best], areas[best], poses, areas) <= self.threshold
            alive[best] = False
        return order[torch.stack(kept)] if kept else order[:0]

    def _similarity(self, pose: Tensor, area: Tensor, poses: Tensor, areas: Tensor) -> Tensor:
        """(n,) OKS of one (K, 2) pose to (n, K, 2) poses."""
        squared = (poses - pose).square().sum(-1)  # (n, K)
        # two poses of no extent at one place are the same; the floor keeps 0 / 0 out
        spread = (areas + area).clamp(min=torch.finfo(areas.dtype).eps) * (2 * self.kappa)**2
        return torch.exp(-squared / spread[:, None]).mean(1)
