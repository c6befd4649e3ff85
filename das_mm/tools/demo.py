"""`das-mm demo`: make scenes, train a small DAS, evaluate it, look at the results."""

from __future__ import annotations

import argparse
from pathlib import Path

from das_mm.demo.tasks import DEMO_TASKS

HELP = 'make scenes, train a small DAS on the CPU, evaluate it and draw what it learned'

_WRITTEN = (
    ('metrics.json', 'metrics before and after, beside the baselines'),
    ('metrics.png', 'the same as a picture'),
    ('curves.png', 'the training'),
    ('overlays.png', 'predictions over the ground truth'),
    ('viewer.html', 'the people in 3D; open it in a browser'),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='everything is written there')
    parser.add_argument(
        '--task', choices=DEMO_TASKS.names(), default='pose', help='what is trained; default %(default)s'
    )
    parser.add_argument('--pretrained', action='store_true', help='use the weights of the package: do not train')
    parser.add_argument(
        '--from-scratch',
        action='store_true',
        help="train the backbone too from random numbers; by default it starts from the package's",
    )
    parser.add_argument('--num-train', type=int, metavar='N', help='scenes to train on; default: as in the config')
    parser.add_argument('--num-val', type=int, metavar='N', help='unseen scenes; default: as in the config')
    parser.add_argument('--epochs', type=int, metavar='N', help='default: as in the config')
    parser.add_argument('--seed', type=int, default=0, help='default 0')


def run(args: argparse.Namespace) -> int:
    """Run the demo, print its numbers and where what lies."""
    from rich.table import Table

    from das_mm.demo.main_job import DemoSettings, run_demo
    from das_mm.tools.support.report import Report

    settings = DemoSettings(
        args.out, args.task, args.num_train, args.num_val, args.epochs, args.seed, args.pretrained, args.from_scratch
    )
    report = run_demo(settings)
    task = DEMO_TASKS.get(args.task)()
    table = Table(title='on unseen scenes; mm, percent, counts')
    table.add_column('')
    for name in task.reported:
        table.add_column(name, justify='right')
    for row in report['rows']:
        table.add_row(
            row, *('-' if report[row][name] is None else f'{report[row][name]:.1f}' for name in task.reported)
        )
    told = Report()
    told.show(table)
    for name, what in (*_WRITTEN, *task.written):
        if any(args.out.glob(name)):  # there are no curves where nothing is trained
            told.say(f'{args.out / name}  {what}')
    return 0
