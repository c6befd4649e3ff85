"""CRMH's released checkpoint (github.com/JiangWenPL/multiperson): an mmcv dictionary of a network of mmdetection 1, and
the discriminator in a file of its own beside it, ``adv_`` before its name.

What changes from mmdetection 1 to 3: a person is class 0 and the background the last one, so the two rows of ``fc_cls``
change places; boxes are regressed for classes that are people alone, so rows 4 to 7 of ``fc_reg`` stay; the heads of
regions lie under ``roi_head``. That regions, anchors and boxes are counted in whole pixels is in the config
(:mod:`.inclusive_boxes`).
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from das_mm.checkpoints.conversion import (
    CONVERSIONS,
    SMPL_BETAS_REMARK,
    USE_AS_MODEL,
    Conversion,
    Ledger,
    SourceFile,
    SourceKind,
    name_config,
    weights_of_config,
)
from das_mm.checkpoints.conversion.source_file import read_source

_CONFIG = 'projects/crmh/configs/crmh_resnet50-fpn_released-832x512.py'
_NETWORK = {'smpl_head.init_contrep', 'smpl_head.dec.weight', 'bbox_head.fc_cls.weight', 'rpn_head.rpn_cls.weight'}
_JUDGE_ALONE = {'pose_discriminator.conv_blocks.conv_0.weight', 'shape_discriminator.fc_blocks.regressor_fc_0.weight'}
_JUDGE = 'discriminator.'
#: name of CRMH's layer -> ours, of what is not a joint's own
_JUDGE_LAYERS = {
    'pose_discriminator.conv_blocks.conv_0': 'D_conv1',
    'pose_discriminator.conv_blocks.conv_1': 'D_conv2',
    'full_pose_discriminator.fc_blocks.regressor_fc_0': 'D_alljoints_fc1',
    'full_pose_discriminator.fc_blocks.regressor_fc_1': 'D_alljoints_fc2',
    'full_pose_discriminator.fc_blocks.regressor_fc_2': 'D_alljoints_out',
    'shape_discriminator.fc_blocks.regressor_fc_0': 'betas_fc1',
    'shape_discriminator.fc_blocks.regressor_fc_1': 'betas_out',
    'pose_discriminator.fc_layer': 'pose_out',
}
_START_REMARK = (
    'init_contrep, where its rounds begin, is kept as released: it is 90° off the mean pose at every joint, and the '
    'weights have learnt to begin there'
)


@CONVERSIONS.register('crmh')
class ReleasedCRMH(SourceKind):
    """The network; with its discriminator where that file lies beside it."""

    title = "the authors' CRMH checkpoint"

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        return _NETWORK <= set(weights)

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        config = config or _CONFIG
        ledger = Ledger(dict(source.weights, **_judge_beside(source.path)), source.path)
        with_judge = bool(ledger.names(_JUDGE))
        for part in ('smpl_head.smpl.', 'smpl_head.loss.'):
            ledger.drop(part, 'the body, which comes from its own file')
        for part in ('weight', 'bias'):
            ledger.use(
                f'bbox_head.fc_cls.{part}',
                f'roi_head.bbox_head.fc_cls.{part}',
                lambda rows: rows.flip(0),
                'the background was class 0, and is the last one',
            )
            ledger.use(
                f'bbox_head.fc_reg.{part}',
                f'roi_head.bbox_head.fc_reg.{part}',
                lambda rows: rows[4:],
                'the background has no box',
            )
        for part in ('bbox_head.', 'smpl_head.'):
            ledger.use_all(part, f'roi_head.{part}')
        _use_judge(ledger, _JUDGE)
        for part in ('backbone.', 'neck.', 'rpn_head.'):
            ledger.use_all(part, part)
        wanted = weights_of_config(config)
        if not with_judge:
            wanted = {name: value for name, value in wanted.items() if not name.startswith(_JUDGE)}
        ledger.add_batch_counters(wanted)
        ledger.check_against(wanted, f'the config {config}')
        remarks = (_START_REMARK, SMPL_BETAS_REMARK)
        if not with_judge:
            remarks += (f'there is no adv_{source.path.name} beside it, so a training begins with a new discriminator',)
        return Conversion("the authors' released CRMH", ledger, name_config(config), USE_AS_MODEL, remarks)


@CONVERSIONS.register('crmh_discriminator')
class ReleasedCRMHDiscriminator(SourceKind):
    """The discriminator alone, for a training to begin with."""

    title = "the discriminator (adv_*) of the authors' CRMH checkpoint"

    @classmethod
    def recognises(cls, weights: dict[str, Tensor]) -> bool:
        return _JUDGE_ALONE <= set(weights)

    @classmethod
    def convert(cls, source: SourceFile, config: str | None = None) -> Conversion:
        config = config or _CONFIG
        ledger = Ledger(source.weights, source.path)
        _use_judge(ledger, '')
        wanted = weights_of_config(config)
        ledger.check_against(
            {name: value for name, value in wanted.items() if name.startswith(_JUDGE)},
            f'the discriminator of the config {config}',
        )
        use = 'das-mm train CONFIG --cfg-options load_from={dst}'
        return Conversion("the discriminator of the authors' released CRMH", ledger, {}, use)


def _judge_beside(path: Path) -> dict[str, Tensor]:
    """Weights of ``adv_<name>`` beside a file, ``discriminator.`` before each name; {} where there is none."""
    beside = path.with_name(f'adv_{path.name}')
    if not beside.is_file():
        return {}
    return {f'{_JUDGE}{name}': value for name, value in read_source(beside).weights.items()}


def _use_judge(ledger: Ledger, prefix: str) -> None:
    for theirs, ours in _JUDGE_LAYERS.items():
        ledger.use_all(f'{prefix}{theirs}.', f'{_JUDGE}{ours}.')
