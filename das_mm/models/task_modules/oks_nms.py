"""Non-maximum suppression by object keypoint similarity (journal paper §3.5)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from das_mm.registry import TASK_UTILS
from das_mm.structures.keypoint_similarity import object_keypoint_similarity


@TASK_UTILS.register_module()
class OKSNMS:
    """Greedy suppression of poses that lie on a better one.

    How alike two poses are is :func:`.object_keypoint_similarity` with the mean of the two boxes' areas. One loop step
    per person *kept*, over arrays, not one per candidate.

    Args:
        threshold: A pose with a higher OKS to a better one is dropped.
        kappa: Tolerance (COCO's sigma) of every keypoint.
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

        In numpy: a step is a handful of operations on some thousand numbers, for which a call of torch takes longer
        than the work itself, and on a GPU each step would wait for the one before.
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
            # of the best pose to all that are left
            similarity = object_keypoint_similarity(squared.T, (areas + areas[0]) / 2, self.kappa)
            different = similarity <= self.threshold
            different[0] = False
            left, x, y, areas = left[different], x[:, different], y[:, different], areas[different]
        return kept
