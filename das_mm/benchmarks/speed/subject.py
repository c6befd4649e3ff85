"""The model that is measured, and what it is fed."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from torch import Tensor

from das_mm.checkpoints.model_loader import build_model, input_pipeline
from das_mm.checkpoints.weight_loader import load_checkpoint_strict
from das_mm.errors import UserError
from das_mm.models.pose_estimators import DAS

_LEAST_SIDE_PX = 32


def make_subject(cfg: Config, checkpoint: str | Path | None, device: torch.device, seed: int = 0) -> DAS:
    """The model of a config in evaluation mode, with the weights of a checkpoint, else with random ones.

    Raises:
        UserError: The config has no DAS model, or the checkpoint does not fit it.
    """
    cfg = copy.deepcopy(cfg)
    if cfg.get('model') is not None:
        _forget_pretrained(cfg.model)
    torch.manual_seed(seed)
    model: Any = build_model(cfg, cfg.filename and Path(cfg.filename).stem)
    with quiet_logger():
        model.init_weights()
    if checkpoint is not None:
        load_checkpoint_strict(model, checkpoint)
    return model.to(device).eval()


def _forget_pretrained(config: dict) -> None:
    """Remove pretrained weights from a config: speed does not depend on them, and nothing is to be fetched."""
    init = config.get('init_cfg')
    if isinstance(init, dict) and init.get('type') == 'Pretrained':
        config['init_cfg'] = None
    for value in config.values():
        if isinstance(value, dict):
            _forget_pretrained(value)


@contextmanager
def quiet_logger() -> Iterator[None]:
    """Silence what mmengine logs of every parameter: how it is initialised and how it is optimised."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def network_size(cfg: Config, size: Sequence[int] | None = None) -> tuple[int, int]:
    """(width, height) of the network input: as asked for, else as the config resizes test images to; padded as it pads.

    Raises:
        UserError: The size is too small, or the config does not say one.
    """
    if size is None:
        size = next((step['input_size'] for step in input_pipeline(cfg) if 'input_size' in step), None)
        if size is None:
            raise UserError('the pipeline of the config resizes to no fixed size', field='--size', remedy='give one')
    if min(size) < _LEAST_SIDE_PX:
        raise UserError(f'{size[0]}x{size[1]} is too small', field='--size', remedy=f'{_LEAST_SIDE_PX} pixels or more')
    divisor = (cfg.model.get('data_preprocessor') or {}).get('pad_size_divisor', 1)
    width, height = (-(-side // divisor) * divisor for side in size)
    return width, height


def random_input(model: DAS, batch: int, size: tuple[int, int], seed: int = 0) -> Tensor:
    """(B, C, H, W) noise as a normalised image would be, C = 3, or 7 for a network that looks at the previous frame."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(batch, model.input_channels, size[1], size[0], generator=generator)
    return noise.to(next(model.parameters()).device)


@torch.no_grad()
def level_shapes(model: DAS, size: tuple[int, int]) -> list[tuple[int, int]]:
    """The (h, w) of the map of every level."""
    return [(feat.shape[-2], feat.shape[-1]) for feat in model.extract_feat(random_input(model, 1, size))]
