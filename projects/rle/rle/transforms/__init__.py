from .crop_jitter import CropJitter
from .lifting import PackLiftingInputs
from .noise import ChannelJitter, NoiseRectangle
from .person_box import PersonBox

__all__ = ['ChannelJitter', 'CropJitter', 'NoiseRectangle', 'PackLiftingInputs', 'PersonBox']
