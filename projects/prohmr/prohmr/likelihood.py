"""How probable held-out poses are: ``das-mm project prohmr.likelihood CONFIG WEIGHTS``.

The log-density of the labelled poses given their own images, and given the images of others: a distribution that has
learnt from images tells them apart.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from mmengine.dataset import pseudo_collate

from das_mm.checkpoints.model_loader import load_model
from das_mm.config_files import config_path
from das_mm.engine.config_reader import read_config
from das_mm.errors import UserError
from das_mm.registry import DATASETS

from .person_targets import PersonTargets

HELP = 'tell how probable labelled poses are, given their images and those of others'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='a config of ProHMR; the people of its test set are judged')
    parser.add_argument('weights', type=Path, help='of that model')
    parser.add_argument('--limit', type=int, help='the first so many people')
    parser.add_argument('--batch-size', type=int, default=32)


@torch.no_grad()
def run(args: argparse.Namespace) -> int:
    """Prints one line of json: ``people``, ``nll`` and ``nll_of_others``, means in nats.

    Raises:
        UserError: Fewer than two people have SMPL labels.
    """
    cfg = read_config(config_path(args.config))
    data = DATASETS.build(cfg.test_dataloader.dataset)
    model = load_model(args.weights, cfg)
    contexts, poses = [], []
    count = len(data) if args.limit is None else min(args.limit, len(data))
    for start in range(0, count, args.batch_size):
        samples = [data[index] for index in range(start, min(start + args.batch_size, count))]
        batch = model.data_preprocessor(pseudo_collate(samples), False)
        targets = PersonTargets.of_samples(batch['data_samples'], batch['inputs'])
        contexts.append(model.extract_context(batch['inputs'])[targets.has_smpl])
        poses.append(targets.pose_6d)
    context, pose = torch.cat(contexts), torch.cat(poses)
    if len(pose) < 2:
        raise UserError(
            f'{len(pose)} of {count} people have SMPL labels',
            field='test_dataloader.dataset',
            remedy='give a set with SMPL labels of two people at least',
        )
    # everybody gets the images of at most 32 others
    shifts = range(1, min(len(pose), 33))
    others = [model.head.log_prob(pose[:, None], context.roll(shift, 0))[0] for shift in shifts]
    own = model.head.log_prob(pose[:, None], context)[0]
    told = dict(people=len(pose), nll=-own.mean().item(), nll_of_others=-torch.stack(others).mean().item())
    print(json.dumps(told), flush=True)
    return 0
