"""Trackers: who is who from frame to frame. Pure numpy, no network, deterministic."""

from .base import GreedyMatchingTracker, Track
from .greedy import GreedyTracker
from .greedy_3d import GreedyTracker3D
from .matching import match_by_cost, match_by_score
from .nearest_pose import NearestPoseTracker
from .people import TrackedPeople

__all__ = [
    'GreedyMatchingTracker',
    'GreedyTracker',
    'GreedyTracker3D',
    'NearestPoseTracker',
    'Track',
    'TrackedPeople',
    'match_by_cost',
    'match_by_score',
]
