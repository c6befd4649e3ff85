"""Decoding and suppression of a thousand candidates: tensors against the reference's loop over dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from das_mm.models.heads import DASHead, PointOutputs

from .dense_reference import largest_difference
from .dense_setup import DenseSetup, count_people
from .head_comparison import PREDICTION_TOLERANCE
from .ratio_rows import Findings, Goal, Quotient, RatioRow, check_equal, time_row
from .scenes import make_scene
from .timing import Spread, Timed

_CANDIDATES, _REPEATS = 1000, 20


def compare_suppression(setup: DenseSetup, count: int, forward_s: float) -> Findings:
    """Compare the time of 1000 candidates who are ``count`` people with the loop's and with a forward pass.

    Args:
        setup: The model.
        count: People.
        forward_s: Seconds of the forward pass of the whole model.

    Raises:
        RuntimeError: Both ways do not find the same people.
    """
    head = setup.head
    outputs, scores = make_candidates(head, count, setup.setting.size, setup.device, setup.setting.seed)
    words = f'{_CANDIDATES} candidates of {count_people(count)}'
    setup.say(f'decode + NMS, {words}')
    ours = lambda: head.predict_by_feat(outputs, scores, 1, setup.device)
    loop = lambda: setup.reference.loop(outputs, scores)
    people = ours()[0]
    check = check_equal('decode + NMS', words, largest_difference(people, loop()), PREDICTION_TOLERANCE, len(people))
    # a millisecond is too short for the clock; the loop goes through its thousand rounds anyway
    functions = dict(ours=Timed(lambda: [ours() for _ in range(_REPEATS)]), loop=Timed(loop))
    taken = setup.time_functions(functions, 3 * setup.setting.runs)
    mine = taken['ours'].divided_by(_REPEATS)
    ours_s = Spread.of(mine.work_s).median
    rows = [
        time_row('decode + NMS, loop over dicts / tensors: time', words, taken['loop'], mine, Goal(50, at_most=False)),
        RatioRow(
            'decode + NMS / forward pass: time',
            words,
            Quotient(ours_s, forward_s, Spread.of([one / forward_s for one in mine.work_s])),
            Goal(0.05),
        ),
    ]
    steps, joints = len(people), head.num_keypoints
    values = _CANDIDATES * joints
    bound = (
        f'{steps} steps of {ours_s / steps * 1e6:.0f} us, each over at most {_CANDIDATES} poses of '
        f'{joints} joints: {8 * values / 1e6:.2f} MB read, {7 * values / 1e6:.2f} M operations and '
        f'{values / 1e3:.0f} thousand exponentials at most'
    )
    return Findings([row.explained(bound) for row in rows], [check])


def make_candidates(
    head: DASHead, count: int, size: tuple[int, int], device: torch.device, seed: int = 0
) -> tuple[PointOutputs, Tensor]:
    """Make 1000 candidates of one image, in equal shares near ``count`` people, with scores in random order."""
    generator = torch.Generator().manual_seed(seed)
    labels: Any = make_scene(head, count, size, seed=seed).labels[0]
    person = torch.arange(_CANDIDATES) % count
    stride = torch.full((_CANDIDATES,), float(head.strides[0]))
    points = labels.root_px[person] + stride[:, None] * torch.randn(_CANDIDATES, 2, generator=generator)
    pose = torch.zeros(_CANDIDATES, head.num_keypoints, head.dims)
    pose[..., :2] = (labels.keypoints[person] - points[:, None]) / stride[:, None, None]
    pose = pose + 0.05 * torch.randn(pose.shape, generator=generator)
    branches: Mapping[str, Any] = dict(head.branches.items())
    tasks = {name: torch.zeros(_CANDIDATES, branch.out_channels) for name, branch in branches.items()}
    outputs = PointOutputs(
        centerness=torch.zeros(_CANDIDATES),
        root=torch.ones(_CANDIDATES, 3),
        pose=[pose],
        sigma=None,
        points_px=points,
        strides=stride,
        image=torch.zeros(_CANDIDATES, dtype=torch.long),
        tasks=tasks,
    )
    scores = 0.1 + 0.8 * torch.rand(_CANDIDATES, generator=generator)
    for name, values in vars(outputs).items():
        if isinstance(values, Tensor):
            setattr(outputs, name, values.to(device))
    outputs.pose = [one.to(device) for one in outputs.pose]
    outputs.tasks = {name: one.to(device) for name, one in outputs.tasks.items()}
    return outputs, scores.to(device)
