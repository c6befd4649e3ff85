"""`das-mm speed`: how fast a model is, how much memory it takes, where its time goes; the sparse head and the dense."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from das_mm.command import add_allow_argument, add_config_argument, parse_size
from das_mm.errors import UserError

from .support.measurement_output import device_words, print_tables, round_progress, write_measurement
from .support.run_config import load_run_config, running

if TYPE_CHECKING:
    from das_mm.models.pose_estimators import DAS

HELP = 'measure speed, memory and stages of a model; with --dense the sparse head against the dense one'
_PAPER = dict(runs=100, warmup=10)
_SPEED = dict(runs=20, warmup=3)
_DENSE = dict(runs=7, warmup=1)
_CROPS = 64  # a batch
_PEER_SIZE, _PEER_PEOPLE = (640, 640), (1, 5, 20, 50)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    add_allow_argument(parser)
    parser.add_argument('checkpoint', nargs='?', help='weights; default: random ones, which are as fast')
    parser.add_argument('--out', type=Path, metavar='DIR', help='default speed/CONFIG')
    parser.add_argument(
        '--device', choices=('auto', 'cpu', 'cuda'), default='auto', help='default: a GPU where there is one'
    )
    parser.add_argument('--threads', type=int, help='of torch on the CPU')
    parser.add_argument('--size', metavar='WxH', help="network input in pixels; default: the config's test size")
    parser.add_argument(
        '--people',
        type=int,
        nargs='+',
        metavar='N',
        help='people planted in every image, one variant each; default 5, with --dense 1 5 20',
    )
    parser.add_argument(
        '--levels',
        type=int,
        nargs='+',
        metavar='STRIDE',
        help='strides of the levels that these people are on; default 16 32',
    )
    parser.add_argument(
        '--batch',
        type=int,
        nargs='+',
        metavar='N',
        help='one variant each; default 1, crops of people for a model that reads these: 64',
    )
    parser.add_argument(
        '--dtype',
        nargs='+',
        default=['float32'],
        metavar='TYPE',
        help='float32 bf16 fp16 (the latter by autocast), one variant each; default float32',
    )
    parser.add_argument('--channels-last', action='store_true', help='variants in this memory format as well')
    parser.add_argument('--compile', action='store_true', help='variants through torch.compile as well')
    parser.add_argument('--train', action='store_true', help='the training step as well')
    for name, words in (('runs', 'rounds'), ('warmup', 'rounds before them that do not count')):
        parser.add_argument(f'--{name}', type=int, help=f'{words}; default {_SPEED[name]}, with --dense {_DENSE[name]}')
    parser.add_argument(
        '--paper', action='store_true', help="the papers' setting: batch 1, float32, 10 warm-ups, mean of 100 runs"
    )
    parser.add_argument(
        '--dense',
        action='store_true',
        help='the sparse head against the dense one of the released code: ratios and their goals',
    )
    parser.add_argument(
        '--peer',
        metavar='NAME',
        help="beside mmpose's RTMO (rtmo-s, rtmo-m, rtmo-l) with random weights, whole models in turn; default size "
        '640x640, default people 1 5 20 50',
    )
    parser.add_argument(
        '--crowd',
        type=int,
        default=50,
        metavar='N',
        help='people who are compared with one person with --dense; default %(default)s',
    )
    parser.add_argument(
        '--train-runs', type=int, default=3, help='rounds of training steps with --dense; default 3, 0: none'
    )
    parser.add_argument('--seed', type=int, default=0, help='of weights, input and people')
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='settings to change in the config'
    )


def run(args: argparse.Namespace) -> int:
    """Measure; see :mod:`das_mm.tools.speed`."""
    os.environ.setdefault('KINETO_LOG_LEVEL', '6')  # before torch: its profiler tells when it starts and stops
    counts = _check(args)
    out = args.out or Path('speed', Path(args.config).stem)
    cfg = load_run_config(
        argparse.Namespace(
            config=args.config,
            cfg_options=args.cfg_options,
            seed=None,
            work_dir=out,
            launcher='none',
            device=args.device,
            gpus=None,
            local_rank=0,
            allow=args.allow,
        )
    )
    import torch

    from das_mm.benchmarks.speed import describe_machine, describe_software, make_subject, network_size
    from das_mm.checkpoints.model_loader import choose_device

    if args.threads:
        torch.set_num_threads(args.threads)
    device = choose_device(None)
    with running(cfg, args.allow):
        model = make_subject(cfg, args.checkpoint, device, args.seed)
        facts = dict(
            config=Path(cfg.filename).name,
            command=shlex.join(['das-mm', *sys.argv[1:]]),
            weights=Path(args.checkpoint).name if args.checkpoint else f'random weights (seed {args.seed})',
            machine=describe_machine(device),
            software=describe_software(),
        )
        if not _is_das(model):
            _estimator(args, model, counts, facts, out)
            return 0
        args.batch = args.batch or [1]
        size = network_size(cfg, _read_size(args.size) or (_PEER_SIZE if args.peer else None))
        measure = _dense if args.dense else _peer if args.peer else _speed
        setting = dict(size=size, strides=tuple(args.levels) if args.levels else None, seed=args.seed, **counts)
        measure(args, model, setting, facts, out)
    return 0


def _check(args: argparse.Namespace) -> dict[str, int]:
    """Runs and warm-ups.

    Raises:
        UserError: Options are out of range or do not go together.
    """
    if args.paper and args.dense:
        raise UserError('these are two measurements', field='--paper, --dense', remedy='make one after the other')
    changed = (args.batch or [1], args.dtype, args.channels_last, args.compile) != ([1], ['float32'], False, False)
    if changed and (args.paper or args.dense):
        what = "the papers' setting" if args.paper else 'the comparison with the dense head'
        raise UserError(
            f'{what} is batch 1, float32, plain',
            field='--batch, --dtype, --channels-last, --compile',
            remedy='leave them out',
        )
    if args.peer and (changed or args.dense or args.train):
        raise UserError(
            'the comparison with a peer is of inference, batch 1, plain',
            field='--peer',
            remedy='leave --dense, --train, --batch, --dtype, --channels-last and --compile out',
        )
    if args.dense and args.train:
        raise UserError('--dense has its own training steps', field='--train', remedy='use --train-runs')
    default = _PAPER if args.paper else _DENSE if args.dense else _SPEED
    counts = {name: value if getattr(args, name) is None else getattr(args, name) for name, value in default.items()}
    for name, least in (('runs', 1), ('warmup', 0), ('train_runs', 0), ('crowd', 1), ('threads', 1)):
        value = counts.get(name, getattr(args, name))
        if value is not None and value < least:
            raise UserError(
                f'{value} is out of range', field='--' + name.replace('_', '-'), remedy=f'give {least} or more'
            )
    return counts


def _read_size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    size = parse_size(text)
    if size is None:
        raise UserError(f"'{text}' is no size", field='--size', remedy='write it as 1333x640')
    return size


def _speed(args: argparse.Namespace, model: DAS, setting: dict[str, Any], facts: dict[str, Any], out: Path) -> None:
    from das_mm.benchmarks.speed import Setting, draw_speed, make_variants, measure_model, speed_table, stage_table

    variants = make_variants(args.batch, args.people or [5], args.dtype, args.channels_last, args.compile)
    groups = {}
    for name in ['inference'] + ['training step'] * args.train:
        with round_progress(name) as on_round:
            groups[name] = measure_model(model, variants, Setting(**setting), name != 'inference', on_round)
    result = dict(
        kind='speed',
        **facts,
        papers_setting=args.paper and all(setting[name] == _PAPER[name] for name in _PAPER),
        setting=setting,
        inference=groups['inference'],
        training=groups.get('training step', []),
    )
    title = f'{facts["config"]}, {setting["size"][0]}×{setting["size"][1]}, {device_words(facts)}'
    write_measurement(out, 'speed', result, draw_speed(groups, title))
    tables = [speed_table(f'{name}, {title}', cases, args.paper) for name, cases in groups.items()]
    tables += [stage_table(f'stages, {name}', cases) for name, cases in groups.items()]
    print_tables(tables, f'{out / "speed.json"}, speed.png')


def _is_das(model: Any) -> bool:
    """Whether its parts are known: people can be planted on the points of its levels."""
    return hasattr(model, 'head') and hasattr(model.head, 'strides') and hasattr(model, 'input_channels')


def _estimator(args: argparse.Namespace, model: Any, counts: dict[str, int], facts: dict[str, Any], out: Path) -> None:
    """Of any model that speaks the protocol, per image or, where it reads crops of people, per person.

    Raises:
        UserError: Options that are of DAS.
    """
    others = ('size', 'people', 'levels', 'channels_last', 'compile', 'train', 'paper', 'dense', 'peer')
    given = [f'--{name.replace("_", "-")}' for name in others if getattr(args, name)]
    if given or args.dtype != ['float32']:
        raise UserError(
            'of a model that is no DAS, batches are timed in float32, plain, of the input that its config prepares',
            field=', '.join(given or ['--dtype']),
            remedy='leave them out',
        )
    if min(args.batch or [1]) < 1:
        raise UserError('nothing makes no batch', field='--batch', remedy='give 1 or more')
    from das_mm.benchmarks.speed import estimator_table, measure_estimator
    from das_mm.checkpoints.model_loader import describe_dataset
    from das_mm.engine import atomic_write
    from das_mm.models.estimator_protocol import input_view

    model.dataset_meta = describe_dataset(model.cfg, {}, model.num_keypoints, facts['config'])
    what, batches = ('person', [_CROPS]) if input_view(model) == 'person' else ('image', [1])
    with round_progress(what) as on_round:
        rows = measure_estimator(model, args.batch or batches, counts['runs'], counts['warmup'], args.seed, on_round)
    result = dict(kind=f'estimator of {what}s', **facts, setting=dict(counts, seed=args.seed), rows=rows)
    atomic_write(out / 'estimator.json', (json.dumps(result, indent=2) + '\n').encode())
    table = estimator_table(f'{facts["config"]}, {device_words(facts)}', what, rows)
    print_tables([table], str(out / 'estimator.json'))


def _peer(args: argparse.Namespace, model: DAS, setting: dict[str, Any], facts: dict[str, Any], out: Path) -> None:
    from das_mm.benchmarks.speed import Setting, compare_with_peer, peer_table
    from das_mm.engine import atomic_write

    people = list(args.people or _PEER_PEOPLE)
    if min(people) < 1:
        raise UserError('nobody cannot be compared', field='--people', remedy='give numbers from 1 on')
    with round_progress(args.peer) as on_round:
        rows = compare_with_peer(model, args.peer, people, Setting(**setting), on_round)
    result = dict(kind='peer', peer=args.peer, **facts, setting=setting, rows=rows)
    atomic_write(out / 'peer.json', (json.dumps(result, indent=2) + '\n').encode())
    title = f'{facts["config"]} beside {args.peer}, {setting["size"][0]}×{setting["size"][1]}, {device_words(facts)}'
    print_tables([peer_table(title, args.peer, rows)], str(out / 'peer.json'))


def _dense(args: argparse.Namespace, model: DAS, setting: dict[str, Any], facts: dict[str, Any], out: Path) -> None:
    from dataclasses import asdict

    from rich.console import Console

    from das_mm.benchmarks.speed import DenseSetting, compare_dense, dense_page, dense_table, draw_dense
    from das_mm.engine import atomic_write

    people = tuple(args.people or DenseSetting.people)
    if min(people) < 1:
        raise UserError('nobody cannot be compared', field='--people', remedy='give numbers from 1 on')
    whole = DenseSetting(people=people, train_runs=args.train_runs, crowd=args.crowd, **setting)
    found = compare_dense(model, whole, Console(stderr=True, highlight=False, markup=False).print)
    rows, checks = [row.as_dict() for row in found.rows], [check.as_dict() for check in found.checks]
    result = dict(kind='dense', **facts, setting=asdict(whole), rows=rows, checks=checks, stages=found.stages)
    title = f'{facts["config"]}, {setting["size"][0]}×{setting["size"][1]}, {device_words(facts)}'
    write_measurement(out, 'dense', result, draw_dense(result, title))
    atomic_write(out / 'dense.md', dense_page(result).encode())
    print_tables([dense_table(rows)], f'{out / "dense.json"}, dense.png, dense.md')
