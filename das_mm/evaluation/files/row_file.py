"""Tables of one row a person, as csv or json; written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from das_mm.engine import atomic_write

from .result_file import check_ending, finite_or_none


def write_rows(path: str | Path, columns: Mapping[str, Sequence | np.ndarray]) -> None:
    """Write columns of one length; what is not finite becomes an empty cell (csv) or null (json).

    Args:
        path: ``*.csv`` or ``*.json``.
        columns: Name -> values.

    Raises:
        UserError: Another ending, or the place cannot be written to.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_rows(folder + '/rows.csv', dict(person=[0, 1], error_mm=[2.5, float('nan')]))
        ...     print(Path(folder, 'rows.csv').read_text().split())
        ['person,error_mm', '0,2.5', '1,']
    """
    check_ending(path, ('.csv', '.json'), 'person_file')
    rows: list[Any] = [finite_or_none(dict(zip(columns, row))) for row in zip(*columns.values())]
    if Path(path).suffix == '.json':
        text = json.dumps(rows, allow_nan=False, indent=1)
    else:
        buffer = io.StringIO(newline='')
        writer = csv.DictWriter(buffer, columns)
        writer.writeheader()
        writer.writerows(rows)
        text = buffer.getvalue()
    atomic_write(path, text.encode())
