"""SPIN: a regressor of bodies, and the fitting that teaches it in the training loop."""

from .ief_head import IEFHead
from .spin_loss import SPINLoss

__all__ = ['IEFHead', 'SPINLoss']
