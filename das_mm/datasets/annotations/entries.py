"""The entries of one list of an annotation file as columns of numbers; a fault is told with its place in the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from das_mm.errors import UserError

from .rules import MARK, MISSING, NUMBER, NUMBERS, OBJECT, TEXT, UNIQUE, WHOLE, Rule, shape_rule, shape_text
from .values import as_numbers, as_whole_number, is_usable_text, short_text


@dataclass(frozen=True)
class Fault:
    """One entry that breaks a rule.

    Attributes:
        rows: 'images' or 'annotations'. place: Of the entry in that list; None for a fault of the whole list.
        entry: Itself. key: The field; None for the whole entry.
        rule: Which it breaks. detail: What it holds instead; may be empty.
        count: Entries at fault, for one of the whole list.
    """

    rows: str
    place: int | None
    entry: Any
    key: str | None
    rule: Rule
    detail: str = ''
    count: int = 1


class Entries:
    """The objects among the entries of ``images`` or ``annotations`` of one file.

    Args:
        file: Its path. name: Of the list. rows: The list.
        tell: Is told each fault, and reading goes on with something in its place; None: the first fault is an error.

    Attributes:
        rows: The objects. places: Where they stand in the list.
        unsound: Places of the entries that broke a rule.

    Raises:
        UserError: An entry is no object; the methods raise it for an entry that breaks a rule.
    """

    def __init__(self, file: str, name: str, rows: list, tell: Callable[[Fault], None] | None = None):
        self.file, self.name, self.tell = file, name, tell
        self.unsound: set[int] = set()
        self._told: set[tuple[int, str | None]] = set()
        self.rows: list[Any] = rows
        self.places: Sequence[int] = range(len(rows))
        bad = [row for row, entry in enumerate(rows) if not isinstance(entry, dict)]
        if not bad:
            return
        self.fail(bad, None, OBJECT, lambda row: short_text(rows[row]))
        self.places = [row for row, entry in enumerate(rows) if isinstance(entry, dict)]
        self.rows = [rows[row] for row in self.places]

    def having(self, key: str) -> Entries:
        """The entries in which ``key`` is given; they tell what they find with these."""
        return self.chosen([row for row, entry in enumerate(self.rows) if entry.get(key) is not None])

    def chosen(self, chosen: Sequence[int]) -> Entries:
        """Some of the rows; they tell what they find with these."""
        some = Entries(self.file, self.name, [self.rows[row] for row in chosen], self.tell)
        some.places = [self.places[row] for row in chosen]
        some.unsound, some._told = self.unsound, self._told
        return some

    def fail(
        self, bad: Sequence[int] | np.ndarray, key: str | None, rule: Rule, detail: Callable[[int], str] = lambda _: ''
    ) -> None:
        """Tells the faults of rows, one a field and entry: the first one, as an error, where nobody is to be told."""
        rows = [int(row) for row in bad if (self.places[row], key) not in self._told]
        if not rows:
            return
        if self.tell is None:
            raise self._error(rows, key, rule, detail(rows[0]))
        for row in rows:
            place = self.places[row]
            self.unsound.add(place)
            self._told.add((place, key))
            self.tell(Fault(self.name, place, self.rows[row], key, rule, detail(row)))

    def fail_together(self, key: str, rule: Rule, detail: str, count: int) -> None:
        """Tells a fault that only many entries together show."""
        if self.tell is None:
            raise rule.error(self.file, f'{self.name}.{key}', detail)
        self.tell(Fault(self.name, None, None, key, rule, detail, count))

    def check(self, key: str, rule: Rule, values: np.ndarray, detail: Callable[[int], str] = lambda _: '') -> None:
        """Tells the rows whose values (rows, …) are not sound."""
        self.fail(np.flatnonzero(~rule.holds(values)), key, rule, detail)

    def require(self, *keys: str) -> None:
        """Tells the entries that lack one of the keys."""
        for key in keys:
            self.fail([row for row, entry in enumerate(self.rows) if key not in entry], key, MISSING)

    def numbers(
        self, key: str, shape: tuple[int, ...] = (), default: float | None = None, remedy: str | None = None
    ) -> np.ndarray:
        """Column of numbers (rows, *shape) float64.

        Args:
            key: The field.
            shape: Of each entry's.
            default: Stands for a field that is absent or null; None where it must be there (null is then NaN).
            remedy: For entries of another shape.
        """
        filler = np.full(shape, np.nan if default is None else default)
        values = [entry.get(key) for entry in self.rows]
        if not shape and set(map(type, values)) <= {int, float, bool}:  # as almost always, and faster
            with suppress(OverflowError):
                return np.array(values, np.float64)
        column, bad = [], []
        for row, value in enumerate(values):
            if not (type(value) is np.ndarray and value.dtype == np.float64):  # as most are: see `load_annotations`
                value = filler if value is None and default is not None else as_numbers(value)
            if value is None or value.shape != shape:
                bad.append(row)
                value = filler
            column.append(value)
        if bad:
            self._fail_shapes(bad, key, shape, values, remedy)
        return np.array(column, np.float64).reshape(len(values), *shape)

    def whole_numbers(self, key: str, default: int | None = None) -> np.ndarray:
        """Column of whole numbers (rows,) int64, exact; ``default`` as of :meth:`numbers`."""
        values = [entry.get(key) for entry in self.rows]
        if set(map(type, values)) <= {int}:
            with suppress(OverflowError):
                return np.array(values, np.int64)
        numbers = [default if value is None else as_whole_number(value) for value in values]
        bad = [row for row, number in enumerate(numbers) if number is None]
        self.fail(bad, key, WHOLE, lambda row: short_text(values[row]))
        return np.array([-(2**63) if number is None else number for number in numbers], dtype=np.int64)

    def marks(self, key: str, default: bool) -> np.ndarray:
        """Column (rows,) bool of a field that is 0 or 1, false or true; null is as good as absent."""
        column = self.numbers(key, default=float(default))
        self.check(key, MARK, column, self.shown(key))
        return column == 1

    def texts(self, key: str) -> list[str]:
        """Column of names, '' where they are absent or null; whole numbers are names too."""
        values = [entry.get(key) for entry in self.rows]
        names = ['' if value is None else str(value) if type(value) is int else value for value in values]
        self.fail([row for row, name in enumerate(names) if not is_usable_text(name)], key, TEXT, self.shown(key))
        return names

    def require_unique(self, ids: np.ndarray) -> None:
        """Tells the entries whose id (rows,) has been used before."""
        _, first = np.unique(ids, return_index=True)
        repeated = np.ones(len(ids), dtype=bool)
        repeated[first] = False
        self.fail(np.flatnonzero(repeated), 'id', UNIQUE)

    def shown(self, key: str) -> Callable[[int], str]:
        """What a row holds there, for people."""
        return lambda row: short_text(self.rows[row].get(key))

    def _fail_shapes(self, bad: list[int], key: str, shape: tuple[int, ...], values: list, remedy: str | None) -> None:
        """Tells the rows whose values are no numbers, or of another shape."""
        given = {row: as_numbers(values[row]) for row in bad if values[row] is not None}
        shapes = {row: numbers.shape for row, numbers in given.items() if numbers is not None}
        alien = [row for row in bad if row not in shapes]
        self.fail(alien, key, NUMBERS if shape else NUMBER, lambda row: short_text(values[row]))
        rule = shape_rule(shape, remedy or f'give {shape_text(shape)} numbers')
        self.fail(list(shapes), key, rule, lambda row: f'has {shape_text(shapes[row]).removeprefix("of ")}')

    def _error(self, rows: list[int], key: str | None, rule: Rule, detail: str) -> UserError:
        entry, place = self.rows[rows[0]], self.places[rows[0]]
        number = f' (id {short_text(entry["id"])})' if isinstance(entry, dict) and 'id' in entry else ''
        more = f' (and {len(rows) - 1} more)' if len(rows) > 1 else ''
        field = f'{self.name}[{place}]{number}' + ('' if key is None else f'.{key}')
        problem = f'{rule.problem}: {detail}' if detail else rule.problem
        return UserError(problem + more, file=self.file, field=field, remedy=rule.remedy)
