"""The graph network (thesis Figure 14): template points with image features attached become the posed mesh.

Letters: B images, N vertices of the subsampled mesh, C image features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from das_mm.registry import MODELS

from .body_mesh import BodyMesh, SparseMatrix
from .graph_layers import GraphConvolution, GraphLinear, GraphResBlock, group_norm

_COORDINATES = 3
_SHAPE_CHANNELS = (64, 32)
_INITIALIZATIONS = ('released', 'balanced')
_FIRST_MESH = 0.1  # of the last map's gain, so that the first mesh is within the body


@MODELS.register_module()
class GraphCNN(nn.Module):
    """Image features to vertices and camera by graph convolutions; sub-modules are named as released.

    Args:
        mesh: The mesh (given by the head).
        feature_channels: C.
        num_channels: Of the body of the network (256); its stem has twice as many.
        num_layers: Residual blocks after the first one (5).
        initialization: 'released', or 'balanced': before the first normalisation a vertex is then told from its
            neighbours as clearly as an image from others. In the released code both weights of that layer are drawn
            alike, so that three coordinates stand beside 2048 features and make up some hundredths of the signal, and
            linear maps begin so small that the first steps of Adam give all channels the same weights. A training of
            100,000 steps grows out of that, one of some hundreds stays at one body for everybody.

    Raises:
        ValueError: No such initialization, or ``num_channels`` does not divide into groups of 8.
    """

    template: Tensor

    def __init__(
        self,
        mesh: BodyMesh,
        feature_channels: int = 2048,
        num_channels: int = 256,
        num_layers: int = 5,
        initialization: str = 'released',
    ):
        super().__init__()
        if initialization not in _INITIALIZATIONS:
            raise ValueError(f'initialization must be one of {_INITIALIZATIONS}, not {initialization!r}')
        adjacency = SparseMatrix(mesh.adjacency)
        self.register_buffer('template', torch.tensor(mesh.template.T, dtype=torch.float32), persistent=False)  # (3, N)
        block = lambda inner, outer: GraphResBlock(inner, outer, adjacency)
        wide, narrow = _SHAPE_CHANNELS
        self.shape = nn.Sequential(
            block(num_channels, wide),
            block(wide, narrow),
            group_norm(narrow),
            nn.ReLU(),
            GraphLinear(narrow, _COORDINATES),
        )
        self.gc = nn.Sequential(
            GraphLinear(_COORDINATES + feature_channels, 2 * num_channels),
            block(2 * num_channels, num_channels),
            *(block(num_channels, num_channels) for _ in range(num_layers)),
        )
        self.camera_fc = nn.Sequential(
            group_norm(num_channels), nn.ReLU(), GraphLinear(num_channels, 1), nn.ReLU(), nn.Linear(mesh.num_points, 3)
        )
        if initialization == 'balanced':
            self._balance()

    @torch.no_grad()
    def _balance(self) -> None:
        """Every map keeps the variance of what it is given; the template's columns are as loud as the features'."""
        for module in self.modules():
            if isinstance(module, (GraphLinear, GraphConvolution)):
                module.keep_variance()
        stem, last = self.gc[0], self.shape[-1]
        assert isinstance(stem, GraphLinear) and isinstance(last, GraphLinear)
        feature_channels = stem.W.shape[1] - _COORDINATES
        stem.W[:, :_COORDINATES] *= (feature_channels / _COORDINATES) ** 0.5 / self.template.square().mean().sqrt()
        last.W *= _FIRST_MESH

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C) image features -> points (B, N, 3) m in the camera's frame and camera (B, 3): s, tx, ty.

        The camera is read from all vertices of the graph, not from the image features.
        """
        embedding = self.gc[1:](self._stem(features))
        camera = self.camera_fc(embedding).squeeze(1)
        return self.shape(embedding).transpose(1, 2), camera

    def _stem(self, features: Tensor) -> Tensor:
        """The first layer on (template ‖ image features): the features are the same at each vertex and are multiplied
        once, at a thousandth of the cost."""
        stem = self.gc[0]
        at_vertices = stem.W[:, :_COORDINATES] @ self.template  # (2·channels, N)
        of_image = features @ stem.W[:, _COORDINATES:].T + stem.b  # (B, 2·channels)
        return at_vertices + of_image[:, :, None]
