"""`das-mm convert-checkpoint`: the authors' weights of DAS or of a project's system, or a pretrained backbone, as a
checkpoint of ours."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from das_mm.command import add_config_argument, completed_by
from das_mm.project_packages import list_projects

if TYPE_CHECKING:
    from das_mm.checkpoints.conversion import Ledger

HELP = "turn the authors' checkpoint (of DAS or a project), or a pretrained backbone, into one of das_mm"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument(
        'src', type=Path, metavar='SRC', help=".pth file (or MoveNet's .json); what it is is told from its weights"
    )
    parser.add_argument('dst', type=Path, metavar='DST', help='file to write; it names its config')
    add_config_argument(
        parser,
        '--config',
        metavar='NAME',
        help='path or name of the config it is for; default: the released one that fits',
    )
    completed_by(
        parser.add_argument(
            '--project',
            metavar='NAME',
            help='ask the conversions of this project only; default: all of das_mm and its projects',
        ),
        lambda **_: list_projects(),
    )
    parser.add_argument('--list', action='store_true', help='print every weight, not every group of weights')


def run(args: argparse.Namespace) -> int:
    """Convert, and say what became of every weight and how to use the result."""
    from das_mm.checkpoints.conversion import convert_checkpoint
    from das_mm.tools.support.report import Report

    told = Report()
    conversion = convert_checkpoint(args.src, args.dst, args.config, args.project)
    told.say(f'{args.src}: {conversion.kind}')
    for line in _lines(conversion.ledger, args.list):
        told.say(line)
    for remark in conversion.remarks:
        told.say(f'note: {remark}')
    config = conversion.meta.get('config')
    told.wrote(f'{args.dst}' + (f', for {config}' if config else ''))
    told.say('use it: ' + conversion.use.format(dst=str(args.dst)))
    return 0


def _lines(ledger: Ledger, every_weight: bool) -> list[str]:
    """A table with a line for each group of weights, or for each weight."""
    if every_weight:
        rows = [('in the file', 'here', 'is', 'why')]
        rows += [(one.source or '–', one.target or '–', one.fate.value, one.reason) for one in ledger.entries]
    else:
        rows = [('tensors', 'in the file', 'here', 'are', 'why')]
        rows += [
            (str(count), source or '–', target or '–', fate, reason)
            for (source, target, fate, reason), count in ledger.groups()
        ]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ['  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
