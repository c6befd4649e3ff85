from .person_keypoints import PersonKeypointDataset
from .photograph_half_sampler import PhotographHalfSampler
from .synthetic_poses import SyntheticPoseDataset

__all__ = ['PersonKeypointDataset', 'PhotographHalfSampler', 'SyntheticPoseDataset']
