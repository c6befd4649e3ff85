from .mmpose_rle import MMPoseRLE, OwnRLE
from .released_rle import ReleasedRLE

__all__ = ['MMPoseRLE', 'OwnRLE', 'ReleasedRLE']
