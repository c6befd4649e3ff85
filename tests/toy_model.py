"""A DAS of random weights that finds many "people" anywhere: enough for everything but the quality of the poses."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.config import Config

from das_mm.checkpoints.model_loader import build_model

from .toy_das import write_toy_config

META = dict(keypoint_set='panoptic15')
_TOWER = dict(in_channels=16, feat_channels=16, stacked_convs=1, norm_cfg=dict(type='GN', num_groups=4))
MESH = dict(mesh=dict(type='MeshBranch', keypoint_set='panoptic15', **_TOWER))
DISPLACEMENT = dict(displacement=dict(type='DisplacementBranch', keypoint_set='panoptic15', **_TOWER))


def write_toy_checkpoint(
    root: Path, with_config: bool = True, branches: dict | None = None, temporal: bool = False
) -> Path:
    """Writes ``root/toy.py`` and ``root/toy.pth`` as mmengine's runner would; returns the path of the latter."""
    config = Config.fromfile(write_toy_config(root, num_images=2))
    if branches is not None:
        config.model.head.branches = branches
    if temporal:
        config.model.update(type='TrackingDAS', tracker=dict(type='GreedyTracker', birth_score=0.02))
        config.model.backbone.type = 'TemporalResNet'
        config.model.data_preprocessor.type = 'TemporalDataPreprocessor'
    config.model.test_cfg.update(score_thr=0.02, nms_pre=60)
    config.model.head.nms.update(max_people=6)
    torch.manual_seed(3)
    model = build_model(config)
    with torch.no_grad():
        model.head.depth_branch.out.bias.fill_(20)  # in front of the camera, at about 3 m
        model.head.pose_branch.out.weight.mul_(2)
    meta = dict(experiment_name='toy_20250102_030405', dataset_meta=META)
    if with_config:
        meta['cfg'] = config.pretty_text
    torch.save(dict(state_dict=model.state_dict(), meta=meta), root / 'toy.pth')
    return root / 'toy.pth'
