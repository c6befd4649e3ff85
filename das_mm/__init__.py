"""das_mm: every person in an image or video in 3D, in one pass."""
from mmengine.config.utils import MODULE2PACKAGE

from .version import __version__

# lets `_base_ = 'das_mm::…'` and `get_config('das_mm::…')` find our configs
MODULE2PACKAGE.setdefault('das_mm', 'das_mm')

__all__ = ['__version__']
