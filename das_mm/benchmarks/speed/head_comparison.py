"""The head, sparse against dense: inference and the training step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .costs import compare_costs
from .dense_reference import largest_difference
from .dense_setup import DenseSetup, PlantedScene
from .memory import HOW, peak_bytes
from .ratio_rows import Check, Findings, Goal, Quotient, RatioRow, check_equal, time_row
from .scenes import Scene
from .stages import StageClock, clocked
from .timing import ratios

# Results are pixels, mm and percent; the way of summing alone makes about 1e-4 of them
PREDICTION_TOLERANCE = 0.02
_LOSS_TOLERANCE, _GRADIENT_TOLERANCE = 1e-4, 2e-3


def compare_inference(setup: DenseSetup, count: int) -> Findings:
    """Compare the time of the head on ``count`` people.

    Raises:
        RuntimeError: Both ways do not find the same people.
    """
    planted = setup.plant(count)
    setup.say(f'head, {planted.words}: sparse against dense')
    ways = dict(sparse=lambda: setup.predict_sparse(planted.scene), dense=lambda: setup.predict_dense(planted.scene))
    found, stages = {}, []
    with planted.planting:
        for name, run in ways.items():
            stages_s, found[name] = _stages_of(setup, run)
            stages.append(dict(scene=planted.words, way=name, stages_s=stages_s))
    people = found['sparse'][0]
    difference = largest_difference(people, found['dense'][0])
    check = check_equal('predictions', planted.words, difference, PREDICTION_TOLERANCE, len(people))
    taken = setup.time(ways, planted.planting)
    goal = Goal(0.35 if setup.device.type == 'cuda' else 0.5)
    row = time_row('head, sparse / dense: time', planted.words, taken['sparse'], taken['dense'], goal)
    return Findings([_bounded_by_maps(setup, row, planted.scene, train=False)], [check], stages)


def _stages_of(setup: DenseSetup, run: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Seconds of every stage of a run, and what it returned."""
    clock = StageClock(setup.device)
    clock.start()
    with clocked(setup.model, clock, (setup.reference, 'loop', 'NMS')):
        result = run()
    return clock.stop(), result


def compare_training(setup: DenseSetup, count: int) -> Findings:
    """Compare time and peak memory of a training step of the head on ``count`` people.

    Raises:
        RuntimeError: Losses or gradients of both ways are not the same.
    """
    planted = setup.plant(count)
    setup.say(f'training step of the head, {planted.words}')
    head = setup.head.train()
    feats = [feat.clone().requires_grad_() for feat in setup.feats]
    steps = {
        name: (lambda loss=loss: _train_step(setup, loss, feats, planted.scene))
        for name, loss in (('sparse', head.loss), ('dense', setup.reference.loss))
    }
    try:
        with planted.planting:
            peak, checks = _compare_step(setup, steps, feats, planted)
        taken = setup.time(steps, planted.planting, setup.setting.train_runs, 0)
    finally:
        _forget_gradients(setup, feats)
        setup.head.eval()
    rows = [
        time_row(
            'head, training step, sparse / dense: time', planted.words, taken['sparse'], taken['dense'], Goal(0.5)
        ),
        RatioRow(
            'head, training step, sparse / dense: peak memory',
            planted.words,
            Quotient(peak['sparse'], peak['dense'], ratios([peak['sparse']], [peak['dense']]), 'bytes'),
            Goal(0.4),
            details=dict(how=HOW[setup.device.type]),
        ),
    ]
    return Findings([_bounded_by_maps(setup, row, planted.scene, train=True) for row in rows], checks)


def _compare_step(
    setup: DenseSetup, steps: dict[str, Callable], feats: Sequence[Tensor], planted: PlantedScene
) -> tuple[dict[str, int], list[Check]]:
    """Peak bytes of one step of each way; their losses and gradients are the same."""
    peak, losses, gradients = {}, [], []
    for name, step in steps.items():
        _forget_gradients(setup, feats)
        peak[name] = peak_bytes(lambda step=step: losses.append(step()), setup.device)
        gradients.append(_gradients(setup, feats))
    checks = [
        check_equal('losses', planted.words, _relative(*losses), _LOSS_TOLERANCE),
        check_equal('gradients', planted.words, _relative(*gradients), _GRADIENT_TOLERANCE),
    ]
    return peak, checks


def _train_step(setup: DenseSetup, loss: Callable, feats: list[Tensor], scene: Scene) -> dict[str, Tensor]:
    _forget_gradients(setup, feats)
    losses = loss(feats, scene.samples())
    torch.stack([value for name, value in losses.items() if 'loss' in name]).sum().backward()
    return {name: value.detach() for name, value in losses.items()}


def _forget_gradients(setup: DenseSetup, feats: Sequence[Tensor]) -> None:
    for tensor in (*setup.head.parameters(), *feats):
        tensor.grad = None


def _gradients(setup: DenseSetup, feats: Sequence[Tensor]) -> dict[str, Tensor]:
    """Copies; a parameter that nothing asked for has the gradient 0."""
    named = {**dict(setup.head.named_parameters()), **{f'level {index}': feat for index, feat in enumerate(feats)}}
    return {
        name: torch.zeros_like(one) if one.grad is None else one.grad.clone()
        for name, one in named.items()
        if one.requires_grad
    }


def _relative(first: dict[str, Tensor], second: dict[str, Tensor]) -> float:
    """Largest difference of tensors of one name, in units of the largest number of that name.

    Some are zero but for rounding (gradients of biases before a norm): a unit is at least a thousandth of the largest
    number of all.
    """
    largest = {name: max(float(one.abs().max()), float(second[name].abs().max())) for name, one in first.items()}
    least_unit = 1e-3 * max(largest.values())
    return max(
        float((one - second[name]).abs().max()) / max(largest[name], least_unit, 1e-12) for name, one in first.items()
    )


def _bounded_by_maps(setup: DenseSetup, row: RatioRow, scene: Scene, train: bool) -> RatioRow:
    sparse, dense = compare_costs(setup.head, setup.shapes, scene.strides, train=train)
    memory = row.quotient.unit == 'bytes'
    ours, theirs = (sparse.kept_bytes, dense.kept_bytes) if memory else (sparse.macs, dense.macs)
    unit = 'GB of maps kept for the backward pass' if memory else 'G multiply-adds forward'
    return row.explained(
        f'whole maps that group norm demands: {ours / 1e9:.3g} of {theirs / 1e9:.3g} {unit}, {ours / theirs:.2f}',
        counted_ratio=ours / theirs,
    )
