"""A body that is posed in numpy, for inference without torch; :class:`das_mm.models.SMPLBody` has the same methods."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from das_mm.errors import UserError
from das_mm.structures.rotations import axis_angle_to_matrix

from .body_model import BodyModel
from .landmarks import keypoint_matrix
from .skeleton import PARENTS
from .skinning import forward_kinematics, linear_blend_skinning
from .smpl_file import SMPLArrays, generated_arrays, load_smpl_file


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
        self.model = BodyModel(
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
        return linear_blend_skinning(self.model, axis_angle[:, 0], axis_angle[:, 1:], betas, np.zeros((len(betas), 3)))

    def posed_joints(self, axis_angle: np.ndarray, betas: np.ndarray) -> np.ndarray:
        """See :class:`PosableBody`."""
        rest = self.model.joints_template + np.einsum('jcb,nb->njc', self.model.joints_dirs, betas)
        return forward_kinematics(axis_angle_to_matrix(axis_angle), rest, self.model.parents)[0]

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
