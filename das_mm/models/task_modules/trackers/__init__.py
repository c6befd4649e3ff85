"""Trackers: who is who from frame to frame. Pure numpy, no network, deterministic; neither torch nor an mm package is
loaded for them (``registered`` tells mmengine of them)."""

from .base import GreedyMatchingTracker, Track
from .greedy import GreedyTracker
from .greedy_3d import GreedyTracker3D
from .matching import match_by_cost, match_by_score
from .nearest_pose import NearestPoseTracker
from .tracked_people import tracked_people, with_camera_roots

__all__ = [
    'GreedyMatchingTracker',
    'GreedyTracker',
    'GreedyTracker3D',
    'NearestPoseTracker',
    'Track',
    'match_by_cost',
    'match_by_score',
    'tracked_people',
    'with_camera_roots',
]
