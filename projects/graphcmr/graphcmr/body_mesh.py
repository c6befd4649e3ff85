"""The mesh that a network predicts: a level of a body's pyramid as arrays, and products with its sparse matrices."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from das_mm.errors import UserError
from das_mm.models.body_models.protocol import BodyModelProtocol

from .mesh_pyramid import NUM_LEVELS, MeshPyramid, normalised_adjacency, normalised_template
from .pyramid_files import load_pyramid, pyramid_of_body

# torch says so of every CSR matrix; the indices below are made by scipy
warnings.filterwarnings('ignore', message='Sparse (CSR tensor support|invariant checks)')


@dataclass(frozen=True, eq=False)
class BodyMesh:
    """The subsampled mesh of a body; N vertices, V of the body.

    Attributes:
        template: (N, 3), normalised (:func:`.normalised_template`).
        adjacency: (N, N), the row-normalised Ã with self-loops.
        upsampling: (V, N), U.
    """

    template: np.ndarray
    adjacency: sparse.csr_matrix
    upsampling: sparse.csr_matrix

    @property
    def num_points(self) -> int:
        return len(self.template)


def mesh_of_body(body: BodyModelProtocol, pyramid: str | Path | None = None, level: int = 1) -> BodyMesh:
    """A level of the pyramid of a body.

    Args:
        body: A module with ``v_template`` and ``faces``.
        pyramid: The authors' ``mesh_downsampling.npz``; None builds one from the body (and keeps it in the cache).
        level: How often the mesh is subsampled: 1 as in the paper, 0 for none.

    Raises:
        UserError: The file is of another body or has no such level, or the body's surface is not closed.
    """
    vertices = np.array(body.v_template.tolist(), np.float64)
    faces = np.array(body.faces.tolist(), np.int64)
    if pyramid is None:
        levels = pyramid_of_body(vertices, faces, max(level + 1, NUM_LEVELS))
    else:
        levels = load_pyramid(pyramid)
        levels.check_body(faces, len(vertices), pyramid)
    if not 0 <= level < len(levels.sizes):
        raise UserError(
            f'there is no level {level}; it has {len(levels.sizes)}',
            file=pyramid,
            field='level',
            remedy=f'use 0 to {len(levels.sizes) - 1}',
        )
    return level_mesh(levels, vertices, level)


def level_mesh(pyramid: MeshPyramid, vertices: np.ndarray, level: int) -> BodyMesh:
    """A level of a pyramid with the template (V, 3) m of its body.

    The template is normalised before it is subsampled, as the released code does.
    """
    template = normalised_template(vertices)
    upsampling = sparse.identity(len(template), format='csr')
    for down, up in zip(pyramid.down[:level], pyramid.up[:level]):
        template, upsampling = down @ template, sparse.csr_matrix(upsampling @ up)
    return BodyMesh(template, normalised_adjacency(pyramid.adjacency[level]), upsampling)


class SparseMatrix(nn.Module):
    """A constant sparse matrix that batches of tensors are multiplied by.

    It is kept as plain buffers outside the state dict: a checkpoint holds nothing that derives from a licensed body,
    and every device and data-parallel wrapper can move them.

    Args:
        matrix: (M, N).
    """

    row_starts: Tensor
    columns: Tensor
    values: Tensor

    def __init__(self, matrix: sparse.spmatrix):
        super().__init__()
        rows = sparse.csr_matrix(matrix)
        rows.sort_indices()
        self.shape = rows.shape
        for name, array, kind in (
            ('row_starts', rows.indptr, torch.int64),
            ('columns', rows.indices, torch.int64),
            ('values', rows.data, torch.float32),
        ):
            self.register_buffer(name, torch.tensor(array, dtype=kind), persistent=False)

    def forward(self, points: Tensor) -> Tensor:
        """(B, N, C) -> (B, M, C): one product with an (N, B·C) matrix, in float32 or better whatever autocast says."""
        batch, count, channels = points.shape
        with torch.autocast(points.device.type, enabled=False):
            points = points.to(torch.promote_types(points.dtype, torch.float32))
            matrix = torch.sparse_csr_tensor(
                self.row_starts, self.columns, self.values.to(points.dtype), self.shape, check_invariants=False
            )
            columns = points.transpose(0, 1).reshape(count, batch * channels)
            return torch.sparse.mm(matrix, columns).reshape(-1, batch, channels).transpose(0, 1)

    def extra_repr(self) -> str:
        return f'{self.shape[0]} x {self.shape[1]}, {len(self.values)} entries'
