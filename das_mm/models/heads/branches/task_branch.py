"""The plug where a further task enters DAS (journal paper §3.4): mesh recovery, tracking, or a user's own.

A task is a module with its channels, its loss and its decoding. It is handed to the head as one more entry of
``branches`` in the config; no line of the estimator or of the head changes.

Letters: B images, N persons of the batch, P points, n people found in one image.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from mmengine.model import BaseModule
from mmpose.utils.typing import ConfigType
from torch import Tensor

from das_mm.models.layers import PointIndex
from das_mm.models.task_modules import PersonLabels
from das_mm.registry import MODELS
from das_mm.structures.task_fields import TaskDescription, fields_in_image

from ..scene_people import ScenePeople
from ..towers import OutputBranch, Tower, init_normal


class BaseTaskBranch(BaseModule):
    """A tower of its own and one map of ``out_channels``.

    Args:
        out_channels: Numbers regressed at a point.
        in_channels: Channels of the pyramid.
        feat_channels: Channels of the tower.
        stacked_convs: Convolutions of the tower.
        norm_cfg: Normalisation of the tower.
        last_conv_cfg: Convolution of the tower's last layer.
    """

    def __init__(
        self,
        out_channels: int,
        in_channels: int = 256,
        feat_channels: int = 256,
        stacked_convs: int = 2,
        norm_cfg: ConfigType | None = None,
        last_conv_cfg: ConfigType | None = None,
        init_cfg: ConfigType | None = None,
    ):
        super().__init__(init_cfg)
        norm_cfg = norm_cfg or dict(type='GN', num_groups=32)
        self.out_channels = out_channels
        self.tower = Tower(in_channels, feat_channels, stacked_convs, norm_cfg, last_conv_cfg)
        self.branch = OutputBranch(feat_channels, out_channels, norm_cfg)

    def init_weights(self) -> None:
        super().init_weights()
        init_normal(self)

    def forward(self, feat: Tensor) -> Tensor:
        """The dense map (B, out_channels, h, w) of one level."""
        return self.branch(self.tower(feat))

    def forward_points(self, feat: Tensor, points: PointIndex) -> Tensor:
        """(P, out_channels) at the points of one level."""
        return self.branch.at_points(self.tower(feat), points)

    def describe(self) -> TaskDescription:
        """The task's name and the fields it tells of people; by default those of nobody, under the name of its class.

        What is described goes into results, tracks and exported graphs, and is carried to the original image and
        smoothed as its description says.
        """
        return TaskDescription(type(self).__name__)

    @property
    def is_declared(self) -> bool:
        """The description says all that is done behind :meth:`decode`: no code of a subclass's own has to run."""
        return type(self).to_camera is BaseTaskBranch.to_camera

    @abstractmethod
    def loss(
        self, raw: Tensor, labels: PersonLabels, person: Tensor, points_px: Tensor, strides: Tensor, num_pos: Tensor
    ) -> dict[str, Tensor]:
        """Loss terms (names start with ``loss_``) over all positive points of the batch.

        Args:
            raw: (P, out_channels); P may be 0, then every term is a zero.
            labels: Labels of all persons, with every field that the data pipeline packed.
            person: (P,) rows of ``labels``.
            points_px: (P, 2) in the network input.
            strides: (P,).
            num_pos: Positive points averaged over the processes, at least 1.
        """

    @property
    def judges_scenes(self) -> bool:
        """Whether :meth:`scene_loss` has anything to say; the head gathers the people only then."""
        return False

    def scene_loss(self, raw: Tensor, scene: ScenePeople) -> dict[str, Tensor]:
        """Loss terms (names start with ``loss_``) on the people of each image together; by default none.

        Args:
            raw: (n, out_channels) at one point a person, the one that a detection would take; n may be 0.
            scene: The same n people, with their roots, cameras and masks.
        """
        return {}

    @abstractmethod
    def decode(self, raw: Tensor, points_px: Tensor, strides: Tensor) -> dict[str, Tensor]:
        """Fields (n, ...) of ``pred_instances`` in the frame of the network input."""

    def to_camera(
        self, fields: dict[str, np.ndarray], instances, camera: dict, warp_mat: np.ndarray
    ) -> dict[str, np.ndarray]:
        """The branch's fields once the people stand in camera space; by default what :meth:`describe` says of them.

        Args:
            fields: What :meth:`decode` gave, as numpy arrays.
            instances: ``pred_instances`` of the image, pose included (original image px, camera mm).
            camera: ``dict(K, dist, source)`` of the original image.
            warp_mat: (2, 3) original image px to network input px.
        """
        return fields_in_image(fields, self.describe().fields, warp_mat)


def build_branches(branches: dict[str, ConfigType]) -> dict[str, BaseTaskBranch]:
    """Branches by name, built from their configs."""
    return {name: MODELS.build(config) for name, config in branches.items()}
