"""The labels of a batch of crops as tensors. Letters: B people."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from mmpose.utils.typing import SampleList
from torch import Tensor

from .fits_store import SampleKeys
from .spin_loss import NUM_OPENPOSE


@dataclass(frozen=True)
class CropBatch:
    """What is known of B people, in the frames of their augmented crops.

    Attributes:
        keys: Which samples they are, and how they were augmented.
        keypoints_2d: (B, 49, 3), -1 to 1 over the crop, and confidence.
        keypoints_3d: (B, 24, 4) m and confidence.
        pose, betas: (B, 72) axis-angle, rad, and (B, 10), read where ``has_smpl``.
        has_smpl, has_pose_3d: (B,) bool.
    """

    keys: SampleKeys
    keypoints_2d: Tensor
    keypoints_3d: Tensor
    pose: Tensor
    betas: Tensor
    has_smpl: Tensor
    has_pose_3d: Tensor

    @classmethod
    def of_samples(cls, data_samples: SampleList, like: Tensor, ignore_3d: bool = False) -> CropBatch:
        """From packed samples, on the device of a tensor.

        Args:
            ignore_3d: Nobody has SMPL parameters or a pose in space, whatever the labels say.
        """
        labels = [sample.gt_instance_labels for sample in data_samples]
        stacked = lambda name: torch.stack([torch.as_tensor(label[name][0]) for label in labels]).to(like.device)
        augmented = [sample.metainfo['augmentation'] for sample in data_samples]
        sources = [sample.metainfo['sample_key'] for sample in data_samples]
        keys = SampleKeys(
            [str(name) for name, _ in sources],
            [int(index) for _, index in sources],
            torch.tensor([float(one['rotation_deg']) for one in augmented]),
            torch.tensor([bool(one['flip']) for one in augmented]),
        )
        flags = [stacked(name).reshape(-1).bool() & (not ignore_3d) for name in ('has_smpl', 'has_pose_3d')]
        values = [stacked(name).float() for name in ('keypoints_2d', 'keypoints_3d', 'smpl_pose', 'smpl_betas')]
        values[1] = values[1][:, NUM_OPENPOSE:]  # nobody detects in space
        return cls(keys, *values, *flags)

    def keypoints_px(self, crop_px: int) -> Tensor:
        """(B, 49, 3) in pixels of the crop, and confidence."""
        return torch.cat([0.5 * crop_px * (self.keypoints_2d[..., :2] + 1), self.keypoints_2d[..., 2:]], dim=-1)
