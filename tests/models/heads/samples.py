"""Made-up labelled samples and a small head, for tests that need no images."""

import numpy as np
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from das_mm.registry import MODELS

WH = (160, 128)
NUM_KEYPOINTS = 5
SHAPES = [(16, 20), (8, 10), (4, 5)]


def make_sample(people, seed=0, with_3d=True, wh=WH, num_keypoints=NUM_KEYPOINTS):
    """A sample of ``people`` persons of sizes between 10 and 80 px; keypoint 2 is the root."""
    generator = torch.Generator().manual_seed(seed)
    root = torch.rand(people, 2, generator=generator) * torch.tensor(wh)
    spread = 10 + 50 * torch.rand(people, 1, 1, generator=generator)
    keypoints = root[:, None] + (torch.rand(people, num_keypoints, 2, generator=generator) - 0.5) * spread
    keypoints[:, 2] = root
    depth_known = torch.full((people, num_keypoints), float(with_3d))
    sample = PoseDataSample()
    sample.gt_instance_labels = InstanceData(
        bboxes=torch.cat([keypoints.amin(1), keypoints.amax(1)], 1) if people else torch.zeros(0, 4),
        keypoints=keypoints,
        keypoints_weights=torch.ones(people, num_keypoints),
        relative_depths_mm=torch.randn(people, num_keypoints, generator=generator) * 200,
        relative_depths_weights=depth_known,
        root_px=root,
        root_depths_norm=3 + torch.rand(people, generator=generator),
        root_depths_weights=depth_known[:, 0],
        center_valid=torch.ones(people, dtype=torch.bool),
    )
    sample.set_metainfo(
        dict(
            ori_shape=(wh[1], wh[0]),
            img_shape=(wh[1], wh[0]),
            warp_mat=np.array([[1.0, 0, 0], [0, 1, 0]]),
            flip=False,
            camera=dict(K=None, source='unknown'),
        )
    )
    return sample


def small_head(**changes):
    """A DASHead of 16 channels on three levels, off its initial state so that its maps are not all alike."""
    config = dict(
        type='das_mm.DASHead',
        num_keypoints=NUM_KEYPOINTS,
        in_channels=16,
        feat_channels=16,
        stacked_convs=1,
        centerness_channels=16,
        norm_cfg=dict(type='GN', num_groups=4),
        assigner=dict(
            type='das_mm.DASTargetAssigner', strides=(8, 16, 32), regress_ranges=((0, 20), (20, 35), (35, 1e8))
        ),
        coder=dict(type='das_mm.DASPoseCoder'),
        update=dict(type='das_mm.MultiSourceUpdate', num_layers=2, feat_channels=16, num_groups=4, num_heads=2),
        nms=dict(type='das_mm.OKSNMS'),
    )
    config.update(changes)
    torch.manual_seed(0)
    head = MODELS.build(config)
    head.init_weights()
    for part in (head.pose_branch.out, head.offset_branch.out, head.cls_branch.out, head.centerness_branch.out):
        torch.nn.init.normal_(part.weight, std=0.3)
    torch.nn.init.constant_(head.cls_branch.out.bias, -0.5)
    return head


def small_feats(batch=2, channels=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, channels, *shape, generator=generator) for shape in SHAPES]
