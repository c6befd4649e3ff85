"""What was measured, for people: tables in the terminal, and the page of dense against sparse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from .stages import STAGES


def speed_table(title: str, cases: Sequence[Mapping[str, Any]], mean: bool = False) -> Table:
    """A row a variant: latency as median and quartiles, or as the papers' mean; work by the :func:`work_clock`."""
    table = Table(
        'variant',
        'mean ms' if mean else 'median ms',
        'quartiles',
        'work ms',
        'images/s',
        'peak memory',
        'work an image, ratio',
        title=title,
    )
    for case in cases:
        latency, ratio = case['latency_s'], case['times_the_first']
        shown = latency['mean' if mean else 'median']
        table.add_row(
            case['label'],
            f'{1000 * shown:.1f}',
            f'{1000 * latency["quartile_1"]:.1f}–{1000 * latency["quartile_3"]:.1f}',
            f'{1000 * case["work_s"]["median"]:.1f}',
            f'{case["batch"] / shown:.2f}',
            megabytes(case['peak_memory_bytes']),
            f'{ratio["median"]:.2f}',
        )
    return table


def stage_table(title: str, cases: Sequence[Mapping[str, Any]]) -> Table:
    """A column a variant, a row a stage; at the bottom their sum over the work of runs without the clock."""
    table = Table('ms (share)', *(case['label'] for case in cases), title=title)
    for stage in STAGES:
        if not any(stage in case['stages_s'] for case in cases):
            continue
        cells = []
        for case in cases:
            seconds = case['stages_s'].get(stage, 0.0)
            cells.append(f'{1000 * seconds:.1f} ({seconds / sum(case["stages_s"].values()):.0%})')
        table.add_row(stage, *cells)
    table.add_row('sum / work', *(f'{case["stages_sum_over_total"]:.2f}' for case in cases))
    return table


def dense_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table('what', 'scene', 'goal', 'measured', 'quartiles', '', title='dense against sparse')
    for row in rows:
        table.add_row(
            row['what'],
            row['scene'],
            goal_words(row),
            ratio_words(row['ratio']['median']),
            _quartiles(row),
            '[green]met' if row['met'] else '[red]missed',
        )
    return table


def peer_table(title: str, name: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """A row a number of people: work of ours and of the peer in float32, their ratio round by round, and that of
    ours in the precision in which inference runs it here."""
    table = Table(
        'people', 'ours, ms', f'{name}, ms', 'ratio', 'quartiles', 'as inference runs', 'people found', title=title
    )
    for row in rows:
        table.add_row(
            str(row['people']),
            f'{1000 * row["ours_s"]:.1f}',
            f'{1000 * row["peer_s"]:.1f}',
            ratio_words(row['ratio']['median']),
            _quartiles(row),
            ratio_words(row['ratio_as_run']['median']),
            f'{row["people_found"]["ours"]} and {row["people_found"]["peer"]}',
        )
    return table


def estimator_table(title: str, what: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """A row a batch: work of a ``what`` ('image' or 'person'), part by part, and of all beside the network alone."""
    table = Table(
        'batch', 'input, ms', 'network, ms', 'input to people, ms', f'{what}, ms', 'over network', 'peak memory',
        title=title,
    )  # fmt: skip
    for row in rows:
        parts = [f'{1000 * row["each_s"][part]["median"]:.2f}' for part in ('input', 'network', 'people', 'whole')]
        ratio = f'{row["over_network"]["median"]:.2f} ({_quartiles(dict(ratio=row["over_network"]))})'
        table.add_row(str(row['batch']), *parts, ratio, megabytes(row['peak_memory_bytes']))
    return table


def dense_page(result: Mapping[str, Any]) -> str:
    """The measurement as Markdown: what on, the ratios against their goals, and what bounds those that were missed."""
    machine, software, setting = result['machine'], result['software'], result['setting']
    width, height = setting['size']
    one_thread = machine['device'] == 'cpu' and machine['threads'] == 1  # see work_clock
    lines = [
        f'`{result["command"]}`: {result["config"]}, {result["weights"]}, {width}×{height}, {machine["device"]}'
        f'{" (" + machine["gpu"] + ")" if "gpu" in machine else ""}; {machine["cpu"]}, {machine["cores"]} cores, '
        f'{machine["threads"]} thread{"s" * (machine["threads"] > 1)}, load {machine["load_1_min"]:.1f} at the start; '
        f'torch {software["torch"]}; {software["date"][:10]}, commit {software["commit"]}, seed {setting["seed"]}. '
        f'Medians of {setting["runs"]} rounds taken in turn ({setting["train_runs"]} of training), quartiles in '
        f'brackets; times are {"CPU time of the process" if one_thread else "wall-clock"}. '
        'Before timing, the results of both ways were found equal: '
        + '; '.join(f'{name} within {worst:.1g}' for name, worst in _worst_checks(result['checks']).items())
        + '.',
        '',
        '| ratio | scene | goal | measured | | numerator / denominator |',
        '|---|---|---|---|---|---|',
    ]
    for row in result['rows']:
        measured = f'**{ratio_words(row["ratio"]["median"])}** ({_quartiles(row)})'
        lines.append(
            f'| {row["what"]} | {row["scene"]} | {goal_words(row)} | {measured} '
            f'| {"met" if row["met"] else "missed"} | {_absolute(row)} |'
        )
    missed = [row for row in result['rows'] if not row['met']]
    if missed:
        lines += ['', 'What bounds the missed ones:', '']
        lines += [f'- {row["what"]}, {row["scene"]}: {row["bound"]}.' for row in missed]
    return '\n'.join(lines) + '\n'


def _worst_checks(checks: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    worst: dict[str, float] = {}
    for check in checks:
        worst[check['what']] = max(worst.get(check['what'], 0.0), check['difference'])
    return worst


def goal_words(row: Mapping[str, Any]) -> str:
    return f'{"≤" if row["at_most"] else "≥"} {row["goal"]:g}'


def ratio_words(value: float) -> str:
    return f'{value:.0f}' if value >= 20 else f'{value:.2f}' if value >= 0.1 else f'{value:.4f}'


def _quartiles(row: Mapping[str, Any]) -> str:
    return f'{ratio_words(row["ratio"]["quartile_1"])}–{ratio_words(row["ratio"]["quartile_3"])}'


def _absolute(row: Mapping[str, Any]) -> str:
    pair = row['numerator'], row['denominator']
    if row['unit'] == 'bytes':
        return ' / '.join(megabytes(value) for value in pair)
    return ' / '.join(map(duration, pair))


def duration(seconds: float) -> str:
    return f'{1000 * seconds:.3g} ms' if seconds < 0.9995 else f'{seconds:.2f} s'


def megabytes(size: float) -> str:
    return f'{size / 1e6:.0f} MB'
