"""What the mesh branch asks of a body model, so that another body than SMPL can take its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from scipy import sparse
from torch import Tensor, nn


class BodyOutput(NamedTuple):
    """N posed bodies in METRES, untranslated: the rest pelvis stays where the template has it.

    Attributes:
        vertices: (N, V, 3).
        joints: (N, 24, 3), the kinematic joints.
    """

    vertices: Tensor
    joints: Tensor


@runtime_checkable
class BodyModelProtocol(Protocol):
    """A body posed by 24 rotations and a few betas; see :class:`~.smpl_body.SMPLBody` for shapes and units.

    ``source``, ``sha256`` and ``version`` tell which body it is, for checkpoints and results.
    """

    name: str  # in results
    faces: Tensor  # (F, 3) int64
    num_vertices: int
    num_betas: int
    source: str
    sha256: str
    version: str

    def __call__(self, global_orient: Tensor, body_pose: Tensor, betas: Tensor) -> BodyOutput:
        """Rotations (N, 3, 3), (N, 23, 3, 3) and betas (N, num_betas) to vertices and joints."""
        ...

    def rest_joints(self, betas: Tensor) -> Tensor:
        """(N, 24, 3) of the shaped body in rest pose."""
        ...

    def keypoints(self, names: Sequence[str], vertices: Tensor, joints: Tensor) -> Tensor:
        """(N, K, 3) named keypoints of posed bodies."""
        ...

    def keypoint_layer(self, names: Sequence[str]) -> nn.Module:
        """(global_orient, body_pose, betas) -> (N, K, 3), without the rest of the surface."""
        ...

    def keypoint_matrix(self, names: Sequence[str]) -> sparse.csr_matrix:
        """(K, V + 24): the linear map behind :meth:`keypoints`, for vertices and joints one after the other."""
        ...

    def posed(self, axis_angle: np.ndarray, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rotations (N, 24, 3) rad and betas to vertices (N, V, 3) and joints (N, 24, 3), m, arrays throughout."""
        ...

    def posed_joints(self, axis_angle: np.ndarray, betas: np.ndarray) -> np.ndarray:
        """The joints alone."""
        ...

    def describe(self) -> dict[str, Any]:
        """Which body it is, json-like."""
        ...
