from .assigner import DASTargetAssigner, LevelTargets, PersonLabels
from .coder import DASPoseCoder
from .oks_nms import OKSNMS

__all__ = ['DASPoseCoder', 'DASTargetAssigner', 'LevelTargets', 'OKSNMS', 'PersonLabels']
