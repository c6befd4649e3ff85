from .dla import DLA34
from .mobilenetv2_pyramid import MobileNetV2Pyramid
from .mspn_pyramid import MSPNPyramid
from .temporal_stems import TemporalResNet, TemporalStems

__all__ = ['DLA34', 'MobileNetV2Pyramid', 'MSPNPyramid', 'TemporalResNet', 'TemporalStems']
