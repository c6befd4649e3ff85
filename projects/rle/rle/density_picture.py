"""A picture of what flows have learnt: ``das-mm project rle.density_picture OUT.png NAME=CHECKPOINT …``.

The density of z = (label - prediction) / σ in units of its own spread, since G takes up any factor common to all σ,
beside a Laplace density of that spread.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from das_mm.checkpoints.model_loader import load_model
from das_mm.errors import UserError
from das_mm.models.losses import LikelihoodLoss, error_density_grid, residual_spread
from das_mm.visualization.density import region_levels
from das_mm.visualization.figures import new_figure, save_figure

EXTENT = 4.0  # standard deviations
SHARES = (0.5, 0.9)
HELP = 'draw the densities that checkpoints have learnt'


def criterion_of(model: Any) -> LikelihoodLoss:
    """The loss of a regressor that learns a density.

    Raises:
        UserError: Its loss is ℓ1 or ℓ2.
    """
    loss = model.head.loss_module
    criterion = getattr(loss, 'criterion', None) or loss.criterion_3d
    if not isinstance(criterion, LikelihoodLoss):
        raise UserError(
            f'a {type(criterion).__name__} learns no density',
            field='model.head.loss',
            remedy='give checkpoints of losses with a σ',
        )
    return criterion


def draw_densities(losses: Mapping[str, LikelihoodLoss], path: str | Path, num_dims: int) -> Path:
    """One panel a loss: regions of 50 and 90 % of the density over the first two coordinates; a Laplace density dashed.

    Args:
        losses: By their names.
        path: Of the picture.
        num_dims: Of losses without a flow.
    """
    figure = new_figure(3.6 * len(losses), 3.8, layout='constrained')
    axes = figure.subplots(1, len(losses), squeeze=False)[0]
    for panel, (name, loss) in zip(axes, losses.items()):
        spread = residual_spread(loss, generator=torch.Generator().manual_seed(0), num_dims=num_dims)[:2]
        grid = error_density_grid(loss, EXTENT * float(spread.max()), 48, (0, 1), num_dims)
        x, y = (axis.cpu().numpy() / float(one) for axis, one in zip(grid.axes, spread))
        density = grid.density.cpu().numpy()
        laplace = np.exp(-np.sqrt(2) * (np.abs(x)[:, None] + np.abs(y)[None]))
        panel.contourf(x, y, density.T, levels=[*sorted(region_levels(density, SHARES)), density.max() * 1.01])
        panel.contour(x, y, laplace.T, levels=sorted(region_levels(laplace, SHARES)), colors='k', linestyles='--')
        words = f'{name}\nspread {spread[0]:.2g}, {spread[1]:.2g} σ'  # two lines: panels are narrow
        limits = (-EXTENT, EXTENT)
        panel.set(title=words, xlabel='x / spread', ylabel='y / spread', aspect='equal', xlim=limits, ylim=limits)
    return save_figure(path, figure)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('out', type=Path, metavar='OUT.png', help='the picture')
    parser.add_argument(
        'checkpoints', nargs='+', metavar='NAME=CHECKPOINT', help='a title and the weights, for a panel'
    )


def run(args: argparse.Namespace) -> int:
    """Draw.

    Raises:
        UserError: An argument without a title, or weights whose loss learns no density.
    """
    losses, dims = {}, 2
    for one in args.checkpoints:
        name, mark, checkpoint = one.partition('=')
        if not mark:
            raise UserError(f'{one!r} has no title', field='NAME=CHECKPOINT', remedy=f'write RLE={one}')
        model: Any = load_model(checkpoint)
        losses[name], dims = criterion_of(model), model.head.dims
    draw_densities(losses, args.out, dims)
    return 0
