"""Ways to fit the people of a data set before a training. Letters: B people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor

from das_mm.bodies.pose_mixture import load_pose_mixture
from das_mm.datasets.datasets import PersonViewDataset
from das_mm.fitting import AdamSchedule, FitResult, FittingCamera, LBFGSOptions, SMPLify, StagedSMPLify
from das_mm.models.body_models import superset_layer
from das_mm.models.losses.body_priors import MaxMixturePrior
from das_mm.registry import MODELS
from das_mm.structures.crop_cameras import CROP_PX, camera_translation
from das_mm.structures.tensor_rotations import matrix_to_axis_angle

from .crop_keypoints import plain_crops


class Fitter(Protocol):
    """Fits people of a view."""

    def __call__(self, view: PersonViewDataset, indices: list[int]) -> FitResult:
        """B records of it, in the frame of their plain crops."""
        ...


class StagedFitter:
    """SMPLify's offline recipe from the mean pose of the mixture, in crops of 224 px.

    Args:
        model: Config of a :class:`.SPIN`: its body and its mixture.
        options: Of L-BFGS.
    """

    def __init__(self, model: Mapping[str, Any], options: LBFGSOptions | None = None) -> None:
        self.smplify = StagedSMPLify(_points(model), mixture_file=_mixture_file(model), options=options)

    def __call__(self, view: PersonViewDataset, indices: list[int]) -> FitResult:
        return self.smplify.fit(plain_crops(view, indices, CROP_PX), FittingCamera.crop(CROP_PX), CROP_PX)


class AdamFitter:
    """The two stages of the loop, from the mean pose of the mixture.

    Args:
        model: Config of a :class:`.SPIN`.
        steps: Of each stage.
    """

    def __init__(self, model: Mapping[str, Any], steps: int = 100) -> None:
        mixture_file = _mixture_file(model)
        schedule = AdamSchedule(camera_steps=steps, body_steps=steps)
        self.smplify = SMPLify(_points(model), prior=MaxMixturePrior(mixture_file), schedule=schedule)
        mean_pose = torch.from_numpy(load_pose_mixture(mixture_file).mean_pose).float().flatten()
        upright = torch.tensor([math.pi, 0.0, 0.0])  # the camera's y points down
        self.start = torch.cat([upright, mean_pose])

    def __call__(self, view: PersonViewDataset, indices: list[int]) -> FitResult:
        keypoints = plain_crops(view, indices, CROP_PX)
        pose, betas = self.start.expand(len(indices), -1), torch.zeros(len(indices), 10)
        return _fit(self.smplify, pose, betas, None, keypoints, CROP_PX)


class NetworkFitter:
    """The two stages of the loop, from what a network says of the crops.

    Args:
        model: A :class:`.SPIN`; the view's pipeline packs its crops.
        steps: Of each stage.
    """

    def __init__(self, model: Any, steps: int = 100) -> None:
        self.model = model
        self.smplify = SMPLify(
            model.keypoint_layer, prior=model.smplify.prior, schedule=AdamSchedule(camera_steps=steps, body_steps=steps)
        )

    @torch.no_grad()
    def __call__(self, view: PersonViewDataset, indices: list[int]) -> FitResult:
        batch = self.model.data_preprocessor(pseudo_collate([view[index] for index in indices]), False)
        body = self.model(batch['inputs'], batch['data_samples'], mode='tensor')
        crop_px = batch['inputs'].shape[-1]
        keypoints = plain_crops(view, indices, crop_px).to(body.betas)
        pose = matrix_to_axis_angle(body.rotations).flatten(1)
        return _fit(self.smplify, pose, body.betas, camera_translation(body.camera, crop_px), keypoints, crop_px)


def _fit(
    smplify: SMPLify, pose: Tensor, betas: Tensor, translation: Tensor | None, keypoints: Tensor, crop_px: int
) -> FitResult:
    camera = FittingCamera.crop(crop_px)
    if translation is None:
        translation = smplify.place(pose, betas, keypoints, camera).translation
    return smplify.fit(pose, betas, translation, keypoints, camera)


def _points(model: Mapping[str, Any]) -> torch.nn.Module:
    return superset_layer(MODELS.build(model.get('body_model') or dict(type='SMPLBody')), 'spin49')


def _mixture_file(model: Mapping[str, Any]) -> Any:
    return ((model.get('train_cfg') or {}).get('fitting') or {}).get('mixture_file')
