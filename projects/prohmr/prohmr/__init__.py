"""ProHMR: distributions of bodies given an image, and ProSkeleton: of skeletons given keypoints (thesis chapter 4)."""

from .extreme_crop import ExtremeCrop
from .lifting_network import LiftingNetwork
from .pro_skeleton import ProSkeleton
from .prohmr_estimator import ProHMR
from .prohmr_loss import ProHMRLoss
from .released_checkpoint import ReleasedProHMR
from .sampled_pose_metric import SampledPoseMetric
from .skeleton_checkpoint import ReleasedProSkeleton
from .skeleton_data import SampledSkeletons
from .skeleton_flow import SkeletonFlow
from .skeleton_inputs import PackSkeletonInputs
from .skeleton_loss import SkeletonLoss
from .skeleton_metric import SampledSkeletonMetric
from .skeleton_regression import SkeletonRegression
from .skeleton_standardiser import KeypointStandardiser
from .skeleton_statistics_hook import InputStatisticsHook
from .smpl_flow_head import SMPLFlowHead

__all__ = [
    'ExtremeCrop',
    'InputStatisticsHook',
    'KeypointStandardiser',
    'LiftingNetwork',
    'PackSkeletonInputs',
    'ProHMR',
    'ProHMRLoss',
    'ProSkeleton',
    'ReleasedProHMR',
    'ReleasedProSkeleton',
    'SMPLFlowHead',
    'SampledPoseMetric',
    'SampledSkeletonMetric',
    'SampledSkeletons',
    'SkeletonFlow',
    'SkeletonLoss',
    'SkeletonRegression',
]
