"""Tells how good fits are: ``das-mm project spin.score_fits CONFIG FILES``, files of fits or checkpoints.

All are scored on the plain crops of the config's people, so that fits of different epochs can be compared: in a
training they are judged on augmented crops, and what is logged there moves with the augmentation.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from das_mm.config_files import config_path
from das_mm.datasets.datasets import PersonViewDataset
from das_mm.engine.checkpoint_files import read_checkpoint
from das_mm.engine.config_reader import read_config
from das_mm.errors import UserError
from das_mm.evaluation.functional.errors import pa_mpjpe
from das_mm.fitting import FittingCamera, SMPLify
from das_mm.models.body_models import superset_layer
from das_mm.registry import DATASETS, MODELS
from das_mm.structures.crop_cameras import CROP_PX
from das_mm.structures.tensor_rotations import axis_angle_to_matrix

from .crop_keypoints import plain_crops
from .fits_store import NUM_POSE, FitsStore
from .sample_sets import person_views, sample_set
from .static_fits import read_fits

HELP = 'tell how good fits are'
_BATCH = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='a config of SPIN; the fits are of the people of its data sets')
    parser.add_argument('files', nargs='+', type=Path, help='.npz or .npy of fits, or checkpoints of a training')
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='train', help='whose people')
    parser.add_argument('--max-quality', type=float, default=100.0, help='energy of a fit that is no target any more')


def run(args: argparse.Namespace) -> int:
    """Prints one line of json a file and data set."""
    cfg = read_config(config_path(args.config))
    body = MODELS.build(cfg.model.get('body_model') or dict(type='SMPLBody'))
    for view in person_views(DATASETS.build(cfg[f'{args.split}_dataloader']['dataset'])):
        for file in args.files:
            told = score(view, _fits_of(view, file), body, args.max_quality)
            print(json.dumps(dict(file=str(file), dataset=view.dataset.dataset_name, **told)), flush=True)
    return 0


def score(view: PersonViewDataset, fits: Tensor, body: Any, max_quality: float = 100.0) -> dict[str, float]:
    """Of the people of a view: ``people``, ``fitted`` (share with a fit), ``valid`` (share of all whose energy is below
    ``max_quality``), ``energy`` and ``median_energy`` of those with a fit; where SMPL truth is known ``PA-MPJPE``, mm,
    of the fits' 14 joints.

    Args:
        view: With the keypoint set ``spin49``.
        fits: (N, 82) by row of the annotation file, NaN where there is none.
        body: That they are of.
        max_quality: See :func:`.guarded_targets`.
    """
    smplify, joints = SMPLify(superset_layer(body, 'spin49')), superset_layer(body, 'j14')
    camera = FittingCamera.crop(CROP_PX)
    energies, errors = [], []
    for start in range(0, len(view), _BATCH):
        indices = range(start, min(start + _BATCH, len(view)))
        records = [view.get_data_info(index) for index in indices]
        rows = fits[[record['sample_key'][1] for record in records]]
        keypoints = plain_crops(view, indices, CROP_PX)
        known = rows.isfinite().all(1)
        pose, betas = torch.where(known[:, None], rows, 0.0).split([NUM_POSE, 10], dim=1)
        placed = smplify.place(pose, betas, keypoints, camera).translation
        energies += smplify.score(pose, betas, placed, keypoints, camera).where(known, torch.nan).tolist()
        judged = [row for row, record in enumerate(records) if record['has_smpl'] and known[row]]
        if judged:
            truth = np.stack(
                [np.concatenate([records[row]['smpl_pose'], records[row]['smpl_betas']]) for row in judged]
            )
            found, true = (_posed(joints, one) for one in (rows[judged], torch.from_numpy(truth).float()))
            errors += pa_mpjpe(found, true, np.ones(found.shape[:2], bool)).tolist()
    quality = np.array(energies)
    finite = quality[np.isfinite(quality)]
    told = dict(
        people=float(len(quality)),
        fitted=float(np.isfinite(quality).mean()),
        valid=float((np.nan_to_num(quality, nan=np.inf) < max_quality).mean()),
        energy=float(finite.mean()) if len(finite) else float('nan'),
        median_energy=float(np.median(finite)) if len(finite) else float('nan'),
    )
    return told | ({'PA-MPJPE': float(np.mean(errors))} if errors else {})


@torch.no_grad()
def _posed(joints: torch.nn.Module, rows: Tensor) -> np.ndarray:
    """(B, 14, 3) mm."""
    turns = axis_angle_to_matrix(rows[:, :NUM_POSE].unflatten(1, (-1, 3)))
    return 1000 * joints(turns[:, 0], turns[:, 1:], rows[:, NUM_POSE:]).double().numpy()


def _fits_of(view: PersonViewDataset, file: Path) -> Tensor:
    """(N, 82), out of a file of fits or a checkpoint."""
    of = sample_set(view)
    if file.suffix in ('.npz', '.npy'):
        fits = read_fits(file)
        fits.check_of(of, file)
        return torch.from_numpy(fits.fits)
    state = read_checkpoint(file).get('fits_store')
    if not isinstance(state, Mapping) or of.name not in state:
        raise UserError(
            f'it has no fits of {of.name}', file=file, field='fits_store', remedy='give a checkpoint of this training'
        )
    store = FitsStore([of])
    store.load_state_dict({of.name: state[of.name]}, file)
    return store.fits[of.name]
