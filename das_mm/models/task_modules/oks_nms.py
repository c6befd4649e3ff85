"""Non-maximum suppression by object keypoint similarity (journal paper §3.5)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from das_mm.registry import TASK_UTILS


@TASK_UTILS.register_module()
class OKSNMS:
    """Greedy suppression of poses that lie on a better one.

    ``OKS(a, b) = mean_k exp(-|a_k - b_k|^2 / (2 area (2 kappa)^2))``, COCO's formula, with the mean of the two boxes'
    areas. One loop step per person *kept*, over arrays, not one per candidate.

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
        kept = self._suppress(keypoints_px[order].detach().float().cpu().numpy())
        return order[torch.as_tensor(kept, dtype=torch.long, device=order.device)]

    def _suppress(self, poses: np.ndarray) -> list[int]:
        """Rows that stay of (n, K, 2) poses, best first.

        In numpy: a step is a handful of operations on some thousand numbers, for which a call of torch takes longer than
        the work itself, and on a GPU each step would wait for the one before.
        """
        # a pose that is not finite resembles nothing and would live for ever
        left = np.flatnonzero(np.isfinite(poses).all(axis=(1, 2)))
        x, y = (np.ascontiguousarray(poses[left, :, axis].T) for axis in (0, 1))  # (K, m)
        areas = np.ptp(x, axis=0) * np.ptp(y, axis=0)
        kept = []
        while len(left) and len(kept) < self.max_people:
            kept.append(int(left[0]))
            squared = np.square(x - x[:, :1])
            squared += np.square(y - y[:, :1])
            # two poses of no extent at one place are the same; the floor keeps 0 / 0 out
            spread = np.maximum(areas + areas[0], np.finfo(areas.dtype).eps) * np.float32((2 * self.kappa) ** 2)
            similarity = np.exp(squared / -spread).mean(axis=0)  # OKS of the best pose to all that are left
            different = similarity <= self.threshold
            different[0] = False
            left, x, y, areas = left[different], x[:, different], y[:, different], areas[different]
        return kept

    def _similarity(self, pose: Tensor, area: Tensor, poses: Tensor, areas: Tensor) -> Tensor:
        """(n,) OKS of one (K, 2) pose to (n, K, 2) poses, as tensors: what an exported graph computes."""
        squared = (poses - pose).square().sum(-1)  # (n, K)
        # two poses of no extent at one place are the same; the floor keeps 0 / 0 out
        spread = (areas + area).clamp(min=torch.finfo(areas.dtype).eps) * (2 * self.kappa) ** 2
        return torch.exp(-squared / spread[:, None]).mean(1)
