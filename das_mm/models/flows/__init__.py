from .conditional_glow import ConditionalGlow
from .realnvp import RealNVP

__all__ = ['ConditionalGlow', 'RealNVP']
