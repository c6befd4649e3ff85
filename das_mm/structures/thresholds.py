"""What a model does at inference where no config says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# least score of a person, candidates a level and image, whether scales of the errors are given
THRESHOLDS = dict(score_thr=0.05, nms_pre=1000, with_sigma=False)


def with_defaults(*cfgs: Mapping[str, Any] | None) -> dict[str, Any]:
    """:data:`THRESHOLDS` overridden by configs, the last one most of all.

    Example:
        >>> with_defaults(dict(score_thr=0.1), None)
        {'score_thr': 0.1, 'nms_pre': 1000, 'with_sigma': False}
    """
    merged: dict[str, Any] = dict(THRESHOLDS)
    for cfg in cfgs:
        merged.update(cfg or {})
    return merged
