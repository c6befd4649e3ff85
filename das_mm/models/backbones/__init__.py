from .mspn_pyramid import MSPNPyramid

__all__ = ['MSPNPyramid']
