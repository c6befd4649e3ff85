from .assigner import DASTargetAssigner, LevelTargets, PersonLabels
from .coder import DASPoseCoder
from .keypoint_root_coder import KeypointRootCoder
from .oks_nms import OKSNMS
from .trackers import GreedyTracker, GreedyTracker3D, NearestPoseTracker, TrackedPeople

__all__ = [
    'DASPoseCoder',
    'DASTargetAssigner',
    'GreedyTracker',
    'GreedyTracker3D',
    'KeypointRootCoder',
    'LevelTargets',
    'NearestPoseTracker',
    'OKSNMS',
    'PersonLabels',
    'TrackedPeople',
]
