from .density import DensityGrid, error_density_grid, log_partition, residual_spread
from .focal_loss import SigmoidFocalLoss
from .keypoint_loss import KeypointRLELoss
from .l1_pose_loss import L1PoseLoss
from .likelihood_loss import GaussianNLLLoss, LaplaceNLLLoss, LikelihoodLoss
from .official_rle_loss import OfficialRLELoss
from .pose_loss import PoseLoss
from .priors import GaussianPrior, LaplacePrior, ReleasedLaplacePrior
from .rle_loss import DLELoss, RLELoss
from .scale import keypoint_confidence, positive_scale

__all__ = [
    'DLELoss', 'DensityGrid', 'GaussianNLLLoss', 'GaussianPrior', 'KeypointRLELoss', 'L1PoseLoss', 'LaplaceNLLLoss',
    'LaplacePrior', 'LikelihoodLoss', 'OfficialRLELoss', 'PoseLoss', 'RLELoss', 'ReleasedLaplacePrior',
    'SigmoidFocalLoss', 'error_density_grid', 'keypoint_confidence', 'log_partition', 'positive_scale',
    'residual_spread'
]
