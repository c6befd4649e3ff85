from .das import DAS
from .tracking_das import TrackingDAS

__all__ = ['DAS', 'TrackingDAS']
