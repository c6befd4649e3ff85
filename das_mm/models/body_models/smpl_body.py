"""SMPL (Loper et al., "SMPL: A Skinned Multi-Person Linear Model", 2015) as a differentiable module.

The skinning is that of the ``smplx`` package, imported when a body is made: its code is licensed for research only and
comes with the extra ``mesh`` (das_mm/bodies/LICENCES.md). The arrays come from the generated body or from a file.
Letters: N bodies, V = 6890 vertices, B betas, K keypoints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from das_mm.bodies.landmarks import KEYPOINT_NAMES, keypoint_matrix
from das_mm.bodies.skeleton import PARENTS
from das_mm.bodies.skinning import forward_kinematics
from das_mm.bodies.smpl_file import SMPLArrays, generated_arrays, load_regressor, load_smpl_file
from das_mm.errors import UserError
from das_mm.registry import MODELS
from das_mm.structures import KEYPOINT_SETS, convert_indices, tensor_rotations
from das_mm.structures.rotations import axis_angle_to_matrix

from .protocol import BodyOutput

_NUM_JOINTS = len(PARENTS)

#: rows of the regressor files that SPIN distributes; of Human3.6M's, the sides are read off the rest pose, since files
#: with the left leg first and with the right leg first are about
_REGRESSOR_ROWS = {
    'h36m': KEYPOINT_SETS['h36m17_left'].keypoints,
    'extra': ('right_hip', 'left_hip', 'neck', 'head_top', 'pelvis', 'thorax', 'spine', 'jaw', 'head'),
}


class _Skin(nn.Module):
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


@MODELS.register_module()
class SMPLBody(_Skin):
    """A body model; it has no parameters to learn, and nothing of it goes into checkpoints.

    Args:
        model_path: A licensed SMPL file (``.pkl`` as downloaded, or ``.npz``) or a folder of them; the generated body
            when not given.
        gender: 'neutral', 'male' or 'female': which file of a folder, or which generated body. A file is taken as it
            is.
        num_betas: How many shape directions are used, the first ones.
        regressors: Files that regress joints from vertices: ``{'h36m': 'J_regressor_h36m.npy'}`` (17 joints of
            Human3.6M) and ``'extra'`` (``J_regressor_extra.npy``, 9 joints). Their keypoints have names such as
            ``h36m/left_hip`` and ``extra/head_top``.

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
        self._regressors = _read_regressors(regressors or {}, arrays)

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
        return _KeypointLayer(self, self.keypoint_matrix(names))

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


class _KeypointLayer(nn.Module):
    """The body cut down to the vertices of a few keypoints; its joints are kept as points of their own."""

    matrix: Tensor

    def __init__(self, body: SMPLBody, matrix: sparse.csr_matrix) -> None:
        super().__init__()
        columns = np.unique(matrix.indices)
        chosen = torch.tensor(columns[columns < body.num_vertices], dtype=torch.long, device=body.v_template.device)
        posedirs = body.posedirs.T.unflatten(0, (-1, 3))  # (V, 3, 207)
        eye = torch.eye(_NUM_JOINTS).to(body.v_template)
        self.skin = _Skin(
            torch.cat([body.v_template[chosen], body.joints_template]),
            torch.cat([body.shapedirs[chosen], body.joints_dirs]),
            torch.cat([posedirs[chosen], posedirs.new_zeros(_NUM_JOINTS, *posedirs.shape[1:])]),
            torch.cat([body.weights[chosen], eye]),
            # each joint regressed from a point of its own, so that it needs no other vertex
            torch.cat([eye.new_zeros(_NUM_JOINTS, len(chosen)), eye], dim=1),
        )
        needed = np.append(chosen.cpu().numpy(), body.num_vertices + np.arange(_NUM_JOINTS))
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


def _read_regressors(files: Mapping[str, str | Path], arrays: SMPLArrays) -> dict[str, sparse.csr_matrix]:
    """'h36m/left_hip' -> (1, V + 24)."""
    unknown = set(files) - set(_REGRESSOR_ROWS)
    if unknown:
        raise UserError(
            f'unknown regressor {", ".join(sorted(unknown))}',
            field='regressors',
            remedy=f'known are {", ".join(_REGRESSOR_ROWS)}',
        )
    found = {}
    for kind, path in files.items():
        rows = _REGRESSOR_ROWS[kind]
        matrix = load_regressor(path, len(rows))
        for name, row, place in zip(rows, matrix, matrix @ arrays.v_template):
            side, _, part = name.partition('_')
            if kind == 'h36m' and side in ('left', 'right'):
                name = f'{"left" if place[0] > 0 else "right"}_{part}'  # x is the person's left
            found[f'{kind}/{name}'] = sparse.csr_matrix(np.append(row, np.zeros(_NUM_JOINTS))[None])
        if sum(name.startswith(f'{kind}/') for name in found) != len(rows):
            raise UserError(
                'its rows are not on both sides of the body',
                file=path,
                field=f'regressors.{kind}',
                remedy="give the regressor that belongs to SMPL's vertices",
            )
    return found
