"""What stands between a network and people: targets, coding, suppression of duplicates, tracking."""

from das_mm.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        '.assigner': 'DASTargetAssigner LevelTargets PersonLabels',
        '.coder': 'DASPoseCoder',
        '.keypoint_root_coder': 'KeypointRootCoder',
        '.oks_nms': 'OKSNMS',
        '.trackers': 'GreedyTracker GreedyTracker3D NearestPoseTracker',
    },
)
