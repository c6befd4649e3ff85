"""Photographs in which not everyone is labelled: who is seen there all the same is not taught to be background."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmpose.utils.typing import SampleList
from torch import Tensor

from das_mm.models.task_modules import LevelTargets


def partly_labelled(samples: SampleList) -> Tensor:
    """(B,) bool: samples that say ``everyone_labelled=False``."""
    return torch.tensor([not sample.metainfo.get('everyone_labelled', True) for sample in samples])


@torch.no_grad()
def spare_likely_people(
    targets: Sequence[LevelTargets], cls_logits: Sequence[Tensor], samples: SampleList, confidence: float
) -> None:
    """Takes the points from the background (weight 0) that belong to nobody labelled and yet look like a person.

    Only in images whose sample says ``everyone_labelled=False``. The rest of such an image stays background: without
    that a network learns from photographs what people are, but not what they are not.

    Args:
        targets: One a level; ``cls_weight`` (B, h, w) is changed in place.
        cls_logits: (B, h, w) a level.
        samples: B samples.
        confidence: Points of a greater predicted confidence are spared.
    """
    if confidence >= 1:  # none is greater
        return
    partial = partly_labelled(samples)
    if not partial.any():
        return
    for target, logits in zip(targets, cls_logits):
        likely = (logits.float().sigmoid() > confidence) & (target.cls == 0)
        target.cls_weight[likely & partial.to(likely.device)[:, None, None]] = 0
