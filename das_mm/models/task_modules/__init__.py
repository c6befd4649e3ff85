from .assigner import DASTargetAssigner, LevelTargets, PersonLabels
from .coder import DASPoseCoder
from .keypoint_root_coder import KeypointRootCoder
from .oks_nms import OKSNMS

__all__ = ['DASPoseCoder', 'DASTargetAssigner', 'KeypointRootCoder', 'LevelTargets', 'OKSNMS', 'PersonLabels']
