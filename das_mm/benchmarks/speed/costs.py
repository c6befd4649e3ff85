"""Multiply-adds and bytes of the head, counted from shapes: what no implementation of it can do without.

Group normalisation takes its statistics over the whole map, so every 3x3 convolution is needed at every pixel of a
level as soon as one point of the level is wanted. Only 1x1 convolutions after the last norm, and the recursion's
readings, can be had at points alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from das_mm.models.heads import DASHead
from das_mm.models.layers import ModulatedDeformConv2d, MultiSourceUpdate

_FLOAT_BYTES = 4


@dataclass(frozen=True)
class Cost:
    """The cost of one evaluation: multiply-adds, and bytes of maps that a training step keeps for its backward pass."""

    macs: int
    kept_bytes: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.macs + other.macs, self.kept_bytes + other.kept_bytes)

    def __mul__(self, pixels: int) -> Cost:
        return Cost(self.macs * pixels, self.kept_bytes * pixels)


def cost_per_pixel(modules: Iterable[nn.Module]) -> Cost:
    """The cost of convolutions of stride 1 a pixel. Each keeps its result, and that of its norm."""
    macs = kept = 0
    for module in modules:
        for part in module.modules():
            if isinstance(part, (nn.Conv2d, ModulatedDeformConv2d)):
                macs += part.weight.numel()
                kept += part.out_channels * _FLOAT_BYTES
            elif isinstance(part, nn.GroupNorm):
                kept += part.num_channels * _FLOAT_BYTES
    return Cost(macs, kept)


def head_costs(head: DASHead) -> dict[str, Cost]:
    """The costs of the parts of a head, a pixel.

    Returns:
        ``cls``; ``regression``, what else must be whole where there are points; ``sigma``, which is left out at
        inference; ``points``, what is enough at points.
    """
    branches = [head.centerness_branch, head.offset_branch, head.depth_branch]
    whole = [head.reg_tower, head.pose_tower, head.pose_branch, *(branch.prev for branch in branches)]
    points = [branch.out for branch in branches]
    task: Any
    for task in head.branches.values():
        whole += [task.tower, task.branch.prev]
        points.append(task.branch.out)
    if isinstance(head.update, MultiSourceUpdate):
        whole.append(head.update.reduction)
        for name in head.update.layers:
            network = getattr(head.update, name).next_level_offset
            whole.append(network.update_feat_conv)
            points += [
                network.sampling_offset,
                network.sampling_conf,
                network.update_weight,
                network.update_offset_value,
            ]
    sigma = [head.sigma_branch] if head.uses_sigma else []
    return {
        'cls': cost_per_pixel([head.cls_tower, head.cls_branch]),
        'regression': cost_per_pixel(whole),
        'sigma': cost_per_pixel(sigma),
        'points': cost_per_pixel(points),
    }


def compare_costs(
    head: DASHead, shapes: Sequence[tuple[int, int]], strides_used: Sequence[int], batch: int = 1, train: bool = False
) -> tuple[Cost, Cost]:
    """The least cost of an exact sparse head, and the cost of the dense one; points themselves are not counted.

    Args:
        head: The head.
        shapes: (h, w) of every level.
        strides_used: Levels that hold people.
        batch: Images.
        train: σ is needed then, on the levels that hold people.
    """
    areas = {stride: batch * h * w for stride, (h, w) in zip(head.strides, shapes)}
    everywhere, used = sum(areas.values()), sum(areas[stride] for stride in strides_used)
    cost = head_costs(head)
    sparse = cost['cls'] * everywhere + cost['regression'] * used
    if train:
        sparse = sparse + cost['sigma'] * used
    dense = (cost['cls'] + cost['regression'] + cost['sigma'] + cost['points']) * everywhere
    return sparse, dense


def convolution_macs(model: nn.Module, run: Callable[[], object]) -> int:
    """Count the multiply-adds of all convolutions that a run calls."""
    total = 0

    def count(module: Any, inputs: tuple, output: Tensor) -> None:
        nonlocal total
        weights = module.weight.numel()
        if isinstance(module, ModulatedDeformConv2d):  # its inner convolution is no call of its own
            weights += module.conv_offset.weight.numel()
        total += weights * output.numel() // output.shape[1]

    handles = [
        module.register_forward_hook(count)
        for module in model.modules()
        if isinstance(module, (nn.Conv2d, ModulatedDeformConv2d))
    ]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return total
