"""Where a training begins: the initial weights that `load_from` names, what they freeze, and what is told without them.

A config says by `initial_weights` what the paper began with (configs/_base_/initial_weights/): `paper` and `get`, for
people, and `freeze`, settings of `model.backbone` that count once there are such weights. Random weights are never
frozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from torch import nn

from das_mm.checkpoints.config_text import read_config_values
from das_mm.checkpoints.initial_weights import load_weights_that_fit
from das_mm.checkpoints.weight_loader import load_checkpoint_strict
from das_mm.engine.checkpoint_files import read_checkpoint
from das_mm.errors import UserError

#: what freezes parts of a backbone, and its value where nothing is frozen
_FREEZING: dict[str, Any] = dict(frozen_stages=-1, frozen_blocks=0, norm_eval=False)


def prepare_backbone(cfg: Config) -> list[str]:
    """Freeze what the config says where initial weights (or a checkpoint to go on from) are named, nothing elsewhere.

    Args:
        cfg: Of a training; `load_from` and `resume` are final. Its backbone is changed.

    Returns:
        Warnings.
    """
    backbone: Any = cfg.model.get('backbone')
    if not isinstance(backbone, dict):
        return []
    start = cfg.get('initial_weights') or {}
    freeze = start.get('freeze') or {}
    if cfg.get('resume'):
        earlier = _backbone_of(cfg.load_from)
        backbone.update({key: earlier[key] for key in _FREEZING if key in earlier and key in {**backbone, **freeze}})
        backbone.pop('init_cfg', None)
        return []
    if cfg.get('load_from'):
        backbone.update(freeze)
        if start:  # the file has them: nothing needs to be downloaded before
            backbone.pop('init_cfg', None)
        return []
    warnings = _thaw(backbone)
    if start:
        begins = _pretrained(backbone.get('init_cfg')) or 'random numbers'
        warnings.append(
            f'no initial weights are named: the backbone begins with {begins} and nothing is frozen. The paper began '
            f'with {start.get("paper")}: {start.get("get")}, then --cfg-options load_from=FILE'
        )
    return warnings


def load_start(model: nn.Module, cfg: Config) -> str | None:
    """Load `load_from`: wholly where a training goes on, else what fits; see :mod:`das_mm.checkpoints`.

    mmengine loads it once more when the training starts, after it has set the initial values, and would tell what does
    not fit only where nobody reads it.

    Returns:
        What was loaded, where not everything was; else None.

    Raises:
        UserError: It cannot be loaded, or has no weights for what is frozen.
    """
    path = cfg.get('load_from')
    if path is None:
        return None
    if cfg.get('resume'):
        load_checkpoint_strict(model, path)
        return None
    result = load_weights_that_fit(model, path)
    frozen = [name.removeprefix('module.') for name, one in model.named_parameters() if not one.requires_grad]
    random = sorted(set(frozen) - set(result.loaded))
    if random and not _pretrained(cfg.model.get('backbone', {}).get('init_cfg')):
        raise UserError(
            f'{len(random)} weights are frozen and not in the file, so they would stay random: {random[0]}, …',
            file=path,
            field='load_from',
            remedy='give initial weights that have them, or freeze nothing: --cfg-options '
            'initial_weights.freeze.frozen_stages=-1',
        )
    return None if result.complete else str(result)


def _thaw(backbone: dict) -> list[str]:
    """Freeze nothing of a backbone that begins with random numbers, as configs of before may say."""
    if _pretrained(backbone.get('init_cfg')):
        return []
    frozen = [key for key in _FREEZING if key in backbone and backbone[key] not in (_FREEZING[key], None)]
    if str(backbone.get('type')).endswith('MSPNPyramid') and backbone.get('frozen_stages') == 0:
        frozen = []  # its word for nothing
    for key in frozen:
        backbone[key] = _FREEZING[key]
    told = ', '.join(f'model.backbone.{key}' for key in frozen)
    return [f'{told}: not obeyed, since the backbone has no initial weights and would stay random'] if frozen else []


def _pretrained(init_cfg: Any) -> str | None:
    """The checkpoint that an `init_cfg` names; None without one."""
    kinds = init_cfg if isinstance(init_cfg, (list, tuple)) else [init_cfg]
    named = [one for one in kinds if isinstance(one, Mapping) and one.get('type') == 'Pretrained']
    return str(named[0].get('checkpoint')) if named else None


def _backbone_of(checkpoint: str) -> Mapping:
    """The backbone's config of the run that wrote a checkpoint; empty where it does not tell."""
    text = (read_checkpoint(checkpoint).get('meta') or {}).get('cfg')
    try:
        model = read_config_values(text, checkpoint).get('model') if isinstance(text, str) else None
    except UserError:  # the weights are what counts
        model = None
    found = model.get('backbone') if isinstance(model, Mapping) else None
    return found if isinstance(found, Mapping) else {}
