"""SMPL (Loper et al., "SMPL: A Skinned Multi-Person Linear Model", 2015) as a differentiable module.

The skinning is that of the ``smplx`` package, imported when a body is made: its code is licensed for research only and
comes with the extra ``mesh`` (das_mm/bodies/LICENCES.md). The arrays come from the generated body or from a file.
Letters: N bodies, V = 6890 vertices, B betas, K keypoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from das_mm.bodies.joint_regressors import BodySurface
from das_mm.bodies.joint_supersets import superset_matrix
from das_mm.bodies.landmarks import KEYPOINT_NAMES, keypoint_matrix
from das_mm.bodies.skeleton import PARENTS
from das_mm.bodies.skinning import forward_kinematics
from das_mm.bodies.smpl_file import generated_arrays, load_smpl_file
from das_mm.errors import UserError
from das_mm.registry import MODELS
from das_mm.structures import KEYPOINT_SETS, convert_indices, tensor_rotations
from das_mm.structures.rotations import axis_angle_to_matrix

from .joint_regressors import read_regressors
from .protocol import BodyOutput
from .skin import KeypointLayer, Skin


@MODELS.register_module()
class SMPLBody(Skin):
    """A body model; it has no parameters to learn, and nothing of it goes into checkpoints.

    Args:
        model_path: A licensed SMPL file (``.pkl`` as downloaded, or ``.npz``) or a folder of them; the generated body
            when not given.
        gender: 'neutral', 'male' or 'female': which file of a folder, or which generated body. A file is taken as it
            is.
        num_betas: How many shape directions are used, the first ones.
        regressors: Files that regress joints from vertices: ``{'h36m': 'J_regressor_h36m.npy'}`` (17 joints of
            Human3.6M), ``'extra'`` (``J_regressor_extra.npy``, 9 joints, or GraphCMR's 14) and ``'j19'``
            (``SMPL_to_J19.pkl``). Their keypoints have names such as ``h36m/left_hip`` and ``extra/head_top``.

    Attributes:
        faces: (F, 3) int64.
        num_vertices, num_betas: V and B.
        source: 'generated', or the path of the file; ``sha256`` and ``version`` say which one it is.
        gender: As given.

    Raises:
        UserError: ``smplx`` is not installed, or a file is missing or unfit.

    Example:
        >>> body = SMPLBody()
        >>> eye = torch.eye(3)
        >>> vertices, joints = body(eye[None], eye.expand(1, 23, 3, 3), torch.zeros(1, 10))
        >>> vertices.shape, joints.shape, body.source
        (torch.Size([1, 6890, 3]), torch.Size([1, 24, 3]), 'generated')
    """

    faces: Tensor
    joints_template: Tensor
    joints_dirs: Tensor

    def __init__(
        self,
        model_path: str | Path | None = None,
        gender: str = 'neutral',
        num_betas: int = 10,
        regressors: Mapping[str, str | Path] | None = None,
    ) -> None:
        arrays = generated_arrays(gender) if model_path is None else load_smpl_file(model_path, gender)
        available = arrays.shapedirs.shape[2]
        if not 0 < num_betas <= available:
            raise UserError(
                f'{num_betas} betas were asked for; the body has {available}',
                field='num_betas',
                file=model_path,
                remedy=f'use 1 to {available}',
            )
        shapedirs = arrays.shapedirs[..., :num_betas]
        super().__init__(
            *(
                torch.tensor(array, dtype=torch.float32)
                for array in (arrays.v_template, shapedirs, arrays.posedirs, arrays.weights, arrays.J_regressor)
            )
        )
        self.register_buffer('faces', torch.tensor(arrays.faces), persistent=False)
        self.source, self.sha256, self.version, self.gender = arrays.source, arrays.sha256, arrays.version, gender
        joints = (
            arrays.J_regressor @ arrays.v_template,
            np.einsum('jv,vcb->jcb', arrays.J_regressor, shapedirs, optimize=True),
        )
        for name, array in zip(('joints_template', 'joints_dirs'), joints):  # (24, 3), (24, 3, B)
            self.register_buffer(name, torch.tensor(array, dtype=torch.float32), persistent=False)
        # arrays: a model that is built without memory, for the names of its weights, has no values in its buffers
        self._surface = BodySurface(arrays.v_template, arrays.faces, arrays.source)
        self._regressors = read_regressors(regressors or {}, arrays)
        self._regressor_files = dict(regressors or {})

    @property
    def num_vertices(self) -> int:
        return len(self.v_template)

    @property
    def keypoint_names(self) -> tuple[str, ...]:
        """Every name that :meth:`keypoints` knows."""
        return KEYPOINT_NAMES + tuple(self._regressors)

    def forward(self, global_orient: Tensor, body_pose: Tensor, betas: Tensor) -> BodyOutput:
        """Shape and pose N bodies, in float32 whatever autocast says.

        Args:
            global_orient: (N, 3, 3) rotation of the root.
            body_pose: (N, 23, 3, 3) rotations of the other joints against their parents.
            betas: (N, B).

        Returns:
            vertices (N, V, 3) and joints (N, 24, 3) in METRES, untranslated (the root turns about the rest pelvis,
            which stays where it is). N may be 0. What is not finite makes that person's mesh NaN, nobody else's.

        Raises:
            UserError: Another number of betas.
            ValueError: Other shapes.
        """
        return super().forward(global_orient, body_pose, betas)

    @torch.no_grad()
    def posed(self, axis_angle: np.ndarray, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rotations (N, 24, 3) rad and shapes (N, B) to vertices (N, V, 3) and joints (N, 24, 3), m, as arrays."""
        device = self.v_template.device
        turns = tensor_rotations.axis_angle_to_matrix(
            torch.as_tensor(np.asarray(axis_angle, np.float32), device=device)
        )
        posed = self(turns[:, 0], turns[:, 1:], torch.as_tensor(np.asarray(betas, np.float32), device=device))
        return posed.vertices.cpu().numpy(), posed.joints.cpu().numpy()

    @torch.no_grad()
    def posed_joints(self, axis_angle: np.ndarray, betas: np.ndarray) -> np.ndarray:
        """The joints (N, 24, 3) alone, float64."""
        rest = self.rest_joints(torch.as_tensor(betas)).cpu().numpy().astype(np.float64)
        return forward_kinematics(axis_angle_to_matrix(axis_angle), rest, np.array(PARENTS))[0]

    @property
    def name(self) -> str:
        """What results call it: 'generated', or the sha256 of its file."""
        return 'generated' if self.source == 'generated' else self.sha256

    def describe(self) -> dict[str, Any]:
        """Which body it is, json-like: what :func:`das_mm.bodies.numpy_body.load_described_body` makes a body of."""
        path = None if self.source == 'generated' else self.source
        return dict(model_path=path, gender=self.gender, num_betas=self.num_betas, sha256=self.sha256)

    def rest_joints(self, betas: Tensor) -> Tensor:
        """Joints (N, 24, 3) m of the shaped bodies in rest pose; the first is the point the root turns about."""
        return self.joints_template + torch.einsum('jcb,nb->njc', self.joints_dirs, betas.to(self.joints_dirs))

    def keypoints(self, names: Sequence[str], vertices: Tensor, joints: Tensor) -> Tensor:
        """Named keypoints of posed bodies.

        Args:
            names: K out of :attr:`keypoint_names`: SMPL joints and landmarks of the surface (see ``landmarks``), or
                rows of the regressor files.
            vertices: (N, V, 3), any unit and frame.
            joints: (N, 24, 3), the same unit and frame.

        Returns:
            (N, K, 3).

        Raises:
            UserError: An unknown name.
        """
        matrix = self.keypoint_matrix(names)
        columns = np.unique(matrix.indices)
        chosen, of_joints = columns[columns < self.num_vertices], columns[columns >= self.num_vertices]
        points = torch.cat(
            [
                vertices[:, torch.tensor(chosen).to(vertices.device)],
                joints[:, torch.tensor(of_joints - self.num_vertices).to(joints.device)],
            ],
            dim=1,
        )
        return torch.tensor(matrix[:, columns].toarray()).to(points) @ points

    def keypoint_layer(self, names: Sequence[str]) -> nn.Module:
        """A module (global_orient, body_pose, betas) -> (N, K, 3) m that poses only the points these keypoints need.

        The same as :meth:`forward` and :meth:`keypoints`, at a hundredth of the cost. Arguments as there.
        """
        return KeypointLayer(self, self.keypoint_matrix(names))

    def keypoint_matrix(self, names: Sequence[str]) -> sparse.csr_matrix:
        """(K, V + 24): the linear map behind :meth:`keypoints`, for vertices and joints one after the other."""
        unknown = [name for name in names if name not in self.keypoint_names]
        if unknown:
            raise UserError(
                f'the body has no keypoint {", ".join(map(repr, unknown))}',
                field='keypoints',
                remedy=f'use {", ".join(self.keypoint_names)}; names with h36m/ and extra/ need their regressor file',
            )
        rows = [
            self._regressors[name] if name in self._regressors else keypoint_matrix((name,), self.num_vertices)
            for name in names
        ]
        return sparse.csr_matrix(sparse.vstack(rows)) if rows else keypoint_matrix((), self.num_vertices)

    def superset_matrix(self, keypoint_set: str) -> sparse.csr_matrix:
        """(K, V + 24): the joints of a superset; see :func:`das_mm.bodies.joint_supersets.superset_matrix`."""
        return superset_matrix(keypoint_set, self._surface, self._regressor_files)

    def evaluation_names(self, keypoint_set: str = 'lsp14') -> tuple[str, ...]:
        """Names that stand for a keypoint set when errors are measured from vertices.

        Papers take the joints of Human3.6M's regressor (for LSP's 14: its hips, neck and head top). It serves, by names
        with ``h36m/``, where its file is given and has all of the set; else the landmarks of the body stand in, by
        their plain names, and errors are not comparable with published ones.
        """
        names = KEYPOINT_SETS[keypoint_set].keypoints
        rows = convert_indices('h36m17_left', keypoint_set)
        regressed = tuple(f'h36m/{KEYPOINT_SETS["h36m17_left"].keypoints[row]}' for row in rows)
        return regressed if (rows >= 0).all() and regressed[0] in self._regressors else names

    def extra_repr(self) -> str:
        return f'source={self.source!r}, version={self.version!r}, num_betas={self.num_betas}'
