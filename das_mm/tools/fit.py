"""`das-mm fit`: bodies for the people of results."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from das_mm.command import completed_by
from das_mm.errors import UserError
from das_mm.inference.mesh_exporters import EXPORTERS
from das_mm.tools.support.fit_options import add_fit_arguments, open_fitter
from das_mm.tools.support.result_inputs import first_result, result_paths

if TYPE_CHECKING:
    from das_mm.inference.fit_comparison import FitComparison
    from das_mm.inference.output_folders import OutputFolders
    from das_mm.inference.result_pictures import ResultFrame
    from das_mm.tools.support.report import Report

HELP = 'fit SMPL bodies to the people that das-mm infer found, each joint weighed by its sigma'

_STAGE_WORDS = dict(network='keypoints of the results', start='body at the start', fit='fitted body')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'results', nargs='+', type=Path, metavar='RESULTS', help='.json or .jsonl of das-mm infer, or a folder of them'
    )
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        metavar='DIR',
        help='predictions/ (the same results with their bodies), overlays/, viewer.html and meshes/ are written there',
    )
    add_fit_arguments(parser)
    parser.add_argument('--device', default='cpu', help='cpu (default), cuda, …')
    parser.add_argument(
        '--truth',
        type=Path,
        metavar='FILE',
        help='annotations with 3D keypoints of the same images: errors before and after are told',
    )
    output = parser.add_argument_group('output')
    output.add_argument('--no-overlays', action='store_true', help='no annotated images and videos')
    output.add_argument('--no-viewer', action='store_true', help='no 3D viewer')
    export = output.add_argument(
        '--export',
        action='append',
        metavar='FORMAT',
        default=[],
        help=f'write the surfaces to files: {", ".join(EXPORTERS.names())}; may be repeated',
    )
    completed_by(export, lambda **_: EXPORTERS.names())


def run(args: argparse.Namespace) -> int:
    """Fit, and say whom, how well, and who was left out."""
    from das_mm.inference.fitted_results import AssumedSigma
    from das_mm.tools.support.report import Report

    report = Report()
    assumed = None if args.fit_sigma is None else AssumedSigma.parse(args.fit_sigma)
    files = result_paths(args.results)
    folders = _folders(args)
    folders.check()
    if args.truth is not None and not args.truth.is_file():
        raise UserError('there is no such file', file=args.truth, field='truth', remedy='give an annotation file')
    first = first_result(files)
    fitter = open_fitter(args, first['keypoint_set'])
    comparison = None
    if args.truth is not None:
        from das_mm.inference.fit_comparison import FitComparison

        comparison = FitComparison(args.truth, fitter.keypoint_set)
    tally = _Tally(comparison)
    _fit_files(files, fitter, assumed, folders, tally)
    tally.print(report, args.out)
    return 0


def _fit_files(files: list[Path], fitter: Any, assumed: Any, folders: OutputFolders, tally: _Tally) -> None:
    from das_mm.inference.body_surfaces import mesh_vertices
    from das_mm.inference.fitted_results import fit_results
    from das_mm.inference.folder_lock import hold_folder
    from das_mm.inference.outputs import Outputs
    from das_mm.inference.overlays import OverlayOptions, OverlayPainter
    from das_mm.inference.result_files import read_results
    from das_mm.inference.result_pictures import ResultPictures

    name, body = fitter.keypoint_set.name, fitter.body
    with hold_folder(folders.locked), Outputs(folders, name, len(files), body) as outputs:
        painter = None if folders.overlays is None else OverlayPainter(name, OverlayOptions(), body)
        needs_surface = painter is not None or bool(folders.mesh_formats)
        pictures: dict[Path, ResultPictures] = {}
        told = ((path, result) for path in files for result in read_results(path))
        for one in tally.timed(fit_results(told, fitter, assumed)):
            result = one.result
            if one.file not in pictures:
                pictures = {one.file: ResultPictures(one.file, result, folders.pictures)}
            frame = pictures[one.file].frame(result)
            vertices = mesh_vertices(result, body) if needs_surface else None
            overlay = None if painter is None else painter.draw(frame, result, vertices)
            outputs.add(frame, result, overlay, vertices)
            tally.add(one, frame)


def _folders(args: argparse.Namespace) -> OutputFolders:
    from das_mm.inference.output_folders import OutputFolders

    return OutputFolders(
        predictions=args.out / 'predictions',
        overlays=None if args.no_overlays else args.out / 'overlays',
        viewer=None if args.no_viewer else args.out,
        meshes=args.out / 'meshes',
        mesh_formats=tuple(dict.fromkeys(args.export)),
    )


class _Tally:
    """What a run gave."""

    def __init__(self, comparison: FitComparison | None) -> None:
        self.comparison = comparison
        self.images = self.people = self.fitted = self.num_compared = self.num_missing = 0
        self.seconds = 0.0
        self.before_px: list[float] = []
        self.after_px: list[float] = []
        self.skipped: list[str] = []

    def timed(self, fitted: Iterator[Any]) -> Iterator[Any]:
        """The same, and what it takes."""
        while True:
            start = time.perf_counter()
            one = next(fitted, None)
            self.seconds += time.perf_counter() - start
            if one is None:
                return
            yield one

    def add(self, one: Any, frame: ResultFrame) -> None:
        self.images += 1
        self.num_missing += frame.is_missing
        self.people += len(one.fits.reasons)
        self.fitted += int(one.fits.fitted.sum())
        before, after = one.reprojection_px
        self.before_px += before.tolist()
        self.after_px += after.tolist()
        where = f'{one.file}' if frame.index is None else f'{one.file}, frame {frame.index}'
        for row, reason in enumerate(one.fits.reasons):
            if reason is not None:
                self.skipped.append(f'{where}, person {row}: {reason}')
        if self.comparison is not None:
            self.num_compared += self.comparison.add(one)

    def print(self, report: Report, out: Path) -> None:
        report.say(f'{self.fitted} of {self.people} people in {self.images} images have a body; {self.seconds:.1f} s')
        if self.fitted:
            mean = lambda values: sum(values) / len(values)
            report.say(
                f'mean distance in the image from the keypoints of the results: {mean(self.before_px):.1f} px before, '
                f'{mean(self.after_px):.1f} px after'
            )
        if self.comparison is not None:
            report.say(f'{self.num_compared} people are in the annotations; mean errors of these:')
            for stage, errors in self.comparison.means().items():
                report.say(
                    f'  {_STAGE_WORDS[stage]:24} {errors["px"]:6.1f} px   MPJPE {errors["mpjpe_mm"]:6.1f} mm   '
                    f'PA-MPJPE {errors["pa_mpjpe_mm"]:6.1f} mm'
                )
        if self.skipped:
            report.say(f'{len(self.skipped)} people have none:')
            for line in self.skipped:
                report.say(f'  {line}')
        if self.num_missing:
            report.note(f'{self.num_missing} images are not where they were, or of another size: drawn on grey')
        report.say(f'results are in {out}')
