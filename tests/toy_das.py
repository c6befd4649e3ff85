"""A DAS small enough to train inside a test, on the toy people of :mod:`tests.toy`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from mmengine.config import Config
from mmengine.hooks import Hook

from das_mm.registry import HOOKS
from das_mm.structures import KEYPOINT_SETS

from .toy import write_toy_coco, write_toy_dataset

INPUT_SIZE = (160, 128)
KILL_AT_ITER = 'TOY_DAS_KILL_AT_ITER'


@HOOKS.register_module()
class KillHook(Hook):
    """Kills its process before the training step that the environment names."""

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if runner.iter + 1 == int(os.environ.get(KILL_AT_ITER, -1)):
            os.kill(os.getpid(), signal.SIGKILL)


TOY_MODEL = """
model = dict(
    backbone=dict(stem_channels=8, base_channels=8),
    neck=dict(in_channels=[8, 16, 32, 64], out_channels=16),
    head=dict(
        in_channels=16,
        feat_channels=16,
        centerness_channels=16,
        norm_cfg=dict(num_groups=4),
        assigner=dict(regress_ranges=((0, 32), (32, 1e8))),
        update=dict(type='PlainUpdate', num_layers=1)))
"""


def toy_dataset(root: Path, keypoint_set: str = 'panoptic15', train: bool = True, coco: bool = False) -> dict:
    """Dataset config of the toy data under ``root`` (written by :func:`write_toy_config`)."""
    steps = [dict(type='LoadImage')]
    if train:
        steps += [
            dict(type='DASRandomAffine', input_size=INPUT_SIZE, scale_range=(0.9, 1.1), translate_sigma=0.02),
            dict(type='DASRandomFlip', prob=0.5),
        ]
    else:
        steps.append(dict(type='DASResize', input_size=INPUT_SIZE))
    files = (
        dict(
            ann_file='annotations/person_keypoints_toy2017.json',
            data_prefix=dict(img='toy2017'),
            source_keypoint_set='coco17',
        )
        if coco
        else dict(ann_file='annotations.json', data_prefix=dict(img='images'))
    )
    return dict(
        type='DASDataset',
        data_root=str(root),
        keypoint_set=keypoint_set,
        test_mode=not train,
        pipeline=[*steps, dict(type='PackDASInputs')],
        **files,
    )


def write_toy_config(
    root: str | Path,
    epochs: int = 2,
    num_images: int = 8,
    keypoint_set: str = 'panoptic15',
    mixed: bool = False,
    batch_size: int = 4,
    num_workers: int = 0,
) -> str:
    """Writes toy data and a config that inherits the package's tiny model; returns the config's path.

    Args:
        root: Folder for ``data/`` and ``toy.py``.
        mixed: Adds images in the official COCO layout, 2D only, to the training.
    """
    root = Path(root)
    write_toy_dataset(root / 'data', num_images, INPUT_SIZE, keypoint_set)
    datasets = [toy_dataset(root / 'data', keypoint_set)]
    if mixed:
        write_toy_coco(root / 'coco', num_images // 2, INPUT_SIZE)
        datasets.append(toy_dataset(root / 'coco', keypoint_set, coco=True))
    kset = KEYPOINT_SETS[keypoint_set]
    config = Config.fromstring(
        f"""_base_ = ['das_mm::_base_/models/das_tiny.py', 'das_mm::_base_/default_runtime.py']
{TOY_MODEL}
model['head'].update(num_keypoints={kset.num_keypoints}, coder=dict(root_index={kset.root_index}))
train_cfg = dict(by_epoch=True, max_epochs={epochs}, val_interval={epochs})
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-3), clip_grad=dict(max_norm=35))
train_dataloader = dict(
    batch_size={batch_size}, num_workers={num_workers}, persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='mmengine.ConcatDataset', datasets={datasets!r}))
val_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset={toy_dataset(root / 'data', keypoint_set, train=False)!r})
test_dataloader = val_dataloader
val_evaluator = [dict(type='MultiPerson3DMetric'), dict(type='CocoMetric', score_mode='bbox')]
test_evaluator = val_evaluator
default_hooks = dict(logger=dict(interval=1))
custom_imports = dict(imports=['tests.toy_das'])
custom_hooks = [dict(type='das_mm.EpochSeedHook'), dict(type='das_mm.KillHook')]
work_dir = {str(root / 'work')!r}
""",
        '.py',
    )
    path = root / 'toy.py'
    config.dump(path)
    return str(path)
