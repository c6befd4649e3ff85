"""CRMH: coherent reconstruction of several people from one image."""

from .channel_noise import ChannelNoise
from .crmh_estimator import CRMH
from .fixed_size_preprocessor import FixedSizePreprocessor
from .inclusive_boxes import InclusiveBoxCoder, InclusiveOverlaps, InclusiveRoIExtractor
from .person_marks import AddPersonMarks
from .released_checkpoint import ReleasedCRMH, ReleasedCRMHDiscriminator
from .scene_metrics import CRMHMuPoTSMetric, CRMHPanopticMetric
from .scene_roi_head import SceneRoIHead
from .smpl_branch_loss import SMPLBranchLoss
from .smpl_roi_head import SMPLRoIHead

__all__ = [
    'AddPersonMarks',
    'CRMH',
    'CRMHMuPoTSMetric',
    'CRMHPanopticMetric',
    'ChannelNoise',
    'FixedSizePreprocessor',
    'InclusiveBoxCoder',
    'InclusiveOverlaps',
    'InclusiveRoIExtractor',
    'ReleasedCRMH',
    'ReleasedCRMHDiscriminator',
    'SMPLBranchLoss',
    'SMPLRoIHead',
    'SceneRoIHead',
]
