"""Bodies in SMPL's format as numpy arrays: the generated one, licensed files, skeleton, landmarks and skinning.

Neither torch nor an mm package is loaded here; the differentiable body is :mod:`das_mm.models.body_models`.
"""

from .body_model import PART_NAMES, BodyModel
from .generated_body import load_generated_body, write_smpl_file
from .landmarks import KEYPOINT_NAMES, LANDMARKS, keypoint_matrix, keypoints_from_body
from .skeleton import JOINT_NAMES, PARENTS
from .skinning import linear_blend_skinning

__all__ = [
    'BodyModel',
    'JOINT_NAMES',
    'KEYPOINT_NAMES',
    'LANDMARKS',
    'PARENTS',
    'PART_NAMES',
    'keypoint_matrix',
    'keypoints_from_body',
    'linear_blend_skinning',
    'load_generated_body',
    'write_smpl_file',
]
