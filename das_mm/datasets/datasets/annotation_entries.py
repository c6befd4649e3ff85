"""The entries of one list of an annotation file as columns of numbers; a fault is told with its place in the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from das_mm.errors import UserError


class Entries:
    """The entries of ``images`` or ``annotations`` of one file; knows how to name the one at fault."""

    def __init__(self, file: str, name: str, rows: list[dict], places: Sequence[int] | None = None):
        self.file, self.name, self.rows = file, name, rows
        self.places = range(len(rows)) if places is None else places  # in the file

    def having(self, key: str) -> Entries:
        """The entries in which ``key`` is given."""
        chosen = [row for row, entry in enumerate(self.rows) if entry.get(key) is not None]
        return Entries(self.file, self.name, [self.rows[row] for row in chosen], [self.places[row] for row in chosen])

    def fail(self, row: int, key: str, problem: str, remedy: str | None = None) -> NoReturn:
        """Raises the UserError for one entry."""
        entry = self.rows[row]
        number = f' (id {entry["id"]})' if isinstance(entry, dict) and 'id' in entry else ''
        raise UserError(problem, file=self.file, field=f'{self.name}[{self.places[row]}]{number}.{key}', remedy=remedy)

    def check(self, good: np.ndarray, key: str, problem: str, remedy: str | None = None) -> None:
        """Fails for the first row where ``good`` (rows, …) is not all True."""
        bad = np.flatnonzero(~good.all(axis=tuple(range(1, good.ndim))))
        if len(bad):
            more = f' (and {len(bad) - 1} more)' if len(bad) > 1 else ''
            self.fail(int(bad[0]), key, problem + more, remedy)

    def require(self, *keys: str, remedy: str | None = None) -> None:
        """Fails for the first entry that lacks one of the keys."""
        for row, entry in enumerate(self.rows):
            if not isinstance(entry, dict):
                raise UserError(
                    f'expected an object, found {type(entry).__name__}',
                    file=self.file,
                    field=f'{self.name}[{row}]',
                    remedy='write the file again',
                )
            for key in keys:
                if key not in entry:
                    self.fail(row, key, 'is missing', remedy or f'every entry of {self.name} needs {", ".join(keys)}')

    def numbers(self, key: str, shape: tuple[int, ...] = (), default=None, remedy: str | None = None) -> np.ndarray:
        """Column of numbers (rows, *shape) float64; null becomes NaN."""
        values = [entry.get(key, default) for entry in self.rows]
        try:
            column = np.asarray(values, dtype=np.float64)
            if column.shape == (len(values), *shape) or not values:
                return column.reshape(len(values), *shape)
        except (TypeError, ValueError):
            pass
        for row, value in enumerate(values):
            try:
                got = np.asarray(value, dtype=np.float64).shape
            except (TypeError, ValueError):
                self.fail(row, key, f'is not a regular list of numbers: {short_text(value)}', remedy)
            if got != shape:
                self.fail(row, key, f'has shape {got}, expected {shape}', remedy)
        raise AssertionError('unreachable: every value fits alone but not together')

    def integers(self, key: str, default: int | None = None) -> np.ndarray:
        """Column of whole numbers (rows,) int64."""
        column = self.numbers(key, default=default)
        self.check(np.isfinite(column) & (column == np.rint(column)), key, 'is not a whole number')
        return np.asarray([int(entry.get(key, default)) for entry in self.rows], dtype=np.int64)  # exact beyond 2^53

    def require_unique(self, ids: np.ndarray) -> None:
        """Fails for the first entry whose id (rows,) has been used before."""
        _, first = np.unique(ids, return_index=True)
        repeated = np.ones(len(ids), dtype=bool)
        repeated[first] = False
        self.check(
            ~repeated,
            'id',
            f'is used before: ids of {self.name} must be unique',
            'give every entry an id of its own; two files must not simply be joined',
        )


def short_text(value, length: int = 80) -> str:
    """How a value looks, cut where it is long."""
    text = repr(value)
    return text if len(text) <= length else text[:length] + '…'
