"""The whole model against its bare convolutions, and many people against one."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .costs import compare_costs, convolution_macs, head_costs
from .dense_setup import DenseSetup
from .ratio_rows import Goal, RatioRow, time_row
from .scenes import make_scene
from .timing import Spread, Timed

_GOAL = Goal(1.1)


def compare_whole_model(setup: DenseSetup, count: int) -> tuple[list[RatioRow], float]:
    """Compare the model on ``count`` people with its convolutions.

    Returns:
        The rows, and the median seconds of the model.
    """
    planted = setup.plant(count)
    setup.say(f'whole model, {planted.words}')
    used = [setup.head.strides.index(stride) for stride in planted.scene.strides]
    levels = range(len(setup.shapes))
    ways = dict(
        whole=lambda: setup.model.predict(setup.image, planted.scene.samples()),
        same=lambda: _run_convolutions(setup, levels, used, with_outputs=True),
        all=lambda: _run_convolutions(setup, levels, levels, with_outputs=False),
    )
    taken = setup.time(ways, planted.planting)
    with planted.planting:
        macs = {name: convolution_macs(setup.model, run) for name, run in ways.items()}
    rows = []
    for plain, words in (
        ('same', 'whole model / its backbone, neck, towers and outputs: time'),
        ('all', 'whole model / backbone, neck, bare towers at every level: time'),
    ):
        row = time_row(words, planted.words, taken['whole'], taken[plain], _GOAL)
        counted = macs['whole'] / macs[plain]
        rows.append(
            row.explained(
                f'convolutions alone are {macs["whole"] / 1e9:.1f} to {macs[plain] / 1e9:.1f} G multiply-adds, '
                f'{counted:.2f}',
                counted_ratio=counted,
            )
        )
    return rows, Spread.of(taken['whole'].work_s).median


@torch.no_grad()
def _run_convolutions(
    setup: DenseSetup, cls_levels: Sequence[int], reg_levels: Sequence[int], with_outputs: bool
) -> None:
    """The plain network: no recursion, decoding or suppression (``with_outputs``: the outputs' convolutions too)."""
    head = setup.head
    feats = setup.model.extract_feat(setup.image)
    for level in cls_levels:
        cls = head.cls_tower(feats[level])
        if with_outputs:
            head.cls_branch(cls)
    for level in reg_levels:
        reg, pose = head.reg_tower(feats[level]), head.pose_tower(feats[level])
        if with_outputs:
            for branch in (head.centerness_branch, head.offset_branch, head.depth_branch):
                branch(reg)
            head.pose_branch(pose)


def compare_crowd(setup: DenseSetup) -> list[RatioRow]:
    """Compare many people with one, on one level: of the head and of the whole model."""
    strides = make_scene(setup.head, 1, setup.setting.size, setup.setting.strides).strides
    count = setup.setting.crowd
    many, one = setup.plant(count, strides), setup.plant(1, strides)
    least, _ = compare_costs(setup.head, setup.shapes, strides)
    height, width = setup.shapes[setup.head.strides.index(strides[0])]
    points = head_costs(setup.head)['points'] * (height * width)
    rows = []
    for what, run in (
        ('head', setup.predict_sparse),
        ('whole model', lambda scene: setup.model.predict(setup.image, scene.samples())),
    ):
        setup.say(f'{what}, {many.words} against one')
        taken = setup.time_functions(
            {
                name: Timed(lambda run=run, scene=planted.scene: run(scene), lambda planted=planted: planted.planting)
                for name, planted in (('many', many), ('one', one))
            }
        )
        row = time_row(f'{what}, {count} people / 1 person: time', many.words, taken['many'], taken['one'], _GOAL)
        rows.append(
            row.explained(
                f'{many.planting.num_points} points against {one.planting.num_points}; if the recursion reads every '
                f'pixel, its 1x1 convolutions add {points.macs / 1e9:.2g} to the {least.macs / 1e9:.3g} G '
                'multiply-adds of the head'
            )
        )
    return rows
