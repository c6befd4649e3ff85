"""Surfaces that follow shape and pose, by the skinning of the ``smplx`` package (das_mm/bodies/LICENCES.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from das_mm.bodies.skeleton import PARENTS
from das_mm.errors import UserError

from .protocol import BodyOutput

if TYPE_CHECKING:
    from .smpl_body import SMPLBody

_NUM_JOINTS = len(PARENTS)


class Skin(nn.Module):
    """Points of a body's surface that follow shape and pose; with all vertices it is the body itself.

    Buffers are not in state dicts: a checkpoint must hold nothing of a licensed body.
    """

    v_template: Tensor
    shapedirs: Tensor
    posedirs: Tensor
    weights: Tensor
    J_regressor: Tensor

    def __init__(
        self, v_template: Tensor, shapedirs: Tensor, posedirs: Tensor, weights: Tensor, J_regressor: Tensor
    ) -> None:
        super().__init__()
        tensors = dict(
            v_template=v_template,
            shapedirs=shapedirs,
            weights=weights,
            J_regressor=J_regressor,
            posedirs=posedirs.flatten(0, 1).T.contiguous(),
        )  # (207, 3V), as smplx wants it
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor, persistent=False)
        self._parents = torch.tensor(PARENTS)  # no buffer: smplx reads each one on the CPU, 23 waits for a GPU
        _linear_blend_skinning()  # absent: say so now, not after an epoch

    @property
    def num_betas(self) -> int:
        return self.shapedirs.shape[-1]

    def forward(self, global_orient: Tensor, body_pose: Tensor, betas: Tensor) -> BodyOutput:
        count = len(betas)
        if betas.ndim != 2 or betas.shape[1] != self.num_betas:
            raise UserError(
                f'betas have shape {tuple(betas.shape)}, not (people, {self.num_betas})',
                field='betas',
                remedy='give as many betas as the body was made with (num_betas)',
            )
        if global_orient.shape != (count, 3, 3) or body_pose.shape != (count, _NUM_JOINTS - 1, 3, 3):
            raise ValueError(
                f'{count} bodies need rotations of shape {(count, 3, 3)} and '
                f'{(count, _NUM_JOINTS - 1, 3, 3)}, not {tuple(global_orient.shape)} and '
                f'{tuple(body_pose.shape)}'
            )
        with torch.autocast(betas.device.type, enabled=False):
            rotations = torch.cat([global_orient[:, None], body_pose], dim=1).to(self.v_template)
            betas = betas.to(self.v_template)
            if not count:  # smplx cannot; the sum keeps the inputs in the graph
                nothing = rotations.sum() + betas.sum()
                return BodyOutput(*(nothing.expand(0, size, 3) for size in (len(self.v_template), _NUM_JOINTS)))
            return BodyOutput(
                *_linear_blend_skinning()(
                    betas,
                    rotations,
                    self.v_template,
                    self.shapedirs,
                    self.posedirs,
                    self.J_regressor,
                    self._parents,
                    self.weights,
                    pose2rot=False,
                )
            )


class KeypointLayer(nn.Module):
    """The body cut down to the vertices of a few keypoints; its joints are kept as points of their own."""

    matrix: Tensor

    def __init__(self, body: SMPLBody, matrix: sparse.csr_matrix) -> None:
        super().__init__()
        columns = np.unique(matrix.indices)
        vertices = columns[columns < body.num_vertices]
        chosen = torch.tensor(vertices, dtype=torch.long, device=body.v_template.device)
        posedirs = body.posedirs.T.unflatten(0, (-1, 3))  # (V, 3, 207)
        eye = torch.eye(_NUM_JOINTS).to(body.v_template)
        self.skin = Skin(
            torch.cat([body.v_template[chosen], body.joints_template]),
            torch.cat([body.shapedirs[chosen], body.joints_dirs]),
            torch.cat([posedirs[chosen], posedirs.new_zeros(_NUM_JOINTS, *posedirs.shape[1:])]),
            torch.cat([body.weights[chosen], eye]),
            # each joint regressed from a point of its own, so that it needs no other vertex
            torch.cat([eye.new_zeros(_NUM_JOINTS, len(chosen)), eye], dim=1),
        )
        needed = np.append(vertices, body.num_vertices + np.arange(_NUM_JOINTS))
        self.register_buffer('matrix', torch.tensor(matrix[:, needed].toarray()).to(body.v_template), persistent=False)

    def forward(self, global_orient: Tensor, body_pose: Tensor, betas: Tensor) -> Tensor:
        """Arguments as of :meth:`SMPLBody.forward`; keypoints (N, K, 3) m."""
        points, joints = self.skin(global_orient, body_pose, betas)
        with torch.autocast(points.device.type, enabled=False):
            return self.matrix @ torch.cat([points[:, :-_NUM_JOINTS], joints], dim=1)


def _linear_blend_skinning() -> Callable[..., Any]:
    try:
        from smplx.lbs import lbs
    except ImportError as error:
        raise UserError(
            'mesh recovery needs the package smplx, which is not installed',
            remedy='pip install "das_mm[mesh]" (licensed for non-commercial research)',
        ) from error
    return lbs
