"""L-BFGS with strong-Wolfe line search until an energy stays, for one person at a time.

One step length and one curvature memory serve all parameters of an optimiser, so people who shared one would each move
by what the others need; they take turns instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LBFGSOptions:
    """SMPLify's settings.

    Attributes:
        outer_steps: At most so many restarts of the inner loop.
        inner_steps: Iterations of each.
        ftol: Smallest relative change of the energy between two restarts; below, it is done.
        gtol: Largest gradient that counts as none.
        lr: First step length that the line search tries.
    """

    outer_steps: int = 30
    inner_steps: int = 30
    ftol: float = 1e-9
    gtol: float = 1e-9
    lr: float = 1.0


def minimise_lbfgs(parameters: Sequence[Tensor], energy: Callable[[], Tensor], options: LBFGSOptions) -> float:
    """Moves tensors, in place, to a lower energy (a scalar); the last energy, NaN where it went astray."""
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimizer = torch.optim.LBFGS(
        parameters, lr=options.lr, max_iter=options.inner_steps, line_search_fn='strong_wolfe'
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = energy()
        value.backward(inputs=list(parameters))
        return value

    last = math.inf
    for _ in range(options.outer_steps):
        optimizer.step(closure)
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        value = energy().item()
        if not math.isfinite(value):
            last = math.nan
            break
        settled = math.isfinite(last) and abs(last - value) <= options.ftol * max(abs(last), abs(value), 1)
        last = value
        if settled or all(gradient.abs().max() < options.gtol for gradient in gradients):
            break
    for parameter in parameters:
        parameter.requires_grad_(False)
    return last
