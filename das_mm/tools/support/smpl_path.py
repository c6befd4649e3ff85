"""`smpl_path` of a config: the one licensed body that model and metric of a training on real data share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from das_mm.errors import UserError

if TYPE_CHECKING:
    from mmengine.config import Config

_USERS = ('model', 'val_evaluator', 'test_evaluator')


def share_smpl_path(cfg: Config, written: str | None) -> None:
    """Let `--cfg-options smpl_path=FILE` reach every body of the config that has the path which was written there.

    Args:
        cfg: After its options; changed.
        written: `smpl_path` before the options; None where the config has none.

    Raises:
        UserError: The config needs the body, and it is not there.
    """
    path = cfg.get('smpl_path')
    if path is None:
        return
    if not Path(path).expanduser().exists():
        raise UserError(
            'the SMPL body that the labels of this config are of is not there',
            file=path,
            field='smpl_path',
            remedy='register at https://smpl.is.tue.mpg.de, take "SMPL for Python" and name its file or folder: '
            '--cfg-options smpl_path=FILE',
        )
    for body in _bodies([cfg.get(user) for user in _USERS]):
        if body.get('model_path') in (None, written):
            body['model_path'] = str(Path(path).expanduser())


def _bodies(node: Any) -> Iterator[Any]:
    """Configs of :class:`SMPLBody` anywhere in a config."""
    if isinstance(node, Mapping):
        if str(node.get('type', '')).split('.')[-1] == 'SMPLBody':
            yield node
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for one in node:
            yield from _bodies(one)
