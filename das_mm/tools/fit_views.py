"""`das-mm fit-views`: one person in several images, whose bodies are made to agree."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from das_mm.command import add_allow_argument, add_config_argument
from das_mm.errors import UserError

if TYPE_CHECKING:
    from das_mm.inference.output_folders import OutputFolders

HELP = 'one body for a person whom several images show at one moment, from a rig or cameras that nobody knows'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('views', nargs='+', metavar='IMAGE', help='two or more images of one person at one moment')
    parser.add_argument(
        '--weights', required=True, metavar='FILE', help='of a model with a distribution of bodies (prohmr)'
    )
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='as of das-mm infer')
    add_config_argument(parser, '--config', metavar='NAME', help='default: the one in the checkpoint')
    add_allow_argument(parser)
    parser.add_argument('--device', default='auto', help='cpu, cuda, …; default: a GPU where there is one')
    parser.add_argument(
        '--boxes', metavar='das|image|FILE', help='where the person is in each image; as of das-mm infer'
    )
    parser.add_argument(
        '--cameras',
        type=Path,
        metavar='RIG.json',
        help='of a calibrated rig: {"view.jpg": {"R": 3×3, from the frame of the rig to that of the camera}, …}; the '
        'orientations of the body must agree too then',
    )
    parser.add_argument('--intrinsics', metavar='FILE|fx,fy,cx,cy', help='as of das-mm infer')
    parser.add_argument('--fov', type=float, metavar='DEG', help='as of das-mm infer')
    parser.add_argument(
        '--method',
        choices=('fit', 'average'),
        default='fit',
        help='fit: in the latent space of the distributions (default); average: the mean of rotations, a baseline',
    )
    parser.add_argument('--no-overlays', action='store_true', help='no annotated images')
    parser.add_argument('--no-viewer', action='store_true', help='no 3D viewer')


def run(args: argparse.Namespace) -> int:
    """Refine, and say how far the views were apart.

    Raises:
        UserError: Fewer than two images, a model that cannot, or views that are not of one person.
    """
    if len(args.views) < 2:
        raise UserError('one image has no other view', field='IMAGE', remedy='give two or more, or use das-mm infer')
    if len(set(args.views)) < len(args.views):
        raise UserError('an image is given twice', field='IMAGE', remedy='give every view once')
    to_camera = None
    if args.cameras is not None:
        from das_mm.tools.support.rig_cameras import read_rig

        to_camera = read_rig(args.cameras, args.views)

    from das_mm.inference.inferencer import Inferencer
    from das_mm.inference.intrinsics import CameraFinder
    from das_mm.inference.pose_samples import draw_samples
    from das_mm.inference.predictor_choice import open_predictor
    from das_mm.inference.run_options import RunOptions
    from das_mm.tools.support.report import Report

    camera = CameraFinder(args.intrinsics, args.fov)
    predictor: Any = open_predictor(
        args.weights, args.config, args.device, runtime='torch', allow=args.allow, boxes=args.boxes
    )
    estimator: Any = getattr(getattr(predictor, 'crops', None), 'estimator', None)
    if 'views' not in getattr(estimator, 'refinements', ()):
        raise UserError(
            'this model cannot refine a body by other views',
            file=args.weights,
            field='weights',
            remedy='give the weights of a model with a distribution of bodies (prohmr)',
        )
    draw_samples(predictor, 0)
    estimator.test_cfg = {**estimator.test_cfg, 'views': dict(method=args.method, to_camera=to_camera)}
    report = Report()
    found = Inferencer(predictor, camera)(args.views, RunOptions(batch_size=len(args.views)), _folders(args))
    results = [one.result for one in found]
    report.say(f'{len(results)} views of one person; results are in {args.out}')
    return 0


def _folders(args: argparse.Namespace) -> OutputFolders:
    from das_mm.inference.output_folders import OutputFolders

    return OutputFolders(
        predictions=args.out / 'predictions',
        overlays=None if args.no_overlays else args.out / 'overlays',
        viewer=None if args.no_viewer else args.out,
    )
