"""Where the weights lie that come with the package; without torch, which those who run a graph do not load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from das_mm.errors import UserError

ASSETS = Path(__file__).parents[1] / 'assets'


def packaged_file(name: Any, file: str | Path | None = None, field: str | None = None) -> Path:
    """The file of weights that come with the package, by their name.

    Args:
        name: Of weights of the package.
        file, field: Where the name stands, for the error.

    Raises:
        UserError: The package has no weights of this name.
    """
    names = sorted(path.stem for path in ASSETS.glob('*.pth'))
    if name not in names:
        raise UserError(
            f'the package has no such weights: {name!r}',
            file=file,
            field=field,
            remedy=f'the names are {", ".join(names)}; or install the version of the package that the file is of',
        )
    return ASSETS / f'{name}.pth'
