"""Options of metrics that are one of several names."""

from __future__ import annotations

from collections.abc import Collection

from das_mm.errors import UserError


def check_choice(name, allowed: Collection[str], field: str) -> None:
    """Raise UserError unless the name is among the allowed ones."""
    if name not in allowed:
        raise UserError(f'{name!r} is unknown', field=field, remedy=f'choose one of {", ".join(sorted(allowed))}')
