from .keypoint_roi_head import FlowKeypointRoIHead
from .roi_keypoint_head import RoIKeypointFlowHead

__all__ = ['FlowKeypointRoIHead', 'RoIKeypointFlowHead']
