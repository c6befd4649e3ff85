from .keypoint_lifter import KeypointLifter
from .topdown_regressor import TopdownRegressor

__all__ = ['KeypointLifter', 'TopdownRegressor']
