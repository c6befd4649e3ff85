"""``das_mm://NAME``: weights that come with the package, wherever mmengine takes a checkpoint's address.

So a config can begin with them on any machine: ``init_cfg=dict(type='Pretrained', checkpoint='das_mm://NAME',
prefix='backbone.')``, ``load_from='das_mm://NAME'``.
"""

from __future__ import annotations

from mmengine.runner.checkpoint import CheckpointLoader

from .packaged_files import packaged_file

SCHEME = 'das_mm://'


def teach_scheme() -> None:
    """Let mmengine's loader find the weights of the package by their names."""
    CheckpointLoader.register_scheme(prefixes=SCHEME, loader=_load_packaged, force=True)


def _load_packaged(filename: str, map_location: str | None = None) -> dict:
    """The checkpoint of an address.

    Raises:
        UserError: The package has no weights of this name.
    """
    file = packaged_file(filename.removeprefix(SCHEME), file=filename)
    return CheckpointLoader.load_checkpoint(str(file), map_location)
