"""Differentiable bodies (torch), over the arrays of :mod:`das_mm.bodies`."""

from .protocol import BodyModelProtocol, BodyOutput
from .smpl_body import SMPLBody

__all__ = ['BodyModelProtocol', 'BodyOutput', 'SMPLBody']
