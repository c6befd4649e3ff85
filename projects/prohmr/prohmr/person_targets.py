"""The labels of a batch of crops as tensors. Letters: B people, K = 44 keypoints, the first 25 of them OpenPose's."""

from __future__ import annotations

from typing import NamedTuple

import torch
from mmpose.utils.typing import SampleList
from torch import Tensor

from das_mm.structures import KEYPOINT_SETS
from das_mm.structures.tensor_rotations import matrix_to_rotation_6d

NUM_KEYPOINTS = KEYPOINT_SETS['prohmr44'].num_keypoints
#: MPII's pelvis, which 3D keypoints are compared from
PELVIS = KEYPOINT_SETS['prohmr44'].index('pelvis')
#: limbs and hips of OpenPose: in space the ground truth of the same joints speaks
_OPENPOSE_BODY = slice(1, 15)


class PersonTargets(NamedTuple):
    """What is known of B people, in the frames of their augmented crops.

    Attributes:
        keypoints_2d: (B, 44, 3), -0.5 to 0.5 over the crop, and confidence.
        keypoints_3d: (B, 44, 4) m and confidence, any origin.
        rotations: (B, 24, 3, 3), read where ``has_smpl``.
        betas: (B, 10), read where ``has_smpl``.
        has_smpl: (B,) bool.
    """

    keypoints_2d: Tensor
    keypoints_3d: Tensor
    rotations: Tensor
    betas: Tensor
    has_smpl: Tensor

    @classmethod
    def of_samples(cls, data_samples: SampleList, like: Tensor) -> PersonTargets:
        """From samples of :class:`.PackPersonInputs`, on the device of a tensor."""

        def column(name: str) -> Tensor:
            return torch.cat([sample.gt_instance_labels[name] for sample in data_samples]).to(like.device).float()

        keypoints_2d, keypoints_3d = column('keypoints_2d'), column('keypoints_3d')
        keypoints_2d = torch.cat([0.5 * keypoints_2d[..., :2], keypoints_2d[..., 2:]], dim=-1)
        has_pose_3d = column('has_pose_3d').reshape(-1, 1)
        confidence = keypoints_3d[..., 3] * has_pose_3d
        confidence[:, _OPENPOSE_BODY] = 0
        keypoints_3d = torch.cat([keypoints_3d[..., :3], confidence[..., None]], dim=-1)
        rotations, has_smpl = column('smpl_rotations'), column('has_smpl').reshape(-1).bool()
        return cls(keypoints_2d, keypoints_3d, rotations, column('smpl_betas'), has_smpl)

    @property
    def pose_6d(self) -> Tensor:
        """(N, 144) of those who have SMPL labels."""
        return matrix_to_rotation_6d(self.rotations[self.has_smpl]).flatten(1)
