"""`das-mm convert`: a data set's original archives to the package's annotation format."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from das_mm.errors import UserError

HELP = 'turn a downloaded data set into the annotation format of the package'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb; every data set adds its own."""
    from das_mm.datasets.converters import CONVERTERS

    names = parser.add_subparsers(dest='name', metavar='NAME', required=True)
    parser.add_argument(
        '--import',
        dest='imported',
        metavar='MODULE',
        action=_Import,
        default=[],
        names=names,
        help='module that registers data sets of your own, as projects.graphcmr.graphcmr; stands before NAME; may be '
        'repeated',
    )
    _add_names(names, CONVERTERS.names())


class _Import(argparse.Action):
    """Imports a module at once, so that its data sets can be named behind the option."""

    def __init__(self, *args: Any, names: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.names = names

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        from das_mm.datasets.converters import CONVERTERS

        before = CONVERTERS.names()
        try:
            importlib.import_module(str(values))
        except ImportError as error:
            raise UserError(
                f"'{values}' cannot be imported ({error})",
                field='--import',
                remedy='write it as python does, and run in the folder, or install the package, where it is',
            ) from error
        _add_names(self.names, [name for name in CONVERTERS.names() if name not in before])


def _add_names(names: Any, wanted: list[str]) -> None:
    from das_mm.datasets.converters import CONVERTERS

    for name in wanted:
        converter = CONVERTERS.get(name)
        sub = names.add_parser(
            name,
            help=converter.title,
            description=f'{converter.title}. The files it needs:\n\n{converter.tree}',
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument('--root', required=True, metavar='DIR', help='folder of the downloaded data set')
        sub.add_argument('--out', required=True, metavar='FILE', help='the json to write; a picture is put beside it')
        splits = converter.splits
        sub.add_argument(
            '--split', default=splits[0] if splits else 'train', choices=splits or None, help='default %(default)s'
        )
        sub.add_argument('--workers', type=int, metavar='N', help='processes; default: all cores; 0: this one alone')
        sub.add_argument(
            '--skip-checks', action='store_true', help='write the file even if its numbers look impossible'
        )
        sub.add_argument('--keep-going', action='store_true', help='leave out what is damaged')
        converter.add_arguments(sub)


def run(args: argparse.Namespace) -> int:
    """Convert; then counts beside those of the protocol."""
    from das_mm.datasets.converters import CONVERTERS
    from das_mm.datasets.converters.conversion_runner import run_conversion
    from das_mm.tools.support.report import Report
    from das_mm.visualization.annotation_sheet import try_annotation_sheet

    converter = CONVERTERS.get(args.name).from_arguments(args)
    told = Report()
    report = run_conversion(
        converter,
        args.out,
        workers=args.workers,
        progress=True,
        checks=not args.skip_checks,
        keep_going=args.keep_going,
    )
    sheet, reason = try_annotation_sheet(
        report.out.with_suffix('.png'), report.samples, converter.image_root, converter.keypoint_set
    )
    told.show(_table(converter, report))
    for note in report.notes:
        told.note(note)
    for name, fault in report.failed.items():
        told.headed('left out', f'{name}: {fault}', 'red')
    for path in (report.out, report.smpl, sheet):
        if path is not None:
            told.wrote(path)
    if sheet is None:
        told.note(f'no picture: {reason}')
    return 0


def _table(converter, report):
    """Counts, with what the protocol expects where it says something."""
    from rich.table import Table

    expected = converter.expected()
    table = Table(title=f'{converter.title}, {converter.split}')
    table.add_column('what')
    table.add_column('here', justify='right')
    if expected:
        table.add_column('protocol', justify='right')
    first = ('sequences', 'images', 'images with camera', 'people', 'people with 3D', 'people without 3D')
    rows = [*first, *sorted(set(report.counts) - set(first)), *(name for name in expected if name not in report.counts)]
    for name in dict.fromkeys(rows):
        cells = [name, str(report.counts.get(name, 0))]
        table.add_row(*cells, *([expected.get(name, '')] if expected else []))
    for name, value in report.medians.items():
        table.add_row(f'median {name}', f'{value:.4g}', *([''] if expected else []))
    return table
