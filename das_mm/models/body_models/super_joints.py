"""Joints of the supersets of HMR's family from a posed body, as a module for networks and losses."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from das_mm.errors import UserError

from .skin import KeypointLayer
from .smpl_body import SMPLBody


class SuperJoints(nn.Module):
    """(B, V, 3) vertices and (B, 24, 3) joints to the (B, K, 3) of a superset; frames and units stay.

    Buffers are not in state dicts.

    Args:
        body: Whose surface it is; its ``regressors`` name the files, stand-ins serve the generated body.
        keypoint_set: ``gt24``, ``openpose25``, ``spin49``, ``prohmr44``, ``smpl24``, or what Human3.6M's regressor
            gives: ``j14``, ``j17``, ``lsp14``, ``h36m17``, ``h36m17_left`` (see :mod:`das_mm.bodies.joint_supersets`).

    Raises:
        UserError: An unknown set, or a regressor is missing or unfit.

    Example:
        >>> body = SMPLBody()
        >>> eye = torch.eye(3)
        >>> posed = body(eye[None], eye.expand(1, 23, 3, 3), torch.zeros(1, 10))
        >>> SuperJoints(body, 'spin49')(*posed).shape
        torch.Size([1, 49, 3])
    """

    weights: Tensor
    joint_weights: Tensor
    J_regressor: Tensor
    columns: Tensor

    def __init__(self, body: SMPLBody, keypoint_set: str) -> None:
        super().__init__()
        self.keypoint_set, self.num_vertices = keypoint_set, body.num_vertices
        matrix = body.superset_matrix(keypoint_set)
        columns = np.unique(matrix.indices)
        columns = columns[columns < body.num_vertices]
        like = body.v_template
        for name, value in dict(
            weights=torch.tensor(matrix[:, columns].toarray()).to(like),  # (K, n)
            joint_weights=torch.tensor(matrix[:, body.num_vertices :].toarray()).to(like),  # (K, 24)
            J_regressor=body.J_regressor,
            columns=torch.tensor(columns, dtype=torch.long, device=like.device),
        ).items():
            self.register_buffer(name, value, persistent=False)

    def forward(self, vertices: Tensor, joints: Tensor | None = None) -> Tensor:
        """Joints (B, K, 3) in float32 whatever autocast says.

        Args:
            vertices: (B, V, 3).
            joints: (B, 24, 3) of the kinematic tree; regressed from the vertices where a mesh has no tree (GraphCMR).

        Raises:
            UserError: Another number of vertices.
        """
        if vertices.ndim != 3 or vertices.shape[1:] != (self.num_vertices, 3):
            raise UserError(
                f'the vertices have shape {tuple(vertices.shape)}, not (people, {self.num_vertices}, 3)',
                field='vertices',
                remedy='give the whole mesh of the body that the joints were made for',
            )
        with torch.autocast(vertices.device.type, enabled=False):
            vertices = vertices.to(self.weights)
            if joints is None:
                joints = self.J_regressor @ vertices
            return self.weights @ vertices[:, self.columns] + self.joint_weights @ joints.to(self.weights)

    def extra_repr(self) -> str:
        return f'keypoint_set={self.keypoint_set!r}'


def superset_layer(body: SMPLBody, keypoint_set: str) -> KeypointLayer:
    """(global_orient, body_pose, betas) -> (B, K, 3), posing only the points that a superset needs.

    The same as body and :class:`SuperJoints` one after the other, much cheaper, unless the set needs the whole surface
    (``prohmr44`` with ProHMR's dense regressor).
    """
    return KeypointLayer(body, body.superset_matrix(keypoint_set))
