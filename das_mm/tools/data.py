"""`das-mm data`: look at annotation files and at keypoint sets before hours are spent on them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

HELP = 'check an annotation file; draw the keypoint sets'

_SHEET_IMAGES = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    what = parser.add_subparsers(dest='what', metavar='WHAT', required=True)
    check = what.add_parser(
        'check',
        help='list everything that is wrong or odd in an annotation file',
        description='List everything that is wrong or odd in an annotation file. Exit status: 0 '
        'without faults (warnings may be there), 1 with faults, 2 for a file that is none.',
    )
    check.add_argument('file', metavar='FILE', help="json in the package's format or COCO's")
    check.add_argument('--images', metavar='DIR', help='folder that file_name is relative to; checks the images too')
    check.add_argument('--keypoint-set', metavar='NAME', help='of the file, if it does not say so itself')
    check.add_argument('--sheet', metavar='PNG', type=Path, help='draw some images with their labels; needs --images')
    check.add_argument('--json', action='store_true', help='print the report as json')
    skeletons = what.add_parser('skeletons', help='draw every keypoint set: names, indices, links, sides')
    skeletons.add_argument('--out', required=True, metavar='DIR', help='for NAME.png of each set, and all.png')


def run(args: argparse.Namespace) -> int:
    """Check, or draw."""
    return {'check': _check, 'skeletons': _skeletons}[args.what](args)


def _skeletons(args: argparse.Namespace) -> int:
    from das_mm.tools.support.report import Report
    from das_mm.visualization.skeleton_sheet import write_skeleton_sheets

    paths = write_skeleton_sheets(args.out)
    Report().wrote(f'{len(paths) - 1} keypoint sets, and {paths[-1]}')
    return 0


def _check(args: argparse.Namespace) -> int:
    from das_mm.datasets.checks import check_annotation_file
    from das_mm.errors import UserError

    if args.sheet is not None and args.images is None:
        raise UserError('it needs the images', field='--sheet', remedy='give their folder by --images')
    report = check_annotation_file(args.file, args.keypoint_set, args.images)
    sheet, reason = _draw_sheet(report, args.images, args.sheet) if args.sheet is not None else (None, '')
    if args.json:
        print(json.dumps(report.as_dict(), indent=1))
    else:
        print_report(report)
        if args.sheet is not None:
            _say(f'wrote {sheet}' if sheet else f'no picture: {reason}', 'green' if sheet else 'yellow')
    return 1 if report.faults else 0


def _draw_sheet(report, images: str, path: Path) -> tuple[Path | None, str]:
    """Some images with people, spread evenly over the file; None, and why, where nothing can be drawn."""
    import numpy as np

    from das_mm.visualization.annotation_sheet import try_annotation_sheet

    if report.sound is None:
        return None, 'nothing in the file is sound'
    people, entries = report.sound.people, report.sound.images
    rows = np.array(
        [row for row in np.unique(people.image_row) if Path(images, entries[row]['file_name']).is_file()], dtype=int
    )
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(_SHEET_IMAGES, len(rows))).round().astype(int))]
    samples = []
    for row in chosen:
        keypoints = np.concatenate([people.keypoints, people.flags[..., None]], -1)[people.image_row == row]
        points, valid = (column[people.image_row == row] for column in (people.keypoints_3d, people.keypoints_3d_valid))
        samples.append(
            (
                entries[row],
                [
                    dict(
                        keypoints=keypoints[n].ravel(),
                        keypoints_3d=points[n] if valid[n].any() else None,
                        keypoints_3d_valid=valid[n],
                    )
                    for n in range(len(keypoints))
                ],
            )
        )
    return try_annotation_sheet(path, samples, Path(images), report.sound.keypoint_set.name)


def print_report(report) -> None:
    """Faults, warnings and tables of a report, and the verdict."""
    from das_mm.tools.support.report import Report

    for title, findings, style in (('FAULT', report.faults, 'red'), ('WARNING', report.warnings, 'yellow')):
        for finding in findings:
            kind = finding.kind
            _say(f'{title}  {kind.field} {kind.problem} ({finding.count}x)', style)
            _say(f'    what it means: {kind.meaning}')
            _say(f'    what to do:    {kind.remedy}')
            for example in finding.examples:
                _say(f'      {example}', 'dim')
            if 0 < len(finding.examples) < finding.count:
                _say(f'      … and {finding.count - len(finding.examples)} more', 'dim')
    if report.summary is not None:
        for table in _tables(report.summary):
            Report().show(table)
    number = len(report.faults)
    if number:
        _say(f'{report.file}: {_kinds(number, "fault")}; a training would refuse the file', 'bold red')
    else:
        warnings = f', {_kinds(len(report.warnings), "warning")}' if report.warnings else ''
        _say(f'{report.file}: no faults{warnings}', 'bold green')


def _say(text: str, style: str | None = None) -> None:
    from das_mm.tools.support.report import Report

    Report().say(text, style)


def _kinds(number: int, of: str) -> str:
    return f'{number} kind{"s" * (number != 1)} of {of}'


def _tables(summary: dict):
    """The counts, and how often each keypoint is labelled."""
    from rich.table import Table

    counts = Table(title='what is sound in the file', show_header=False)
    for key, value in summary.items():
        if key != 'keypoints' and value is not None:
            counts.add_row(key.replace('_', ' '), _text(value))
    keypoints = Table(title='keypoints, % of the people')
    for column in ('', 'name', 'labelled', 'visible', 'with 3D'):
        keypoints.add_column(column, justify='left' if column == 'name' else 'right')
    for index, row in enumerate(summary['keypoints']):
        keypoints.add_row(str(index), row['name'], *(f'{row[key]:g}' for key in ('labelled', 'visible', 'with_3d')))
    return counts, keypoints


def _text(value) -> str:
    if isinstance(value, dict):
        return ', '.join(
            f'{key} {number:.6g}' if isinstance(number, float) else f'{key} ({number})' for key, number in value.items()
        )
    return str(value)
