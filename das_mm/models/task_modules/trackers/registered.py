"""The trackers by their names in configs; apart from them, so that they need no mm package."""

from das_mm.registry import TASK_UTILS

from .greedy import GreedyTracker
from .greedy_3d import GreedyTracker3D
from .nearest_pose import NearestPoseTracker

for tracker in (GreedyTracker, GreedyTracker3D, NearestPoseTracker):
    TASK_UTILS.register_module(module=tracker)
