from .body_priors import MaxMixturePrior, SMPLifyPrior, joint_angle_prior, shape_prior
from .density import DensityGrid, error_density_grid, log_partition, residual_spread
from .depth_order_loss import DepthOrderLoss, shown_people
from .focal_loss import SigmoidFocalLoss
from .interpenetration_loss import InterpenetrationLoss
from .keypoint_loss import KeypointRLELoss
from .l1_pose_loss import L1PoseLoss
from .likelihood_loss import GaussianNLLLoss, LaplaceNLLLoss, LikelihoodLoss
from .mesh_keypoint_loss import MeshKeypoint2DLoss, MeshKeypoint3DLoss
from .official_rle_loss import OfficialRLELoss
from .parameter_loss import L2ParameterLoss, RotationDistanceLoss, RotationL2Loss
from .people_meshes import connected_zero, finite_people
from .pose_loss import PoseLoss
from .priors import GaussianPrior, LaplacePrior, ReleasedLaplacePrior
from .rle_loss import DLELoss, RLELoss
from .scale import keypoint_confidence, positive_scale

__all__ = [
    'DLELoss',
    'DensityGrid',
    'DepthOrderLoss',
    'GaussianNLLLoss',
    'GaussianPrior',
    'InterpenetrationLoss',
    'KeypointRLELoss',
    'L1PoseLoss',
    'L2ParameterLoss',
    'LaplaceNLLLoss',
    'LaplacePrior',
    'LikelihoodLoss',
    'MaxMixturePrior',
    'MeshKeypoint2DLoss',
    'MeshKeypoint3DLoss',
    'OfficialRLELoss',
    'PoseLoss',
    'RLELoss',
    'ReleasedLaplacePrior',
    'RotationDistanceLoss',
    'RotationL2Loss',
    'SMPLifyPrior',
    'SigmoidFocalLoss',
    'connected_zero',
    'error_density_grid',
    'finite_people',
    'joint_angle_prior',
    'keypoint_confidence',
    'log_partition',
    'positive_scale',
    'residual_spread',
    'shape_prior',
    'shown_people',
]
