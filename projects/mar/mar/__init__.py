"""MAR: mutual adaptive reasoning for 3D multi-person pose (Zhang et al., ACM Multimedia 2022), on das_mm."""

from .geometry_warm_up import GeometryWarmUp
from .mar import MAR
from .mar_decoder import MARDecoder
from .mar_head import MARHead
from .paf_codec import PartAffinityFields
from .person_grouper import DepthAwareGrouper
from .root_depth_metric import RootDepthMetric

__all__ = [
    'MAR',
    'DepthAwareGrouper',
    'GeometryWarmUp',
    'MARDecoder',
    'MARHead',
    'PartAffinityFields',
    'RootDepthMetric',
]
