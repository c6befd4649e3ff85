"""Linear blend skinning of SMPL-format bodies in numpy: no torch, no gradients, made for drawing many people fast.

Equations of SMPL (Loper et al. 2015), letters: N bodies, V vertices.

    v_shaped = v_template + shapedirs @ betas;   J = J_regressor @ v_shaped
    v_posed  = v_shaped + posedirs @ vec(R_1..23 - I)
    v        = sum_k weights_k (G_k [v_posed - J_k; 1]) + transl
"""

from __future__ import annotations

import numpy as np

from das_mm.structures.rotations import axis_angle_to_matrix

from .body_model import BodyModel

_CHUNK = 16  # bodies whose pose correctives are computed by one matrix product; keeps the work space near 4 MB


def linear_blend_skinning(
    body: BodyModel, global_orient: np.ndarray, body_pose: np.ndarray, betas: np.ndarray, transl: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pose and shape N bodies.

    Args:
        body: The model.
        global_orient: (N, 3) axis-angle, rad; rotates about the pelvis joint, as SMPL does.
        body_pose: (N, 23, 3) axis-angle, rad, joints 1..23.
        betas: (N, B) shape coefficients, B <= 10.
        transl: (N, 3) m, added at the end.

    Returns:
        vertices (N, V, 3) m float32 and joints (N, 24, 3) m float32. N may be 0.

    Raises:
        ValueError: where the shapes do not agree.

    Example:
        >>> from das_mm.bodies import load_generated_body
        >>> body = load_generated_body()
        >>> vertices, joints = linear_blend_skinning(
        ...     body, np.zeros((1, 3)), np.zeros((1, 23, 3)), np.zeros((1, 10)), np.zeros((1, 3)))
        >>> bool(np.abs(vertices[0] - body.v_template).max() < 1e-6)
        True
    """
    num = len(global_orient)
    betas = np.asarray(betas, np.float64)
    _check_shapes(
        num,
        global_orient=(global_orient, (num, 3)),
        body_pose=(body_pose, (num, 23, 3)),
        betas=(betas, (num, min(betas.shape[-1], body.shapedirs.shape[-1]))),
        transl=(transl, (num, 3)),
    )
    joints_rest = body.joints_template + np.einsum('jck,nk->njc', body.joints_dirs[..., : betas.shape[1]], betas)
    rotations = axis_angle_to_matrix(np.concatenate([np.reshape(global_orient, (num, 1, 3)), body_pose], axis=1))
    joints, transforms = forward_kinematics(rotations, joints_rest, body.parents)
    joints = joints + np.asarray(transl, np.float64)[:, None]
    transforms[..., 3] += np.asarray(transl, np.float64)[:, None]

    num_vertices = len(body.v_template)
    vertices = np.empty((num, num_vertices, 3), np.float32)
    pose_feature = (rotations[:, 1:] - np.eye(3)).reshape(num, 9 * (rotations.shape[1] - 1)).astype(np.float32)
    for start in range(0, num, _CHUNK):
        part = slice(start, start + _CHUNK)
        shaped = betas[part].astype(np.float32) @ body.shapedirs_by_row[: betas.shape[1]]
        shaped += body.v_template.reshape(-1)
        shaped += pose_feature[part] @ body.posedirs_by_row
        for n, rest in enumerate(shaped.reshape(-1, num_vertices, 3), start):
            _skin(rest, transforms[n], body.weights_by_joint, vertices[n])
    return vertices, joints.astype(np.float32)


def _check_shapes(num: int, **arrays: tuple[np.ndarray, tuple[int, ...]]) -> None:
    for name, (array, shape) in arrays.items():
        if np.shape(array) != shape:
            raise ValueError(f'{name} must have shape {shape} for {num} bodies, not {np.shape(array)}')


def forward_kinematics(
    rotations: np.ndarray, joints_rest: np.ndarray, parents: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (N, 24, 3, 3), rest joints (N, 24, 3) -> posed joints (N, 24, 3), rest-to-posed [R|t] (N, 24, 3, 4)."""
    world_rotations = np.empty_like(rotations)
    joints = np.empty_like(joints_rest)
    for joint, parent in enumerate(parents):
        if parent < 0:
            world_rotations[:, joint], joints[:, joint] = rotations[:, joint], joints_rest[:, joint]
            continue
        world_rotations[:, joint] = world_rotations[:, parent] @ rotations[:, joint]
        bone = joints_rest[:, joint] - joints_rest[:, parent]
        joints[:, joint] = joints[:, parent] + np.einsum('nij,nj->ni', world_rotations[:, parent], bone)
    shift = joints - np.einsum('nkij,nkj->nki', world_rotations, joints_rest)
    return joints, np.concatenate([world_rotations, shift[..., None]], axis=-1)


def _skin(rest: np.ndarray, transforms: np.ndarray, weights_by_joint: np.ndarray, out: np.ndarray) -> None:
    """One body: rest (V, 3), transforms (24, 3, 4), weights (24, V) -> out (V, 3), written in place."""
    blended = transforms.reshape(24, 12).T.astype(np.float32) @ weights_by_joint  # (12, V): contiguous along vertices
    x, y, z = np.ascontiguousarray(rest.T)
    for axis in range(3):
        a, b, c, d = blended[4 * axis : 4 * axis + 4]
        out[:, axis] = a * x + b * y + c * z + d
