from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform

from das_mm.registry import TRANSFORMS
from das_mm.structures import transform_camera
from das_mm.structures.rotations import axis_angle_to_matrix, mirror_pose

from .geometry import begin_geometry

_MIRROR = np.diag([-1.0, 1.0, 1.0])


@TRANSFORMS.register_module()
class AddMeshLabels(BaseTransform):
    """The labels that :class:`MeshBranch` learns from, in the camera frame of the network input.

    Put it behind all geometric transforms and before ``PackDASInputs``, which packs what it adds for N people:
    ``keypoints_3d_mm`` (N, K, 3) and ``keypoints_3d_weights`` (N, K); ``smpl_pose_matrices`` (N, 24, 3, 3), root first,
    ``smpl_betas`` (N, 10) and ``smpl_weights`` (N,). Weights are 0 for what an image is not labelled with, so that
    images of every kind mix in a batch.

    Turning the image turns the root's rotation; mirroring it exchanges left and right of the pose (journal paper §4.2
    turns images for the mesh).
    """

    def transform(self, results: dict) -> dict:
        begin_geometry(results)
        count = len(results['bbox'])
        pose, betas, known = self._smpl(results, count)
        K = (results.get('camera') or {}).get('K')
        _, turn = transform_camera(np.eye(3) if K is None else np.asarray(K, np.float64), results['warp_mat'])
        if np.linalg.det(turn) < 0:  # turn = rotation · mirror
            pose, turn = mirror_pose(pose), turn @ _MIRROR
        matrices = axis_angle_to_matrix(pose)
        matrices[:, 0] = turn @ matrices[:, 0]
        valid = results['keypoints_3d_valid'].astype(bool)
        results['extra_labels'] = {
            **results.get('extra_labels', {}),
            'keypoints_3d_mm': np.where(valid[..., None], results['keypoints_3d'], 0),
            'keypoints_3d_weights': valid,
            'smpl_pose_matrices': matrices,
            'smpl_betas': betas,
            'smpl_weights': known,
        }
        return results

    @staticmethod
    def _smpl(results: dict, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Axis-angle pose (N, 24, 3), shape (N, 10) and who has them (N,); rest pose and mean shape for the others."""
        pose, betas, known = np.zeros((count, 24, 3)), np.zeros((count, 10)), np.zeros(count, bool)
        if 'has_smpl' in results:
            known = results['has_smpl'].astype(bool)
            pose[known, 0] = results['smpl_global_orient'][known]
            pose[known, 1:] = results['smpl_body_pose'][known]
            betas[known] = results['smpl_betas'][known]
        return pose, betas, known

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
