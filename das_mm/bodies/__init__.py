"""Bodies in SMPL's format as numpy arrays: the generated one, licensed files, skeleton, landmarks and skinning.

Neither torch nor an mm package is loaded here; the differentiable body is :mod:`das_mm.models.body_models`. A name is
loaded when it is asked for.
"""

from das_mm.lazy_exports import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        '.body_model': 'PART_NAMES BodyModel',
        '.generated_body': 'load_generated_body write_smpl_file',
        '.landmarks': 'KEYPOINT_NAMES LANDMARKS keypoint_matrix keypoints_from_body',
        '.skeleton': 'JOINT_NAMES PARENTS',
        '.skinning': 'linear_blend_skinning',
    },
)
