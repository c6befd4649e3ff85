"""What the losses on the meshes of all people of an image share: who takes part, and a zero that is connected."""

from __future__ import annotations

import logging

import torch
from mmengine.logging import print_log
from torch import Tensor


def finite_people(vertices: Tensor) -> Tensor:
    """(P,) bool: whose vertices (P, V, 3) are all numbers. Those of a step that went astray are not; no field and no
    raster can be made of them, and the other people need not suffer."""
    return vertices.detach().isfinite().flatten(1).all(1)


def connected_zero(vertices: Tensor) -> Tensor:
    """A zero with zero gradient on vertices that may be any numbers, NaN too."""
    return torch.where(vertices.isfinite(), vertices, 0).sum() * 0


def tell_left_out(left_out: int, people: int, loss: str, reason: str) -> None:
    """Says in the log how many of an image's people a loss goes without."""
    if left_out:
        print_log(f'{loss}: {left_out} of {people} people left out, {reason}', logger='current', level=logging.WARNING)
