"""The authors' own checkpoints (github.com/wangzt-halo/das, mmcv 1.3, mmdet 2.14), under our names.

Nothing is retrained and nothing approximated: the config that the result names repeats the released units, points and
thresholds. What has no counterpart of the same form is folded into one that computes the same:

* the scalars ``scales.<level>.<0..3>.scale`` (root offset, root depth, keypoint xy, keypoint z) are one tensor here;
* the flows learnt the density of (prediction - truth) / σ, ours is that of (truth - prediction) / σ: their first and
  last linear layers change sign, which mirrors the density exactly (the base density is even);
* the biases of a neck without batch norm become those of batch norms that do nothing else.

The masks of the flows are constants, which some files do not have: they are added.

The map of root offsets comes along, but has never been trained (the released loss has no term for it), and counts from
the root to the point; :class:`.KeypointRootCoder` does not read it.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

from das_mm.errors import UserError

from .checkpoint_kinds import USE_AS_MODEL, Conversion, SourceKind, name_config, weights_of_config
from .flow_weights import add_mask, mirror_flow
from .ledger import Fate, Ledger
from .source_file import SourceFile

_HEAD, _OURS = 'bbox_head.', 'head.'
# (keypoints, update layers, MSPN stages) of the released settings
_CONFIGS = {
    (15, 1, 2): 'das/released/das_mspn2-fpn_released_panoptic-1333x640.py',
    (21, 2, 3): 'das/released/das_mspn3-fpn_released_muco-1280x768.py',
}
_MODULES = {
    'cls_convs.': 'cls_tower.convs.',
    'reg_convs.': 'reg_tower.convs.',
    'pose_convs.': 'pose_tower.convs.',
    'conv_cls_prev.0.': 'cls_branch.prev.',
    'conv_cls.': 'cls_branch.out.',
    'conv_centerness_prev.0.': 'centerness_branch.prev.',
    'conv_centerness.': 'centerness_branch.out.',
    'conv_reg_prevs.0.0.': 'offset_branch.prev.',
    'conv_regs.0.': 'offset_branch.out.',
    'conv_reg_prevs.1.0.': 'depth_branch.prev.',
    'conv_regs.1.': 'depth_branch.out.',
    'conv_pose_prevs.0.0.': 'pose_branch.prev.',
    'conv_poses.0.': 'pose_branch.out.',
    'conv_pose_prevs.1.0.': 'sigma_branch.prev.',
    'conv_poses.1.': 'sigma_branch.out.',
    'recursive_update_branch.': 'update.',
}
_FLOWS = {
    'flow3d.': 'initial_3d',
    'flow2d.': 'initial_2d',
    'flow3d_update.': 'updated_3d',
    'flow2d_update.': 'updated_2d',
}
_BN_EPS = 1e-5


class ReleasedDAS(SourceKind):
    """``wangzt-halo/das``: MSPN, FPN and ``DASHead`` under ``bbox_head.``."""

    title = "the authors' DAS checkpoints"

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        marks = (f'{_HEAD}pose_convs.', f'{_HEAD}recursive_update_branch.')
        return any(name.startswith(marks) for name in weights)

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        ledger = Ledger(source.weights, source.path)
        keypoints, layers, stages = setting = _setting(ledger)
        config = config or _CONFIGS.get(setting)
        if config is None:
            raise UserError(
                f'a DAS of {keypoints} keypoints, {layers} update layers and {stages} MSPN stages: '
                'released are 15, 1, 2 (Panoptic) and 21, 2, 3 (MuCo)',
                file=source.path,
                field='state_dict',
                remedy='write a config for it on the pattern of configs/das/released and name it with --config',
            )
        wanted = weights_of_config(config)
        ledger.use_all('backbone.', 'backbone.')
        _convert_neck(ledger, wanted)
        for theirs, ours in _MODULES.items():
            ledger.use_all(_HEAD + theirs, _OURS + ours)
        _convert_scales(ledger)
        for theirs, ours in _FLOWS.items():
            mirror_flow(ledger, _HEAD + theirs, f'{_OURS}pose_losses.{ours}.flow.')
            add_mask(ledger, f'{_OURS}pose_losses.{ours}.flow.mask', wanted)
        ledger.add_batch_counters(wanted)
        ledger.check_against(wanted, f'the config {config}')
        return Conversion(
            f"the authors' released DAS, {keypoints} keypoints, {layers} update layer"
            f'{"s" * (layers > 1)}, {stages}-stage MSPN',
            ledger,
            name_config(config),
            USE_AS_MODEL,
        )


def _setting(ledger: Ledger) -> tuple[int, int, int]:
    """(keypoints, update layers, MSPN stages), as the weights say."""

    def count(pattern: str) -> int:
        return len({match[1] for name in ledger.names() if (match := re.match(pattern, name))})

    return (
        len(ledger.peek(f'{_HEAD}conv_poses.0.weight')) // 3,
        count(r'bbox_head\.recursive_update_branch\.layer_(\d+)\.'),
        count(r'backbone\.multi_stage_mspn\.(\d+)\.'),
    )


def _convert_neck(ledger: Ledger, wanted: dict[str, Tensor]) -> None:
    """FPN: the released one has batch norm (``.conv.weight``, ``.bn.*``); one without has biases."""
    for name in ledger.names('neck.'):
        norm = name.removesuffix('conv.bias') + 'bn.'
        if not name.endswith('.conv.bias') or f'{norm}weight' not in wanted:
            ledger.use(name, name)
            continue
        ledger.use(name, f'{norm}bias', reason='bias of a batch norm that does nothing else')
        ones = torch.ones_like(ledger.result[f'{norm}bias'])
        for part, value in (('weight', ones), ('running_mean', 0 * ones), ('running_var', ones - _BN_EPS)):
            ledger.add(norm + part, value, 'a batch norm that adds the bias and does nothing else')


def _convert_scales(ledger: Ledger) -> None:
    """Scalars of L levels and 4 outputs to one (L, 4)."""
    names = ledger.names(f'{_HEAD}scales.')
    levels = 1 + max((int(name.split('.')[2]) for name in names), default=-1)
    rows = [
        [
            ledger.take(f'{_HEAD}scales.{level}.{output}.scale', f'{_OURS}scales', Fate.FOLDED, 'into one tensor')
            for output in range(4)
        ]
        for level in range(levels)
    ]
    if rows:
        ledger.result[f'{_OURS}scales'] = torch.stack([torch.stack([one.reshape(()) for one in row]) for row in rows])
