"""Residual log-likelihood estimation (Li et al., ICCV 2021) on das_mm.

Configs say ``custom_imports = dict(imports='projects.rle.rle')``; everything is registered in the scope ``das_mm``.
"""

from . import (
    checkpoints,
    codec,
    datasets,
    detectors,
    estimators,
    heads,
    losses,
    metrics,
    per_parameter_clip,
    transforms,
)

__all__ = [
    'checkpoints',
    'codec',
    'datasets',
    'detectors',
    'estimators',
    'heads',
    'losses',
    'metrics',
    'per_parameter_clip',
    'transforms',
]
