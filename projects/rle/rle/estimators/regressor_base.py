"""What the estimators of this project say of themselves (:mod:`das_mm.models.estimator_protocol`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mmpose.models.pose_estimators import TopdownPoseEstimator

from das_mm.structures.task_fields import TaskDescription

if TYPE_CHECKING:
    from mmengine.config import Config


class RegressorBase(TopdownPoseEstimator):
    """mmpose's top-down estimator with a :class:`.KeypointRegressionHead`.

    Args: as in mmpose.
    """

    max_frame_gap: int | None = None
    body = None
    test_cfg: Mapping[str, Any]
    cfg: Config
    dataset_meta: dict[str, Any]
    provenance: dict[str, Any]

    @property
    def tasks(self) -> dict[str, TaskDescription]:
        """What it does, by name."""
        return dict(pose=TaskDescription('pose'))

    @property
    def num_keypoints(self) -> int:
        return self.head.num_keypoints

    @property
    def uses_sigma(self) -> bool:
        """It learns the scales of its errors."""
        return self.head.uses_sigma

    @property
    def score_thr(self) -> float:
        """People of a lower score are left out."""
        return float((self.test_cfg or {}).get('score_thr', 0.0))

    def forget(self) -> None:
        """Another video begins; it remembers nothing anyway."""
