"""``das_mm://NAME``: weights that come with the package, wherever mmengine takes a checkpoint's address.

So a config can begin with them on any machine: ``init_cfg=dict(type='Pretrained', checkpoint='das_mm://NAME',
prefix='backbone.')``, ``load_from='das_mm://NAME'``.
"""

from __future__ import annotations

from pathlib import Path

from mmengine.runner.checkpoint import CheckpointLoader

from das_mm.errors import UserError

SCHEME = 'das_mm://'

_ASSETS = Path(__file__).parents[1] / 'assets'


def teach_scheme() -> None:
    """Let mmengine's loader find the weights of the package by their names."""
    CheckpointLoader.register_scheme(prefixes=SCHEME, loader=_load_packaged, force=True)


def _load_packaged(filename: str, map_location: str | None = None) -> dict:
    """The checkpoint of an address.

    Raises:
        UserError: The package has no weights of this name.
    """
    name = filename.removeprefix(SCHEME)
    names = sorted(path.stem for path in _ASSETS.glob('*.pth'))
    if name not in names:
        raise UserError('the package has no such weights', file=filename, remedy=f'the names are {", ".join(names)}')
    return CheckpointLoader.load_checkpoint(str(_ASSETS / f'{name}.pth'), map_location)
