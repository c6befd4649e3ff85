"""Bodies in SMPL's format: the generated one, licensed files, skinning in numpy (drawing) and torch (learning)."""
from typing import Any

from .generated_body import PART_NAMES, BodyModel, load_generated_body, write_smpl_file
from .landmarks import KEYPOINT_NAMES, LANDMARKS, keypoint_matrix, keypoints_from_body
from .lbs_numpy import axis_angle_to_matrix, linear_blend_skinning
from .skeleton import JOINT_NAMES, MIRROR_JOINTS, PARENTS

__all__ = [
    'BodyModel', 'BodyModelProtocol', 'BodyOutput', 'JOINT_NAMES', 'KEYPOINT_NAMES', 'LANDMARKS', 'MIRROR_JOINTS',
    'PARENTS', 'PART_NAMES', 'SMPLBody', 'axis_angle_to_matrix', 'keypoint_matrix', 'keypoints_from_body',
    'linear_blend_skinning', 'load_generated_body', 'write_smpl_file'
]

# on first use: the processes that draw synthetic scenes need neither torch nor the registry
_NEEDS_TORCH = {'BodyModelProtocol': 'protocol', 'BodyOutput': 'protocol', 'SMPLBody': 'smpl_body'}


def __getattr__(name: str) -> Any:
    if name not in _NEEDS_TORCH:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from importlib import import_module
    return getattr(import_module(f'.{_NEEDS_TORCH[name]}', __name__), name)
