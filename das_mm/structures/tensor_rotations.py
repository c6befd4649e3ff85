"""Rotations of body poses as pure functions of tensors, with gradients: 6D, matrices, axis-angle; mirrored and turned
SMPL parameters. For arrays see :mod:`.rotations`; importing this module loads torch.

Half precision is computed and returned as float32, integers as float64, and autocast is off inside. ``*`` stands for
any leading dimensions, none of them and zero-sized ones included. A row that is not finite gives NaN in that row and
leaves the others alone.

Conventions: matrices act on column vectors. 6D is the first two COLUMNS one after the other (Zhou et al., "On the
Continuity of Rotation Representations in Neural Networks", CVPR 2019); SPIN's files interleave them instead.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor

from .rotations import MIRROR_JOINTS

#: shortest column that has a direction, and smallest sine between two columns that span a plane
_DEGENERATE = 1e-6


def _in_full_precision(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Precision as the module says: half of it is no rotation."""

    @functools.wraps(function)
    def precise(*tensors: Tensor) -> Tensor:
        precise_tensors = [
            tensor
            if tensor.dtype in (torch.float32, torch.float64)
            else tensor.to(torch.float32 if tensor.is_floating_point() else torch.float64)
            for tensor in tensors
        ]
        with torch.autocast(tensors[0].device.type, enabled=False):
            return function(*precise_tensors)

    return precise


@_in_full_precision
def rotation_6d_to_matrix(columns: Tensor) -> Tensor:
    """6D (*, 6) to rotation matrices (*, 3, 3) by Gram and Schmidt: b1 = a1/|a1|, b2 from a2, b3 = b1 × b2.

    Lengths do not matter. Two kinds of input have no direction: a column of zeros (shorter than 1e-6), and a second one
    along the first (to a sine of 1e-6). Fixed axes stand in for them, x for the first and for the second the axis
    farthest from the first, so that the result is a rotation and gradients are finite everywhere (zero through what
    was replaced).

    Example:
        >>> rotation_6d_to_matrix(torch.tensor([2., 0, 0, 1, 3, 0]))
        tensor([[1., 0., 0.],
                [0., 1., 0.],
                [0., 0., 1.]])
    """
    first, _ = _unit(columns[..., :3], columns.new_tensor([1.0, 0.0, 0.0]))
    # the axis farthest from the first column; detached, since which one it is is no function to follow
    spare = torch.nn.functional.one_hot(first.detach().abs().argmin(-1), 3).to(columns)
    second, has_direction = _unit(columns[..., 3:], spare)
    across = _without(second, first)
    parallel = (_norm2(across) <= _DEGENERATE**2) & has_direction
    across = torch.where(parallel, _without(spare, first), across)
    # between nearly parallel columns the difference above has lost its digits; once more makes it orthogonal
    across = across / _norm2(across).sqrt()
    across = _without(across, first)
    across = across / _norm2(across).sqrt()
    matrices = torch.stack([first, across, torch.cross(first, across, dim=-1)], dim=-1)
    # a first column alone could look sound
    return torch.where(columns.isfinite().all(-1)[..., None, None], matrices, torch.nan)


@_in_full_precision
def matrix_to_rotation_6d(matrices: Tensor) -> Tensor:
    """The first two columns (*, 6) of matrices (*, 3, 3), one after the other."""
    return torch.cat([matrices[..., 0], matrices[..., 1]], dim=-1)


@_in_full_precision
def axis_angle_to_matrix(axis_angle: Tensor) -> Tensor:
    """Rodrigues' formula, (*, 3) rad to (*, 3, 3); exact and with exact gradients at zero, right beyond pi too.

    Example:
        >>> axis_angle_to_matrix(torch.tensor([0., 0., torch.pi / 2])).round(decimals=6) + 0.
        tensor([[ 0., -1.,  0.],
                [ 1.,  0.,  0.],
                [ 0.,  0.,  1.]])
    """
    angle2 = _norm2(axis_angle)
    near_zero = angle2 < 1e-4
    angle = torch.where(near_zero, torch.ones_like(angle2), angle2).sqrt()  # the root has no gradient at zero
    # sin(a)/a and (1 - cos a)/a² = (sin(a/2)/(a/2))²/2, which loses no digits
    sine = torch.where(near_zero, 1 - angle2 / 6 + angle2**2 / 120, angle.sin() / angle)
    versine = torch.where(near_zero, 0.5 - angle2 / 24 + angle2**2 / 720, 2 * ((angle / 2).sin() / angle) ** 2)
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    eye = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return eye + sine[..., None] * cross + versine[..., None] * (cross @ cross)


@_in_full_precision
def matrix_to_axis_angle(matrices: Tensor) -> Tensor:
    """Rotation matrices (*, 3, 3) to axis-angle (*, 3) rad with angles in [0, pi]; the inverse of Rodrigues' formula.

    Accurate from 0 to pi, with finite gradients. At pi both signs of the axis are the same rotation, and either may
    come back. What is no rotation gives some finite vector.
    """
    (m00, m01, m02), (m10, m11, m12), (m20, m21, m22) = (row.unbind(-1) for row in matrices.unbind(-2))
    # 4·q·qᵀ of the quaternion q = (w, x, y, z); any row is a multiple of q, that with the largest diagonal the best
    products = torch.stack(
        [
            1 + m00 + m11 + m22,
            m21 - m12,
            m02 - m20,
            m10 - m01,
            m21 - m12,
            1 + m00 - m11 - m22,
            m10 + m01,
            m02 + m20,
            m02 - m20,
            m10 + m01,
            1 - m00 + m11 - m22,
            m21 + m12,
            m10 - m01,
            m02 + m20,
            m21 + m12,
            1 - m00 - m11 + m22,
        ],
        dim=-1,
    ).unflatten(-1, (4, 4))
    best = products.diagonal(dim1=-2, dim2=-1).argmax(-1)
    quaternion = products.gather(-2, best[..., None, None].expand(*best.shape, 1, 4)).squeeze(-2)
    quaternion = quaternion / _norm2(quaternion).sqrt()
    quaternion = torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    w, axis = quaternion[..., :1], quaternion[..., 1:]
    sine2 = _norm2(axis)
    near_zero = sine2 < 1e-6
    sine = torch.where(near_zero, torch.ones_like(sine2), sine2).sqrt()
    ratio2 = sine2 / torch.where(near_zero, w, torch.ones_like(w)) ** 2
    # 2·atan2(s, w)/s, by its series in s/w near zero
    factor = torch.where(
        near_zero,
        2 * (1 - ratio2 / 3 + ratio2**2 / 5) / torch.where(near_zero, w, sine),
        2 * torch.atan2(sine, w) / sine,
    )
    return factor * axis


@_in_full_precision
def mirror_pose(axis_angle: Tensor) -> Tensor:
    """The pose (*, 24, 3) rad of a person seen in a mirror: x of the camera frame negated, left and right exchanged.

    SMPL's joints, root first. For a body whose shape is the same on both sides the mesh of the mirrored pose is the
    mirrored mesh; the translation goes through :func:`move_translation`.
    """
    return axis_angle[..., list(MIRROR_JOINTS), :] * axis_angle.new_tensor([1.0, -1.0, -1.0])


@_in_full_precision
def mirror_rotations(matrices: Tensor) -> Tensor:
    """:func:`mirror_pose` for rotation matrices (*, 24, 3, 3)."""
    signs = matrices.new_tensor([[1.0, -1.0, -1.0], [-1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]])  # M·R·M, M = diag(-1, 1, 1)
    return matrices[..., list(MIRROR_JOINTS), :, :] * signs


@_in_full_precision
def move_translation(translation: Tensor, rest_pelvis: Tensor, transform: Tensor) -> Tensor:
    """SMPL's translation after the camera frame is turned or mirrored about its origin.

    SMPL turns about the rest pelvis p and then adds t, so x' = Q·x is the body with root Q·R (or the mirrored pose)
    and the translation t' = Q·(t + p) - p.

    Args:
        translation: (*, 3), any unit.
        rest_pelvis: (*, 3), the pelvis of the shaped body in rest pose, same unit.
        transform: (3, 3), Q: a rotation, or diag(-1, 1, 1) for a mirror.
    """
    transform = transform.to(translation)
    return (translation + rest_pelvis) @ transform.mT - rest_pelvis


def _norm2(vectors: Tensor) -> Tensor:
    return (vectors * vectors).sum(-1, keepdim=True)


def _without(vectors: Tensor, unit: Tensor) -> Tensor:
    """The part of ``vectors`` across ``unit``."""
    return vectors - (vectors * unit).sum(-1, keepdim=True) * unit


def _unit(vectors: Tensor, spare: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors, ``spare`` for those without a direction, and who (*, 1) has one."""
    largest = vectors.detach().abs().amax(-1, keepdim=True)
    has_direction = ~(largest <= _DEGENERATE)  # NaN passes, and stays NaN
    # only the direction counts, so the scale is a constant; it keeps the squares in range
    vectors = torch.where(has_direction, vectors / torch.where(has_direction, largest, 1), spare)
    return vectors / _norm2(vectors).sqrt(), has_direction
