"""mmpose's RLE checkpoints, to ours and back.

mmpose has one layer of 4K (x, y, raw σ_x, raw σ_y of every keypoint), without the division by the length of the
feature, and coordinates x / W where ours are x / W - 0.5.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

from das_mm.checkpoints.conversion import Conversion, Ledger, SourceKind
from das_mm.checkpoints.conversion.checkpoint_kinds import USE_AS_MODEL, name_config, weights_of_config
from das_mm.checkpoints.conversion.flow_weights import add_mask, mirror_flow
from das_mm.checkpoints.conversion.ledger import Fate
from das_mm.checkpoints.conversion.registered import CONVERSIONS
from das_mm.checkpoints.conversion.source_file import SourceFile
from das_mm.config_files import config_path
from das_mm.engine.config_reader import read_config
from das_mm.errors import UserError

from .released_rle import resnet_depth

# (keypoints, depth of the ResNet) -> ours with mmpose's head and loss
CONFIGS = {(17, 50): 'rle_resnet50-mmpose_8xb64-210e_coco-256x192.py'}
_FLOW = 'head.loss_module.criterion.flow.'
_THEIR_FLOW = 'head.loss_module.flow_model.'
# mmpose 0.x
_OLD_NAMES = {r'^keypoint_head\.': 'head.', r'^head\.loss\.': 'head.loss_module.'}


def merge_layers(coord: Tensor, sigma: Tensor) -> Tensor:
    """Rows (2K, …) of coordinates and of scales to mmpose's (4K, …), keypoint by keypoint."""
    pairs = [part.unflatten(0, (-1, 2)) for part in (coord, sigma)]
    return torch.cat(pairs, dim=1).flatten(0, 1)


def split_layer(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse of :func:`merge_layers`."""
    by_keypoint = rows.unflatten(0, (-1, 4))
    return by_keypoint[:, :2].flatten(0, 1), by_keypoint[:, 2:].flatten(0, 1)


def _renamed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    for pattern, name in _OLD_NAMES.items():
        weights = {re.sub(pattern, name, key): value for key, value in weights.items()}
    return weights


@CONVERSIONS.register('rle-mmpose')
class MMPoseRLE(SourceKind):
    """mmpose's ``RLEHead`` on a ResNet, of 1.x and 0.x."""

    title = "mmpose's RLE"

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        names = _renamed(weights)
        return 'head.fc.weight' in names and f'{_THEIR_FLOW}s.0.0.weight' in names

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        ledger = Ledger(_renamed(source.weights), source.path)
        keypoints = len(ledger.peek('head.fc.bias')) // 4
        depth = resnet_depth(source.weights, 'backbone.')
        config = config or CONFIGS.get((keypoints, depth))
        if config is None:
            raise UserError(
                f"mmpose's RLE of {keypoints} keypoints on a ResNet-{depth}, for which no config stands here",
                file=source.path,
                field='state_dict',
                remedy=f'write one with _base_ {CONFIGS[17, 50]} and name it with --config',
            )
        wanted = weights_of_config(config)
        ledger.use_all('backbone.', 'backbone.')
        for part in ('weight', 'bias'):
            rows = ledger.take(f'head.fc.{part}', f'head.fc_coord.linear.{part}', Fate.FOLDED, 'split; x / W - 0.5')
            coord, sigma = split_layer(rows)
            ledger.result[f'head.fc_coord.linear.{part}'] = coord - 0.5 if part == 'bias' else coord
            ledger.result[f'head.fc_sigma.linear.{part}'] = sigma
        for name in ('loc', 'cov'):
            ledger.drop(_THEIR_FLOW + name, 'the base density, standard normal here')
        mirror_flow(ledger, _THEIR_FLOW, _FLOW)
        add_mask(ledger, f'{_FLOW}mask', wanted)
        ledger.add_batch_counters(wanted)
        ledger.check_against(wanted, f'the config {config}')
        kind = f"mmpose's RLE, {keypoints} keypoints, ResNet-{depth}"
        return Conversion(kind, ledger, name_config(config), USE_AS_MODEL)


@CONVERSIONS.register('rle')
class OwnRLE(SourceKind):
    """A checkpoint of this project: kept, or made into mmpose's where a config of mmpose's ``RLEHead`` is named."""

    title = 'das_mm RLE'

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        return 'head.fc_coord.linear.weight' in weights

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        ledger = Ledger(source.weights, source.path)
        cfg = None if config is None else read_config(config_path(config))
        if cfg is not None and str(cfg.model.head.type).endswith('RLEHead'):
            return cls._to_mmpose(ledger, source, str(config))
        meta = {key: value for key, value in source.meta.items() if config is None or key not in ('cfg', 'config')}
        if config is not None:
            meta.update(name_config(config))
        if not isinstance(meta.get('cfg'), str) and not isinstance(meta.get('config'), str):
            raise UserError(
                'these are weights of das_mm already, and they do not say of which config',
                file=source.path,
                field='meta.cfg',
                remedy='name it with --config',
            )
        ledger.use_all('', '')
        if config is not None:
            ledger.check_against(weights_of_config(config), f'the config {config}')
        return Conversion('a checkpoint of this project already', ledger, meta, USE_AS_MODEL)

    @classmethod
    def _to_mmpose(cls, ledger: Ledger, source: SourceFile, config: str) -> Conversion:
        cls._check_plain(source)
        layers = {}
        for name in ('coord', 'sigma'):
            for part in ('weight', 'bias'):
                old = f'head.fc_{name}.linear.{part}'
                layers[name, part] = ledger.take(old, f'head.fc.{part}', Fate.FOLDED, 'merged; x / W')
        layers['coord', 'bias'] = layers['coord', 'bias'] + 0.5
        for part in ('weight', 'bias'):
            ledger.result[f'head.fc.{part}'] = merge_layers(layers['coord', part], layers['sigma', part])
        mirror_flow(ledger, _FLOW, _THEIR_FLOW)
        ledger.add(f'{_THEIR_FLOW}loc', torch.zeros(2), 'the base density, standard normal')
        ledger.add(f'{_THEIR_FLOW}cov', torch.eye(2), 'the base density, standard normal')
        ledger.use_all('backbone.', 'backbone.')
        use = "mmpose's tools and inferencers, with the config named: {dst}"
        return Conversion("this project's RLE, made into mmpose's", ledger, dict(mmpose_config=config), use)

    @staticmethod
    def _check_plain(source: SourceFile) -> None:
        """mmpose's head has no division by the length of the feature, and 2D alone.

        Raises:
            UserError: The source has.
        """
        text = source.meta.get('cfg')
        name = source.meta.get('config')
        if isinstance(text, str):
            plain = re.search(r'feature_norm\s*=\s*False', text) is not None
        else:
            plain = isinstance(name, str) and read_config(config_path(name)).model.head.get('feature_norm') is False
        if not plain or f'{_FLOW}s.0.0.weight' not in source.weights:
            raise UserError(
                "mmpose's RLEHead has neither the normalised feature nor depths, nor a loss without a flow",
                file=source.path,
                field='model.head.feature_norm',
                remedy='only networks of feature_norm=False with the RLE loss in 2D can be written for mmpose',
            )
