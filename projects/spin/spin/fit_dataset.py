"""Fits bodies to all people of a config's data sets before a training: ``das-mm project spin.fit_dataset``.

Every person begins at the mean pose, or at what a network says of its crop (``--weights``). What has been fitted is
kept after each batch, and a run that is started again goes on from there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from das_mm.checkpoints.model_loader import load_model
from das_mm.config_files import config_path
from das_mm.datasets.datasets import PersonViewDataset
from das_mm.engine.config_reader import read_config
from das_mm.errors import UserError
from das_mm.registry import DATASETS

from .crop_keypoints import rows_of
from .offline_fitters import AdamFitter, Fitter, NetworkFitter, StagedFitter
from .sample_sets import person_views, sample_set
from .static_fits import StaticFits, read_fits, write_fits

HELP = 'fit bodies to the people of a data set'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='a config of SPIN; the people of its data sets are fitted')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='gets NAME.npz of each data set')
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='train', help='whose people')
    parser.add_argument(
        '--method',
        choices=('staged', 'adam'),
        default='staged',
        help="staged: SMPLify's offline recipe by L-BFGS, person by person; adam: the loop's two stages, by batches",
    )
    parser.add_argument('--steps', type=int, default=100, help='of each stage of --method adam')
    parser.add_argument('--weights', type=Path, help='of SPIN: with adam, start from what it says of the crops')
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--limit', type=int, help='stop after so many people of each data set')


def run(args: argparse.Namespace) -> int:
    """Fit whom nobody has fitted yet.

    Raises:
        UserError: The config has no such people, or the files in ``--out`` are of others.
    """
    path = config_path(args.config)
    cfg = read_config(path)
    loader = cfg.get(f'{args.split}_dataloader')
    if loader is None:
        raise UserError('the config has no such data', file=path, field=f'{args.split}_dataloader')
    fitter = _fitter(cfg, args)
    for view in person_views(DATASETS.build(loader['dataset'])):
        out = args.out / f'{view.dataset.dataset_name}.npz'
        for done, total in fit_view(view, fitter, out, args.batch_size, args.limit):
            print(f'{out}: {done} of {total} people', flush=True)
    return 0


def fit_view(
    view: PersonViewDataset, fitter: Fitter, out: Path, batch_size: int = 64, limit: int | None = None
) -> Iterator[tuple[int, int]]:
    """Fits the people of a view who are not in the file yet, and writes it after each batch.

    Args:
        view: With the keypoint set ``spin49``.
        fitter: Fits batches.
        out: ``.npz`` of :mod:`.static_fits`; gone on with where it is there.
        batch_size, limit: People at a time, and in all.

    Yields:
        How many of how many people have been tried.

    Raises:
        UserError: The file is of other people.
    """
    of = sample_set(view)
    fits = StaticFits.none_yet(of)
    if out.exists():
        fits = read_fits(out)
        fits.check_of(of, out)
    rows = rows_of(view)[:limit]
    left = np.flatnonzero(~fits.tried[rows])
    for start in range(0, len(left), batch_size):
        indices = left[start : start + batch_size]
        result = fitter(view, indices.tolist())
        found = torch.cat([result.pose, result.betas], dim=1)
        found[~result.valid] = torch.nan
        fits.fits[rows[indices]] = found.cpu().numpy()
        fits.tried[rows[indices]] = True
        write_fits(out, StaticFits(fits.fits, fits.tried, of))
        yield int(fits.tried[rows].sum()), len(rows)


def _fitter(cfg: Any, args: argparse.Namespace) -> Fitter:
    if args.method == 'staged':
        if args.weights is not None:
            raise UserError('the staged recipe has a start of its own', field='--weights', remedy='add --method adam')
        return StagedFitter(cfg.model)
    if args.weights is None:
        return AdamFitter(cfg.model, args.steps)
    return NetworkFitter(load_model(args.weights, cfg), args.steps)
