"""Optimizer wrappers of mmengine's kind, and what makes them."""

from .adversarial_optimizers import AdversarialOptimizers
from .bfloat16_optim_wrapper import BFloat16OptimWrapper

__all__ = ['AdversarialOptimizers', 'BFloat16OptimWrapper']
