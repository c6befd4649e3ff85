"""Plain tables for the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def format_table(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[float]]) -> str:
    """A table of one line a row: its name, then numbers (whole ones without decimals, NaN as ``-``).

    Example:
        >>> print(format_table('errors', ('mpjpe_mm', 'people'), {'TS1': (12.345, 3.), 'TS2': (float('nan'), 0)}))
        errors  mpjpe_mm  people
        TS1         12.3       3
        TS2            -       0
    """
    width = max(map(len, (title, *rows)))
    lines = [f'{title:<{width}}  ' + '  '.join(columns)]
    for name, values in rows.items():
        cells = (f'{_cell(column, value):>{len(column)}}' for column, value in zip(columns, values))
        lines.append(f'{name:<{width}}  ' + '  '.join(cells))
    return '\n'.join(lines)


def _cell(column: str, value: float) -> str:
    if value != value:
        return '-'
    return f'{value:.0f}' if column in ('people', 'found', 'fallbacks', 'images') else f'{value:.1f}'
