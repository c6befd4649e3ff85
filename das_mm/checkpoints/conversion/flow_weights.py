"""Weights of released flows, which learnt the density of (prediction - truth) / σ; ours is of the opposite sign."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from das_mm.models.flows.realnvp import alternating_masks

from .ledger import Ledger


def mirror_flow(ledger: Ledger, theirs: str, ours: str) -> None:
    """RealNVP of G(x) to that of G(-x), exactly: its nets see and shift the negative, the scales stay.

    Args:
        ledger: Of the conversion.
        theirs, ours: Prefixes of the flow's weights (``t.<layer>.<0|2|4>.<weight|bias>``, ``s.…``, ``mask``).
    """
    for name in ledger.names(theirs):
        part = name.removeprefix(theirs)
        negate = re.fullmatch(r'[st]\.\d+\.0\.weight|t\.\d+\.4\.(weight|bias)', part)
        ledger.use(
            name, ours + part, torch.neg if negate else None, 'sign: density of truth - prediction' if negate else ''
        )


def add_mask(ledger: Ledger, name: str, wanted: dict[str, Tensor]) -> None:
    """The coordinates that each coupling leaves as they are: a constant of the flow, in the file or not."""
    if name in wanted and name not in ledger.result:
        ledger.add(name, alternating_masks(*wanted[name].shape), 'a constant of the flow')
