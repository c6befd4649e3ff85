"""Differentiable bodies (torch), over the arrays of :mod:`das_mm.bodies`."""

from .protocol import BodyModelProtocol, BodyOutput
from .smpl_body import SMPLBody
from .super_joints import SuperJoints, superset_layer

__all__ = ['BodyModelProtocol', 'BodyOutput', 'SMPLBody', 'SuperJoints', 'superset_layer']
