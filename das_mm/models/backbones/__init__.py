from .dla import DLA34
from .mspn_pyramid import MSPNPyramid
from .temporal_stems import TemporalResNet, TemporalStems

__all__ = ['DLA34', 'MSPNPyramid', 'TemporalResNet', 'TemporalStems']
