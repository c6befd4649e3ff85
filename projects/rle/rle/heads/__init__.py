from .flow_regression_head import FlowRegressionHead
from .keypoint_estimate import KeypointEstimate, RegressionOutput, flip_average
from .lifting_head import LiftingFlowHead
from .normalized_linear import NormalizedLinear
from .regression_head import KeypointRegressionHead
from .soft_argmax_head import SoftArgmaxFlowHead

__all__ = [
    'FlowRegressionHead',
    'KeypointEstimate',
    'KeypointRegressionHead',
    'LiftingFlowHead',
    'NormalizedLinear',
    'RegressionOutput',
    'SoftArgmaxFlowHead',
    'flip_average',
]
