"""SPIN: a regressor of bodies, and the fitting that teaches it in the training loop."""

from .fits_store_hook import FitsStoreHook
from .ief_head import IEFHead
from .released_checkpoint import ReleasedSPIN
from .spin_estimator import SPIN
from .spin_loss import SPINLoss

__all__ = ['FitsStoreHook', 'IEFHead', 'ReleasedSPIN', 'SPIN', 'SPINLoss']
