"""What the DAS head says: at points, and everywhere.

Letters: B images, h and w of a level, P points of one or of all levels, K keypoints, D coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class PointOutputs:
    """What the head regresses at P points (of one level, or of all after :meth:`cat`).

    Attributes:
        centerness (Tensor): (P,) logits.
        root (Tensor): (P, 3) root offset in strides, scaled norm depth.
        pose (list[Tensor]): (P, K, D) offsets: U, then U', U'', … of every update layer.
        sigma (Tensor | None): (P, K, D) in the units of the offsets; None when not asked for.
        tasks (dict[str, Tensor]): (P, out_channels) of every plug-in branch.
        points_px (Tensor): (P, 2) in the network input.
        strides (Tensor): (P,).
        image (Tensor): (P,).
    """

    centerness: Tensor
    root: Tensor
    pose: list[Tensor]
    sigma: Tensor | None
    points_px: Tensor
    strides: Tensor
    image: Tensor
    tasks: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def cat(cls, outputs: Sequence[PointOutputs]) -> PointOutputs:
        """One set of points out of several levels'."""
        join = lambda name: torch.cat([getattr(out, name) for out in outputs])
        return cls(
            pose=[torch.cat(steps) for steps in zip(*(out.pose for out in outputs))],
            sigma=None if outputs[0].sigma is None else join('sigma'),
            tasks={name: torch.cat([out.tasks[name] for out in outputs]) for name in outputs[0].tasks},
            **{name: join(name) for name in ('centerness', 'root', 'points_px', 'strides', 'image')},
        )

    def __getitem__(self, chosen: Tensor) -> PointOutputs:
        """Some of the points: their numbers (n,), or a mask (P,)."""
        return PointOutputs(
            pose=[step[chosen] for step in self.pose],
            sigma=None if self.sigma is None else self.sigma[chosen],
            tasks={name: values[chosen] for name, values in self.tasks.items()},
            **{name: getattr(self, name)[chosen] for name in ('centerness', 'root', 'points_px', 'strides', 'image')},
        )


@dataclass
class DenseMaps:
    """All maps of all levels, evaluated everywhere: for pictures and as the reference of the tests.

    Lists over the levels; ``pose[l]`` lists U, U', … as (B, K*D, h, w).
    """

    cls: list[Tensor]
    centerness: list[Tensor]
    root: list[Tensor]
    pose: list[list[Tensor]]
    sigma: list[Tensor | None]
    tasks: list[dict[str, Tensor]]

    def tensors(self) -> tuple[Tensor, ...]:
        """All of them, level by level."""
        levels = zip(self.cls, self.centerness, self.root, self.pose, self.sigma, self.tasks)
        return tuple(
            tensor
            for cls, centerness, root, pose, sigma, tasks in levels
            for tensor in (cls, centerness, root, *pose, *([] if sigma is None else [sigma]), *tasks.values())
        )
