"""Heads from image features to a body: by its mesh (GraphCMR and the FC baseline), or by its parameters alone.

The order of a training step is that of the released trainer (systems without a second network leave its part out):
mesh of the labels; graph network; upsampling; joints of the whole mesh; projection; losses of the mesh. Then the
predicted points without their gradients, beside the template, through the regressor; body; joints; projection by the
camera without its gradient; losses of the parameters. Letters: B people, N points of the subsampled mesh, V vertices.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.model import BaseModule
from mmpose.utils.typing import ConfigType, OptConfigType, SampleList
from torch import Tensor, nn

from das_mm.models.body_models.super_joints import SuperJoints
from das_mm.registry import MODELS

from .body_mesh import SparseMatrix, mesh_of_body
from .mesh_losses import MeshLosses, MeshTargets
from .person_labels import read_targets

_KEYPOINT_SET = 'gt24'


@dataclass(frozen=True)
class PredictedParameters:
    """SMPL parameters of B people and their mesh.

    Attributes:
        rotations: (B, 24, 3, 3). betas: (B, 10). vertices: (B, V, 3) m, camera frame, untranslated.
    """

    rotations: Tensor
    betas: Tensor
    vertices: Tensor


@dataclass(frozen=True)
class PredictedMesh:
    """Bodies of B people.

    Attributes:
        camera: (B, 3): s, tx, ty of the crop.
        vertices: (B, V, 3) m of the non-parametric mesh in the camera's frame; None of a network without one.
        parameters: None of a network without them.
    """

    camera: Tensor
    vertices: Tensor | None = None
    parameters: PredictedParameters | None = None

    @property
    def final_vertices(self) -> Tensor:
        """(B, V, 3): the parametric mesh where there is one."""
        found = self.vertices if self.parameters is None else self.parameters.vertices
        assert found is not None
        return found


class _BodyHead(BaseModule):
    """What heads of bodies share: the body, its joints and the losses.

    Args:
        body: Config of the body (its files and regressors).
        losses: Config of :class:`.MeshLosses`.
    """

    parameter_network: nn.Module | None

    def __init__(self, body: ConfigType, losses: OptConfigType = None):
        super().__init__()
        with torch.device('cpu'):  # its arrays are read, also where a model without memory is made
            self.body = MODELS.build(body)
            self.joints = SuperJoints(self.body, _KEYPOINT_SET)
        self.losses: MeshLosses = MODELS.build(dict(dict(type='MeshLosses'), **(losses or {})))

    @property
    def has_parameters(self) -> bool:
        """It tells parameters of the body, and not the mesh alone."""
        return self.parameter_network is not None

    @abstractmethod
    def forward(self, features: Tensor) -> PredictedMesh:
        """(B, C) image features -> bodies."""

    @abstractmethod
    def loss_by_prediction(self, predicted: PredictedMesh, targets: MeshTargets) -> dict[str, Tensor]:
        """The terms of a batch."""

    def loss(self, features: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """The terms of a batch; see :func:`.read_targets` for the labels."""
        targets = read_targets(data_samples, self.body, features.device)
        return self.loss_by_prediction(self(features), targets)

    def _posed(self, rotations: Tensor, betas: Tensor) -> PredictedParameters:
        return PredictedParameters(rotations, betas, self.body(rotations[:, 0], rotations[:, 1:], betas).vertices)


@MODELS.register_module()
class MeshRegressionHead(_BodyHead):
    """Image features to the vertices of the body, and from these to its parameters.

    Args:
        vertex_network: Config of :class:`.GraphCNN` or :class:`.FCMesh`.
        parameter_network: Config of :class:`.SMPLParamRegressor`; None for the mesh alone.
        body, losses: See :class:`_BodyHead`.
        pyramid: The authors' ``mesh_downsampling.npz``; None builds one from the body.
        level: Of the pyramid: how often the mesh is subsampled.
        freeze_vertex_network: The second step of the paper's training: only the parameter network learns. Its batch
            statistics stay too.

    Raises:
        UserError: The pyramid is another body's, or the body's surface is not closed.
    """

    def __init__(
        self,
        vertex_network: ConfigType,
        parameter_network: OptConfigType,
        body: ConfigType,
        losses: OptConfigType = None,
        pyramid: str | Path | None = None,
        level: int = 1,
        freeze_vertex_network: bool = False,
    ):
        super().__init__(body, losses)
        mesh = mesh_of_body(self.body, pyramid, level)
        self.upsampling = SparseMatrix(mesh.upsampling)
        self.vertex_network = MODELS.build(dict(vertex_network, mesh=mesh))
        self.parameter_network = None if parameter_network is None else MODELS.build(dict(parameter_network, mesh=mesh))
        self.freeze_vertex_network = freeze_vertex_network
        if freeze_vertex_network:
            self.vertex_network.requires_grad_(False)

    def train(self, mode: bool = True) -> MeshRegressionHead:
        super().train(mode)
        if self.freeze_vertex_network:
            self.vertex_network.eval()
        return self

    def forward(self, features: Tensor) -> PredictedMesh:
        """(B, C) image features -> bodies."""
        points, camera = self.vertex_network(features)
        vertices = self.upsampling(points)
        if self.parameter_network is None:
            return PredictedMesh(camera, vertices)
        parameters = self._posed(*self.parameter_network(points.detach()))
        return PredictedMesh(camera, vertices, parameters)

    def loss_by_prediction(self, predicted: PredictedMesh, targets: MeshTargets) -> dict[str, Tensor]:
        """``loss_vertices``, ``loss_keypoints_2d`` and ``loss_keypoints_3d`` of the mesh; with a parameter network the
        same of its body with ``loss_smpl_``, and ``loss_smpl_pose`` and ``loss_smpl_betas``."""
        assert predicted.vertices is not None
        losses: dict[str, Tensor] = {}
        if not self.freeze_vertex_network:
            joints = self.joints(predicted.vertices)
            losses |= self.losses.of_mesh(predicted.vertices, joints, predicted.camera, targets)
        if (found := predicted.parameters) is not None:
            joints = self.joints(found.vertices)
            losses |= self.losses.of_mesh(found.vertices, joints, predicted.camera.detach(), targets, 'smpl_')
            losses |= self.losses.of_parameters(found.rotations, found.betas, targets, 'smpl_')
        return losses


@MODELS.register_module()
class ParameterRegressionHead(_BodyHead):
    """Baseline of Table 1: image features straight to SMPL's parameters and the camera.

    Args:
        parameter_network: Config of :class:`.DirectSMPLRegressor`.
        body, losses: See :class:`_BodyHead`.
    """

    def __init__(self, parameter_network: ConfigType, body: ConfigType, losses: OptConfigType = None):
        super().__init__(body, losses)
        self.parameter_network = MODELS.build(parameter_network)

    def forward(self, features: Tensor) -> PredictedMesh:
        """(B, C) image features -> bodies."""
        rotations, betas, camera = self.parameter_network(features)
        return PredictedMesh(camera, parameters=self._posed(rotations, betas))

    def loss_by_prediction(self, predicted: PredictedMesh, targets: MeshTargets) -> dict[str, Tensor]:
        """The terms with ``loss_smpl_`` of :class:`MeshRegressionHead`; here the camera learns from them."""
        found = predicted.parameters
        assert found is not None
        joints = self.joints(found.vertices)
        losses = self.losses.of_mesh(found.vertices, joints, predicted.camera, targets, 'smpl_')
        return losses | self.losses.of_parameters(found.rotations, found.betas, targets, 'smpl_')
