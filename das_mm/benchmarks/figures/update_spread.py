"""What the recursive update does to the learned distribution of errors (journal Fig. 8, CVPR §4.5).

The papers show densities that are narrower with the update than without. A model with an update has learnt both: the
flow of its initial offsets and that of its updated ones, at one σ for each keypoint.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from das_mm.benchmarks.ablation.uncertainty import SigmaCollector
from das_mm.errors import UserError
from das_mm.models.heads import stage_losses
from das_mm.models.layers import NoUpdate
from das_mm.models.losses import residual_spread

from .checkpoint_runner import checkpoint_runner, evaluate

_AXES = ('x', 'y', 'z')


@dataclass(frozen=True)
class StageSpread:
    """Of one stage, by axis, mm: x and y at the true depth, z the depth to the root.

    Attributes:
        num: Keypoints.
        sigma: Mean of the predicted standard deviations: σ times the spread of the stage's learned density.
        error_rms: Root mean square of the errors that were made.
    """

    num: int
    sigma: list[float]
    error_rms: list[float]


def measure_update(config: str, checkpoint: str | Path, out: str | Path, num_images: int | None = None) -> dict:
    """Mean predicted standard deviation before and after the update, and the errors beside them.

    Args:
        config, checkpoint: A model with σ and an update.
        out: Folder for logs.
        num_images: Of the test set, by default the config's.

    Returns:
        ``'initial'`` and ``'updated'`` -> :class:`StageSpread` as a dict.

    Raises:
        UserError: The model has no σ or no update, or finds nobody.
    """
    dataset = {} if num_images is None else dict(num_images=num_images)
    runner = checkpoint_runner(config, checkpoint, out, dataset, [dict(type='MultiPerson3DMetric')])
    model: Any = runner.model
    loop: Any = runner.test_loop
    head = model.head
    losses = stage_losses(head) if head.uses_sigma else {}
    if set(losses) != {'initial', 'updated'}:
        raise UserError(
            'it has no σ before and after an update',
            file=checkpoint,
            field='model.head',
            remedy='give a model with a likelihood (RLELoss) and an update layer',
        )
    model.test_cfg = {**model.test_cfg, 'with_sigma': True}
    spreads = {name: _spread(loss, head.dims) for name, loss in losses.items()}
    update, found = head.update, {}
    for stage in losses:
        head.update = update if stage == 'updated' else NoUpdate(head.num_keypoints, update.in_channels, head.dims)
        collector = SigmaCollector()
        collector.dataset_meta = loop.dataloader.dataset.metainfo
        loop.evaluator.metrics.append(collector)
        evaluate(runner)
        loop.evaluator.metrics.remove(collector)
        if not len(collector.errors):
            raise UserError('nobody was found', file=checkpoint, remedy='train longer')
        # the decoder tells σ times the spread of the last stage
        sigma = collector.sigma * (spreads[stage] / spreads['updated'])
        found[stage] = asdict(
            StageSpread(len(sigma), sigma.mean(0).tolist(), np.sqrt((collector.errors**2).mean(0)).tolist())
        )
    head.update = update
    return found


def update_lines(found: dict) -> list[str]:
    """A table for people."""
    rows = [f'{"":10s} keypoints  mean σ x, y, z (mm)     RMS error x, y, z (mm)']
    for stage, one in found.items():
        sigma, error = (', '.join(f'{value:6.1f}' for value in one[name]) for name in ('sigma', 'error_rms'))
        rows.append(f'{stage:10s} {one["num"]:9d}  {sigma:22s}  {error}')
    return rows


def _spread(loss: Any, dims: int) -> np.ndarray:
    generator = torch.Generator(next(loss.parameters()).device).manual_seed(0)
    return residual_spread(loss, generator=generator, num_dims=dims).cpu().numpy().astype(np.float64)
