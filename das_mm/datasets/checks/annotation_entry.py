"""One entry of an annotation file under examination."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from das_mm.datasets.datasets.annotation_entries import short_text

from .findings import Findings, Kind


class Entry:
    """One entry under examination. ``sound`` turns False with its first fault.

    Args:
        rows: 'images' or 'annotations'; ``row``: place in that list; ``place``: file name of the image, if known.
    """

    def __init__(self, rows: str, row: int, fields: dict, findings: Findings, place: str | None):
        self.rows, self.row, self.fields, self.findings = rows, row, fields, findings
        self.place, self.sound = place, True

    def fault(self, key: str, problem: str, meaning: str, remedy: str | None, detail: str = '') -> None:
        self.sound = False
        kind = Kind(f'{self.rows}.{key}', problem, meaning, remedy)
        about = ', '.join(str(part) for part in (f'id {self.fields.get("id")}', self.place) if part is not None)
        self.findings.fault(kind, [f'{self.rows}[{self.row}] ({about})' + (f': {detail}' if detail else '')])

    def require(self, keys: Iterable[str]) -> bool:
        """Whether all of them are there; a fault for each that is not."""
        absent = [key for key in keys if key not in self.fields]
        for key in absent:
            self.fault(
                key, 'is missing', f'every entry of {self.rows} needs {", ".join(keys)}', 'write it into every entry'
            )
        return not absent

    def numbers(self, key: str, shape: tuple[int, ...], remedy: str) -> np.ndarray | None:
        """The numbers of a field; None, and a fault, if it holds something else."""
        value = self.fields[key]
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            self.fault(key, 'is not a regular list of numbers', 'it cannot be read', remedy, short_text(value, 60))
            return None
        if array.shape != shape:
            self.fault(
                key,
                f'does not have the shape {shape_text(shape)}',
                'the numbers cannot be told apart',
                remedy,
                f'has {shape_text(array.shape)}',
            )
            return None
        return array

    def number(self, key: str, whole: bool = False) -> float | None:
        """The number of a field; None without it or, with a fault, if it is none. Null is no whole number."""
        value = self.fields.get(key)
        if value is None and not (whole and key in self.fields):
            return None
        number = self.numbers(key, (), f'give a {"whole " * whole}number')
        if number is not None and whole and number != np.rint(number):  # NaN too
            self.fault(
                key, 'is not a whole number', 'it is an id or a count', 'give a whole number', short_text(value, 60)
            )
            return None
        return None if number is None else float(number)

    def identity(self, used: set[float | None]) -> None:
        """Checks ``id``; ``used`` holds those before."""
        number = self.number('id', whole=True)
        if number is not None and number in used:
            self.fault(
                'id',
                'is used before',
                f'ids of {self.rows} must be unique: two files must not simply be joined',
                'give every entry an id of its own',
            )
        used.add(number)


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape in words."""
    return '×'.join(map(str, shape)) if shape else 'of one number'
