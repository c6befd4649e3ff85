"""`das-mm export-motion`: the people of results as animated skeletons for other programs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from das_mm.command import completed_by
from das_mm.deploy.motion.exporters import MOTION_EXPORTERS
from das_mm.errors import UserError
from das_mm.tools.support.fit_options import add_fit_arguments, open_fitter
from das_mm.tools.support.result_inputs import first_result, result_paths

if TYPE_CHECKING:
    from das_mm.bodies.posable_body import PosableBody

HELP = 'write the people of results as animated skeletons: glTF, BVH, USD, or npz as AMASS has it'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'results', nargs='+', type=Path, metavar='RESULTS', help='.json or .jsonl of das-mm infer, or a folder of them'
    )
    to = parser.add_argument(
        '--to',
        action='append',
        required=True,
        metavar='FORMAT',
        help=f'{", ".join(MOTION_EXPORTERS.names())}; may be repeated',
    )
    completed_by(to, lambda **_: MOTION_EXPORTERS.names())
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='folder of the files')
    parser.add_argument(
        '--ground',
        choices=('auto', 'none'),
        default='auto',
        help='what y = 0 is: the floor of the results (infer --static-camera) or, guessed, that under the feet of the '
        'people (auto, the default); or the camera stays in the origin (none)',
    )
    add_fit_arguments(parser)
    parser.add_argument('--device', default='cpu', help='of the fit: cpu (default), cuda, …')


def run(args: argparse.Namespace) -> int:
    """Export, and fit bodies first where the results have none."""
    from das_mm.deploy.motion.exported_results import export_results
    from das_mm.deploy.motion.exporters import check_motion_formats
    from das_mm.engine import check_writable
    from das_mm.tools.support.report import Report

    report = Report()
    check_motion_formats(args.to)
    files = result_paths(args.results)
    check_writable(args.out, 'out')
    first_result(files)
    for file in files:
        body, change = _bodies_of(file, args)
        if change is not None:
            report.say(f'{file}: it tells no bodies; they are fitted to the keypoints')
        for path in export_results(
            file, args.out, args.to, body, args.ground == 'auto', change or (lambda results: results)
        ):
            report.wrote(path)
    return 0


def _bodies_of(file: Path, args: argparse.Namespace) -> tuple[PosableBody, Callable[[Any], Any] | None]:
    """The body of a file of results, and what fits it to the people where the file tells none."""
    from das_mm.bodies.smpl_fields import GROUP
    from das_mm.inference.result_files import read_results

    first = next((result for result in read_results(file) if result['people']), None)
    if first is None:
        raise UserError(
            'there is nobody in it', file=file, field='people', remedy='leave it out, or lower --score-thr of infer'
        )
    if GROUP not in first['people'][0]:
        fitter = open_fitter(args, first['keypoint_set'])
        return cast('PosableBody', fitter.body), lambda results: _fitted(results, fitter, file, args.fit_sigma)
    from das_mm.bodies.numpy_body import NumpyBody
    from das_mm.bodies.smpl_file import generated_arrays, load_smpl_file

    arrays = generated_arrays(args.gender) if args.body is None else load_smpl_file(args.body, args.gender)
    return NumpyBody(arrays), None


def _fitted(results: Iterable[Mapping[str, Any]], fitter: Any, file: Path, sigma: str | None) -> Iterator[Any]:
    from das_mm.inference.fitted_results import AssumedSigma, fit_results

    assumed = None if sigma is None else AssumedSigma.parse(sigma)
    for one in fit_results(((file, result) for result in results), fitter, assumed):
        yield one.result
