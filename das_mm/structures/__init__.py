"""Cameras and skeletons: numpy and torch only, no mm package."""
from .cameras import (
                      DEFAULT_FOV_DEG,
                      back_project,
                      check_intrinsics,
                      compose_warps,
                      default_intrinsics,
                      focal_px,
                      invert_warp,
                      project,
                      transform_camera,
                      transform_intrinsics,
                      warp_points,
)
from .keypoint_sets import (
                      COCO_SIGMAS,
                      DEFAULT_DERIVE,
                      DEFAULT_SIGMA,
                      DERIVATIONS,
                      KEYPOINT_SETS,
                      SUBSTITUTES,
                      KeypointSet,
                      convert_indices,
                      convert_keypoints,
                      derived_indices,
                      get_keypoint_set,
                      mirrored_name,
                      root_of,
                      to_mmpose_metainfo,
)

__all__ = [
    'COCO_SIGMAS', 'DEFAULT_DERIVE', 'DEFAULT_FOV_DEG', 'DEFAULT_SIGMA', 'DERIVATIONS', 'KEYPOINT_SETS', 'KeypointSet',
    'SUBSTITUTES', 'back_project', 'check_intrinsics', 'compose_warps', 'convert_indices', 'convert_keypoints',
    'default_intrinsics', 'derived_indices', 'focal_px', 'get_keypoint_set', 'invert_warp', 'mirrored_name', 'project',
    'root_of', 'to_mmpose_metainfo', 'transform_camera', 'transform_intrinsics', 'warp_points'
]
