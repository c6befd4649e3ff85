"""`das-mm ablation`: the papers' ablations on synthetic scenes, trained, evaluated and reported."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from das_mm.errors import UserError

if TYPE_CHECKING:
    from das_mm.benchmarks.ablation import Deadline, Run

HELP = "train and evaluate the rows of the papers' Tables 6 to 9 on synthetic scenes, and report them"

_WORDS = {
    'done already': 'is done',
    'busy': 'is trained by another process',
    'begin': 'begins or goes on',
    'finished': 'is finished',
    'paused': 'paused after a whole epoch: call again to go on',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('ablation'),
        metavar='DIR',
        help='everything is written there, and found again; default: %(default)s',
    )
    parser.add_argument('--size', default='cpu', help='cpu (reduced, default) or paper (needs a GPU)')
    parser.add_argument('--tables', type=int, nargs='+', default=None, metavar='N', help='default: 6 7 8 9')
    parser.add_argument(
        '--rows',
        nargs='+',
        default=None,
        metavar='NAME',
        help='of these tables only the rows of these names, see --list',
    )
    parser.add_argument(
        '--seeds',
        type=int,
        nargs='+',
        default=[0, 1, 2],
        metavar='N',
        help='default: 0 1 2; the first of all rows comes before the second of any',
    )
    parser.add_argument(
        '--minutes',
        type=float,
        metavar='N',
        help='stop after about so many minutes, at the end of an epoch; the same command goes on',
    )
    parser.add_argument(
        '--epochs',
        type=int,
        metavar='N',
        help="train longer or shorter than the rows' configs say; give it an --out of its own",
    )
    parser.add_argument('--from-scratch', action='store_true', help='backbones start from random numbers too')
    parser.add_argument('--list', action='store_true', help='only say which rows there are and how far they are')
    parser.add_argument('--report', action='store_true', help='only write the report of what is finished')
    parser.add_argument(
        '--package',
        nargs='+',
        metavar='TASK',
        help="only make the package's own weights again: pose, mesh, tracking; hours, in pieces too",
    )
    parser.add_argument(
        '--calibration',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help="only judge this model's predicted errors, on the test set of its config",
    )
    parser.add_argument(
        '--figure',
        nargs=3,
        metavar=('NAME', 'CONFIG', 'CHECKPOINT'),
        help='only measure on this model what no table has: update (σ before and after it), overlap (people who cover '
        'each other), lost (identities in the centre map)',
    )
    parser.add_argument('--images', type=int, metavar='N', help='of --figure: on so many scenes or frames')


def run(args: argparse.Namespace) -> int:
    """Train the rows, or do what else was asked for; 0 also where rows are left for the next call."""
    if args.calibration:
        config, checkpoint = args.calibration
        return _calibrate(config, checkpoint, args.out)
    if args.figure:
        name, config, checkpoint = args.figure
        return _figure(name, config, checkpoint, args.out, args.images)
    if args.package:
        return _package(args)
    from das_mm.benchmarks.ablation import TABLES, plan_runs

    tables = args.tables or list(TABLES)
    runs = plan_runs(args.size, args.seeds, tables, args.rows)
    if args.list:
        return _list(runs, tables, args.out)
    if not args.report:
        _train(runs, args)
    from das_mm.benchmarks.ablation.report import read_results, write_report

    for path in write_report(read_results(args.size, runs, args.out), args.out, tables):
        print(path)
    return 0


def _train(runs: list[Run], args: argparse.Namespace) -> None:
    from das_mm.benchmarks.ablation import train_runs
    from das_mm.benchmarks.ablation.run_training import train_run

    if args.epochs is not None and args.epochs < 1:
        raise UserError(f'{args.epochs} is no number of epochs', field='--epochs', remedy='give 1 or more')
    deadline = _deadline(args)

    def train_one(one: Run, folder: Path, until: Deadline) -> bool:
        return train_run(one, folder, until, args.from_scratch, epochs=args.epochs)

    if train_runs(runs, args.out, train_one, deadline, _tell):
        print('all rows are finished')


def _package(args: argparse.Namespace) -> int:
    from das_mm.benchmarks.ablation.package_recipes import make_package_weights

    for path in make_package_weights(args.package, args.out, _deadline(args), _tell):
        print(path)
    return 0


def _deadline(args: argparse.Namespace) -> Deadline:
    from das_mm.benchmarks.ablation import Deadline
    from das_mm.engine import check_writable

    check_writable(args.out, '--out')
    return Deadline(None if args.minutes is None else 60 * args.minutes)


def _tell(one: Run, event: str) -> None:
    print(f'{one.training}, seed {one.seed}: {_WORDS[event]}', flush=True)


def _list(runs: list[Run], tables: list[int], out: Path) -> int:
    from rich.console import Console
    from rich.table import Table

    from das_mm.benchmarks.ablation import TABLES, read_state

    console = Console(markup=False, emoji=False)
    for number in tables:
        shown = Table(title=f'Table {number}: {TABLES[number].title} (paper: {TABLES[number].data})')
        for head in ('name', 'switched on', "the paper's", 'done'):
            shown.add_column(head, overflow='fold')
        for row in TABLES[number].rows:
            mine = [one for one in runs if one.training == row.training]
            if mine:
                paper = ', '.join(f'{name} {value}' for name, value in row.paper.items())
                shown.add_row(
                    row.training,
                    row.label,
                    paper,
                    ', '.join(_progress(one, read_state(one.folder(out))) for one in mine),
                )
        console.print(shown)
    return 0


def _progress(one: Run, state) -> str:
    if state is None:
        return f'seed {one.seed}: –'
    done = 'done' if state.finished else f'{state.epochs_done} of {state.settings["epochs"]} epochs'
    return f'seed {one.seed}: {done}'


def _calibrate(config: str, checkpoint: str, out: Path) -> int:
    from das_mm.benchmarks.ablation.checkpoint_calibration import calibrate_checkpoint

    for path in calibrate_checkpoint(config, checkpoint, out):
        print(path)
    return 0


def _figure(name: str, config: str, checkpoint: str, out: Path, images: int | None) -> int:
    from das_mm.benchmarks.figures import FIGURES, measure_figure

    if name not in FIGURES:
        raise UserError(f"there is no figure '{name}'", field='--figure', remedy=f'choose out of {", ".join(FIGURES)}')
    path, lines = measure_figure(name, config, checkpoint, out, images)
    print('\n'.join([*lines, str(path)]))
    return 0
