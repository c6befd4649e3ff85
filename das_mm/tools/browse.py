"""Draw what a config gives the network: inputs after augmentation, with the targets they are to produce."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from das_mm.command import add_allow_argument, add_config_argument
from das_mm.errors import UserError

from .support.run_config import load_run_config, running

if TYPE_CHECKING:
    import numpy as np
    from mmengine.config import Config

HELP = 'draw what the network is given, after augmentation, with its targets'
_SHEET_COLUMNS, _SHEET_CELL_PX = 2, 1100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    add_allow_argument(parser)
    parser.add_argument('--num', type=int, default=12, metavar='N', help='draw so many pictures; default %(default)s')
    parser.add_argument('--out', type=Path, metavar='DIR', help='folder of the pictures; default browse/CONFIG/SPLIT')
    parser.add_argument(
        '--split',
        choices=('train', 'val', 'test'),
        default='train',
        help='train (the default) is drawn in the order of its sampler, val and test spread over the set',
    )
    parser.add_argument(
        '--seed', type=int, metavar='N', help='seed of order and augmentation; default: the one in the config'
    )
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='change settings of the config'
    )


def run(args: argparse.Namespace) -> int:
    """Draw; see :mod:`das_mm.tools.browse`."""
    if args.num < 1:
        raise UserError(f'{args.num} pictures cannot be drawn', field='--num', remedy='give 1 or more')
    out = args.out or Path('browse', Path(args.config).stem, args.split)
    cfg = load_run_config(
        argparse.Namespace(
            config=args.config,
            cfg_options=args.cfg_options,
            seed=args.seed,
            work_dir=out,
            launcher='none',
            device='auto',
            gpus=None,
            local_rank=0,
            allow=args.allow,
        )
    )
    if cfg.get(f'{args.split}_dataloader') is None:
        raise UserError(
            'there is nothing to browse',
            file=cfg.filename,
            field=f'{args.split}_dataloader',
            remedy='choose another --split',
        )
    from mmengine.registry import DefaultScope

    from das_mm.visualization import contact_sheet, save_image

    pictures, titles, facts = [], [], defaultdict(list)
    with running(cfg, args.allow), DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'das_mm')):
        for number, (picture, title, source, counts) in enumerate(_pictures(cfg, args.split, args.num)):
            save_image(out / f'{number:03d}.jpg', contact_sheet([picture], 1, [title], cell_width_px=picture.shape[1]))
            pictures.append(picture)
            titles.append(title)
            facts[source].append(counts)
    save_image(out / 'sheet.jpg', contact_sheet(pictures, _SHEET_COLUMNS, titles, cell_width_px=_SHEET_CELL_PX))
    _print_facts(facts)
    print(f'{len(pictures)} pictures, all of them on {out / "sheet.jpg"}')
    return 0


def _pictures(cfg: Config, split: str, num: int) -> Iterator[tuple[np.ndarray, str, str, dict]]:
    """Picture, title, name of the data set and counts of each sample that is drawn."""
    from das_mm.engine.hooks.epoch_seed_hook import seed_everything
    from das_mm.registry import DATASETS, TASK_UTILS
    from das_mm.visualization.skeletons import skeleton_of_metainfo

    from .support.input_pictures import count_people, describe_input, draw_input

    seed = (cfg.get('randomness') or {}).get('seed') or 0
    loader = cfg[f'{split}_dataloader']
    dataset = DATASETS.build(loader.dataset)
    head = (cfg.get('model') or {}).get('head') or {}
    assigner = TASK_UTILS.build(head['assigner']) if 'assigner' in head else None
    divisor = ((cfg.get('model') or {}).get('data_preprocessor') or {}).get('pad_size_divisor', 1)
    skeleton = skeleton_of_metainfo(dataset.metainfo)
    indices = _order(loader, dataset, split, num, seed)
    seed_everything(seed, 0)
    for index in indices:
        packed = dataset[index]
        sample = packed['data_samples']
        image = packed['inputs'].permute(1, 2, 0).numpy()
        yield (
            draw_input(image, sample, skeleton, assigner, divisor),
            describe_input(sample, image.shape[:2]),
            sample.metainfo.get('dataset_name', type(dataset).__name__),
            count_people(sample),
        )


def _order(loader: dict, dataset, split: str, num: int, seed: int) -> list[int]:
    from itertools import islice

    import numpy as np

    from das_mm.registry import DATA_SAMPLERS

    if split == 'train' and loader.get('sampler') is not None:
        return list(
            islice(iter(DATA_SAMPLERS.build(loader['sampler'], default_args=dict(dataset=dataset, seed=seed))), num)
        )
    return np.unique(np.linspace(0, len(dataset) - 1, min(num, len(dataset))).astype(int)).tolist()


def _print_facts(facts: dict[str, list[dict]]) -> None:
    """A row a data set: the means over its pictures."""
    from rich.table import Table

    from das_mm.tools.support.report import Report

    table = Table('data set', 'pictures', *next(iter(facts.values()))[0], title='People in a picture, on average')
    for source, rows in sorted(facts.items()):
        means = (sum(row[name] for row in rows) / len(rows) for name in rows[0])
        table.add_row(source, str(len(rows)), *(f'{mean:.1f}' for mean in means))
    Report().show(table)
