"""The images on which a model and its exported graph are compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import torch
from mmengine.config import Config
from torch import Tensor

from das_mm.config_files import config_path
from das_mm.errors import UserError
from das_mm.inference.batching import batches
from das_mm.inference.inputs import open_sources
from das_mm.inference.intrinsics import CameraFinder
from das_mm.inference.torch_predictor import TorchPredictor
from das_mm.models.pose_estimators import DAS
from das_mm.registry import DATASETS

SYNTHETIC = 'synthetic'
_SYNTHETIC_CONFIG = 'das_tiny_1xb8-12e_synthetic-448x256'


def network_images(model: DAS, images: str | Path, number: int, size: tuple[int, int] | None) -> Iterator[Tensor]:
    """(3, H, W) uint8 images as the config's pipeline gives them; (6, H, W) where the network sees the previous one.

    Args:
        model: The model, whose config has the pipeline.
        images: A folder of images, or 'synthetic': generated scenes.
        number: At most so many images.
        size: Width and height in place of those of the pipeline.

    Raises:
        UserError: There are no images.
    """
    paths = _synthetic_files(number) if str(images) == SYNTHETIC else images
    errors: list[UserError] = []
    frames = (frame for source in open_sources(paths) for frame in source.frames(errors.append))
    previous: Tensor | None = None
    given = 0
    prepared: Any  # never None: every frame is to be computed
    for prepared, _ in batches(frames, TorchPredictor(model), CameraFinder(), 1, errors.append):
        image = prepared[0]['inputs']
        if size is not None:
            image = torch.from_numpy(cv2.resize(image.permute(1, 2, 0).numpy(), size)).permute(2, 0, 1)
        if not model.sees_previous_frame:
            yield image
        else:
            before = image if previous is None or previous.shape != image.shape else previous
            yield torch.cat([image, before])
        previous, given = image, given + 1
        if given == number:
            return
    if not given:
        raise (
            errors[0]
            if errors
            else UserError(
                'there is no image', file=str(images), field='images', remedy='name a folder of images, or synthetic'
            )
        )


def _synthetic_files(number: int) -> list[str]:
    """Unseen scenes of the package's small model; they are made where they are not there."""
    dataset = Config.fromfile(config_path(_SYNTHETIC_CONFIG)).val_dataloader.dataset
    scenes = DATASETS.build({**dataset, 'pipeline': []})
    return [scenes.get_data_info(index)['img_path'] for index in range(min(number, len(scenes)))]
