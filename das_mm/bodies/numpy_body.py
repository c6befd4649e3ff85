"""A body that is posed in numpy, for inference without torch; :class:`das_mm.models.SMPLBody` has the same methods."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from das_mm.errors import UserError
from das_mm.structures.rotations import axis_angle_to_matrix

from .body_model import BodyModel
from .landmarks import keypoint_matrix
from .skeleton import PARENTS
from .skinning import forward_kinematics, linear_blend_skinning
from .smpl_file import SMPLArrays, generated_arrays, load_smpl_file


class PosableBody(Protocol):
    """What inference asks of a body, in numpy or torch.

    Attributes:
        name: What results call it: 'generated', or the sha256 of its file.
        faces: (F, 3) vertex indices; an array or a tensor.
        num_vertices: V.
    """

    name: str
    faces: Any
    num_vertices: int

    def posed(self, axis_angle: np.ndarray, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rotations (n, 24, 3) rad and shapes (n, B) to vertices (n, V, 3) and joints (n, 24, 3), m, untranslated."""
        ...

    def posed_joints(self, axis_angle: np.ndarray, betas: np.ndarray) -> np.ndarray:
        """The joints alone, at a hundredth of the cost."""
        ...

    def keypoint_matrix(self, names: Sequence[str]) -> sparse.csr_matrix:
        """(K, V + 24): keypoints out of vertices and joints one after the other."""
        ...


class NumpyBody:
    """A body in SMPL's format.

    Args:
        arrays: Of the generated body or of a file.
        num_betas: How many shape directions are used, the first ones.
    """

    def __init__(self, arrays: SMPLArrays, num_betas: int = 10):
        self.name = 'generated' if arrays.source == 'generated' else arrays.sha256
        self.faces, self.num_vertices = arrays.faces, len(arrays.v_template)
        parents = np.array(PARENTS, np.int64)
        small = {name: getattr(arrays, name).astype(np.float32) for name in ('v_template', 'posedirs', 'weights')}
        self._model = BodyModel(
            faces=arrays.faces,
            shapedirs=arrays.shapedirs[..., :num_betas].astype(np.float32),
            J_regressor=arrays.J_regressor,
            kintree_table=np.stack([parents, np.arange(len(parents))]),
            parents=parents,
            part_labels=np.zeros(self.num_vertices, np.uint8),  # of no use in posing
            uv=np.zeros((self.num_vertices, 2), np.float32),
            **small,
        )

    def posed(self, axis_angle: np.ndarray, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`PosableBody`."""
        return linear_blend_skinning(self._model, axis_angle[:, 0], axis_angle[:, 1:], betas, np.zeros((len(betas), 3)))

    def posed_joints(self, axis_angle: np.ndarray, betas: np.ndarray) -> np.ndarray:
        """See :class:`PosableBody`."""
        rest = self._model.joints_template + np.einsum('jcb,nb->njc', self._model.joints_dirs, betas)
        return forward_kinematics(axis_angle_to_matrix(axis_angle), rest, self._model.parents)[0]

    def keypoint_matrix(self, names: Sequence[str]) -> sparse.csr_matrix:
        """See :class:`PosableBody`.

        Raises:
            KeyError: A name that is no keypoint of the body.
        """
        return keypoint_matrix(tuple(names), self.num_vertices)


def load_described_body(described: Mapping[str, Any]) -> NumpyBody:
    """The body that a :class:`~das_mm.structures.task_fields.TaskDescription` names.

    Args:
        described: ``model_path`` (None: the generated body), ``gender``, ``num_betas`` and ``sha256`` of its file.

    Raises:
        UserError: The licensed file is missing, or is another one than the model was trained with.
    """
    return _load(described['model_path'], described['gender'], described['num_betas'], described['sha256'])


@functools.lru_cache(maxsize=2)
def _load(model_path: str | None, gender: str, num_betas: int, sha256: str) -> NumpyBody:
    arrays = generated_arrays(gender) if model_path is None else load_smpl_file(model_path, gender)
    if model_path is not None and arrays.sha256 != sha256:
        raise UserError(
            f'it is the body {arrays.sha256}, and the model was trained with {sha256}',
            file=model_path,
            field='body',
            remedy='put the body file that the model was trained with there',
        )
    return NumpyBody(arrays, num_betas)


def body_roots_mm(body: PosableBody, root: Sequence[str], axis_angle: np.ndarray, betas: np.ndarray) -> np.ndarray:
    """(n, 3) where the roots of posed bodies lie before they are moved, mm, float64.

    Args:
        body: The body.
        root: Keypoints of it whose mean is the root.
        axis_angle: (n, 24, 3) rad. betas: (n, B).
    """
    row = np.asarray(body.keypoint_matrix(root).mean(axis=0))[0]  # (V + 24,)
    axis_angle, betas = np.asarray(axis_angle, np.float64), np.asarray(betas, np.float64)
    of_joints = row[body.num_vertices :]
    if not row[: body.num_vertices].any():  # hips, of every set so far
        return 1000 * np.einsum('j,njc->nc', of_joints, body.posed_joints(axis_angle, betas))
    vertices, joints = body.posed(axis_angle, betas)
    return 1000 * np.einsum('v,nvc->nc', row, np.concatenate([vertices, joints], axis=1, dtype=np.float64))
