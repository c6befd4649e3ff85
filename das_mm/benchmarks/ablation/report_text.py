"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_VERDICTS = {'yes': '✓', 'no': '✗', 'within noise': '≈', 'one seed': '?'}


def markdown(report: Mapping[str, Any]) -> str:
    """Write the report of :func:`.report.make_report` as Markdown."""
    parts = [_head(report), *(_table(table) for table in report['tables']), _calibration(report), _trainings(report)]
    return '\n\n'.join(part for part in parts if part) + '\n'


def _head(report: Mapping[str, Any]) -> str:
    machines = '; '.join(_machines(report['machines'])) or 'nothing is finished yet'
    return '\n'.join(
        [
            f'# Ablations on synthetic scenes, size `{report["size"]}`',
            '',
            f'{report["description"][0].upper()}{report["description"][1:]}. {report["made_at"]}; made on: {machines}.',
            '',
            "The papers' numbers are of real data at their sizes. Only the direction from row to row can be compared. "
            'Mean ± standard deviation over n seeds; "as in the paper" is ✓ yes, ✗ no, ≈ within the noise '
            '(95 % interval of the difference, from the spread over seeds pooled over the table), ? one seed only. '
            'The difference stands beside.',
        ]
    )


def _machines(machines: Sequence[Mapping[str, Any]]) -> list[str]:
    """One text for each machine, with all commits that ran there."""
    commits: dict[str, list[str]] = {}
    for machine in machines:
        words = ', '.join(
            f'{name} {value}' for name, value in machine.items() if name != 'commit' and value is not None
        )
        commits.setdefault(words, []).extend([machine['commit']] if machine.get('commit') else [])
    return [
        words + (f', commit{"s" * (len(found) > 1)} {", ".join(found)}' if found else '')
        for words, found in commits.items()
    ]


def _table(table: Mapping[str, Any]) -> str:
    names = [metric['name'] for metric in table['metrics']]
    others = [metric['name'] for metric in table['others']]
    head = ['', *(cell for name in names for cell in (f'{name}, paper', name, 'as in the paper')), *others, 'n']
    lines = [_cells(head), _cells(['---'] + ['---:'] * (len(head) - 1))]
    for row in table['rows']:
        cells = [f'{row["number"]} {row["label"]}']
        for name in names:
            cells += [
                _number(row['paper'].get(name)),
                _spread(row['ours'].get(name)),
                _comparisons(row['comparisons'].get(name, ())),
            ]
        seeds = max((one['num'] for one in row['ours'].values()), default=0)
        lines.append(_cells([*cells, *(_spread(row['ours'].get(name)) for name in others), str(seeds)]))
    return '\n'.join([f'## Table {table["number"]}: {table["title"]} (paper: {table["data"]})', '', *lines])


def _comparisons(comparisons: Sequence[Mapping[str, Any]]) -> str:
    return '; '.join(
        f'{_VERDICTS[one["verdict"]]} {one["ours"]:+.1f}{_noise(one)} to row {one["against"]} '
        f'(paper {one["paper"]:+.1f})'
        for one in comparisons
    )


def _noise(comparison: Mapping[str, Any]) -> str:
    return '' if comparison['noise'] is None else f' ± {comparison["noise"]:.1f}'


def _calibration(report: Mapping[str, Any]) -> str:
    if not report['calibration']:
        return ''
    head = [
        'training',
        'axis',
        'RMS σ, mm',
        'ENCE',
        'RMS error / σ',
        'rank correlation',
        'coverage missed by: learned',
        'Laplace',
        'Gaussian',
        'keypoints',
    ]
    lines = [
        '## Is σ honest?',
        '',
        'Predicted standard deviations against actual errors in mm: x, y in the image at the true depth, z the '
        'depth to the root. Honest is ENCE 0, a ratio of 1 and no miss; mean over the seeds.',
        '',
        _cells(head),
        _cells(['---', '---'] + ['---:'] * (len(head) - 2)),
    ]
    for training, axes in report['calibration'].items():
        for axis, found in axes.items():
            missed = found['coverage_error']
            lines.append(
                _cells(
                    [
                        training,
                        axis,
                        _number(found.get('sigma_mm'), 1),
                        _number(found['ence'], 2),
                        _number(found['factor'], 2),
                        _number(found['rank_correlation'], 2),
                        *(
                            f'{100 * missed[name]:.1f} %' if name in missed else '–'
                            for name in ('learned', 'laplace', 'gaussian')
                        ),
                        _number(found['num'], 0),
                    ]
                )
            )
    pictures = report.get('calibration_pictures', {})
    return '\n'.join([*lines, '', *(f'![{training}]({name})' for training, name in pictures.items())])


def _trainings(report: Mapping[str, Any]) -> str:
    if not report['trainings']:
        return ''
    names = list(next(iter(report['trainings'].values()))['settings'])
    head = ['training', 'seeds', 'start', *(name.replace('_', ' ') for name in names), 'seconds of training']
    lines = ['## What was trained', '', _cells(head), _cells(['---'] * len(head))]
    for training, entry in report['trainings'].items():
        values = [entry['settings'][name] for name in names]
        lines.append(
            _cells(
                [
                    f'`{training}`',
                    ', '.join(map(str, entry['seeds'])),
                    entry['start'],
                    *('×'.join(map(str, value)) if isinstance(value, list) else str(value) for value in values),
                    ', '.join(f'{seconds:.0f}' for seconds in entry['seconds']),
                ]
            )
        )
    return '\n'.join(lines)


def _cells(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cells)} |'


def _number(value: float | None, digits: int = 1) -> str:
    return '–' if value is None else f'{value:.{digits}f}'


def _spread(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return '–'
    return f'{found["mean"]:.1f}' + ('' if found['std'] is None else f' ± {found["std"]:.1f}')
