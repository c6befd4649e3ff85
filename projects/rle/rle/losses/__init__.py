from .constant_variance_loss import L2PoseLoss
from .mixed_dimension_loss import MixedDimensionLoss
from .residual_likelihood_loss import OfficialDLELoss, ResidualLikelihoodLoss, residual_criterion

__all__ = ['L2PoseLoss', 'MixedDimensionLoss', 'OfficialDLELoss', 'ResidualLikelihoodLoss', 'residual_criterion']
