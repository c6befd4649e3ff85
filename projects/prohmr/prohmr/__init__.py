"""ProHMR: distributions of bodies and of poses, and what is made of them (thesis chapter 4)."""

from .lifting_network import LiftingNetwork
from .pro_skeleton import ProSkeleton
from .skeleton_checkpoint import ReleasedProSkeleton
from .skeleton_data import SampledSkeletons
from .skeleton_flow import SkeletonFlow
from .skeleton_inputs import PackSkeletonInputs
from .skeleton_loss import SkeletonLoss
from .skeleton_metric import SampledSkeletonMetric
from .skeleton_regression import SkeletonRegression
from .skeleton_standardiser import KeypointStandardiser
from .skeleton_statistics_hook import InputStatisticsHook

__all__ = [
    'InputStatisticsHook',
    'KeypointStandardiser',
    'LiftingNetwork',
    'PackSkeletonInputs',
    'ProSkeleton',
    'ReleasedProSkeleton',
    'SampledSkeletonMetric',
    'SampledSkeletons',
    'SkeletonFlow',
    'SkeletonLoss',
    'SkeletonRegression',
]
