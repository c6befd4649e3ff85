"""`das-mm lift`: poses in space for keypoints that a detector found."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from das_mm.command import add_allow_argument, add_config_argument
from das_mm.errors import UserError

if TYPE_CHECKING:
    from das_mm.inference.lifted_people import LiftedFile

HELP = 'lift keypoints of any detector to poses in space: the likeliest, and samples of the others'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'keypoints',
        nargs='+',
        type=Path,
        metavar='KEYPOINTS',
        help='.json or .jsonl: results of das-mm infer, predictions of mmpose, OpenPose or COCO, or '
        '{"photo.jpg": [[[x, y, confidence], …]]}',
    )
    parser.add_argument('--weights', required=True, metavar='FILE', help='of a lifter, such as ProSkeleton')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='gets NAME.json of each file')
    add_config_argument(parser, '--config', metavar='NAME', help='default: the one in the checkpoint')
    add_allow_argument(parser)
    parser.add_argument('--device', default='auto', help='cpu, cuda, …; default: a GPU where there is one')
    parser.add_argument('--samples', type=int, default=0, metavar='N', help='random poses beside the likeliest')
    parser.add_argument(
        '--samples-of',
        type=int,
        default=0,
        metavar='M',
        help='draw M poses, and tell the N that stand for all of them (K-means); default: M = N',
    )
    parser.add_argument('--seed', type=int, default=0, help='of the samples; default %(default)s')
    parser.add_argument('--keypoint-set', metavar='NAME', help='of files that do not say which keypoints they have')


def run(args: argparse.Namespace) -> int:
    """Lift, and say whom, and who was left out.

    Raises:
        UserError: A file or the weights cannot be read, or the weights are of no lifter.
    """
    from das_mm.inference.keypoint_files import read_keypoints
    from das_mm.inference.lifted_people import Lifter, write_lifted
    from das_mm.tools.support.report import Report

    if args.samples < 0 or args.samples_of < 0:
        raise UserError('fewer than no samples cannot be drawn', field='samples', remedy='give 0 or more')
    names = [path.stem for path in args.keypoints]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(
            f'two files are called {twice[0]}, and so would be what is written',
            field='keypoints',
            remedy='lift them one after the other, into different folders',
        )
    people = [read_keypoints(path, args.keypoint_set) for path in args.keypoints]  # before the model is loaded

    from das_mm.checkpoints.model_loader import load_model

    lifter = Lifter(
        load_model(args.weights, args.config, args.device, args.allow), args.samples, args.samples_of, args.seed
    )
    report = Report()
    args.out.mkdir(parents=True, exist_ok=True)
    for path, some in zip(args.keypoints, people):
        lifted = lifter.lift(some, path)
        write_lifted(args.out / f'{path.stem}.json', lifted)
        _tell(report, lifted, args.out / f'{path.stem}.json')
    return 0


def _tell(report, lifted: LiftedFile, out: Path) -> None:
    report.wrote(f'{out}: {len(lifted.people)} poses')
    for reason, count in lifted.left_out.items():
        report.note(f'{count} people are left out: {reason}')
    for name, count in lifted.guessed.items():
        report.note(f'{count} people have no {name}: it was put where the others say')
