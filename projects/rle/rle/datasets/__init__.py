from .person_keypoints import PersonKeypointDataset
from .photograph_half_sampler import PhotographHalfSampler

__all__ = ['PersonKeypointDataset', 'PhotographHalfSampler']
