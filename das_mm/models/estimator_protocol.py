"""What inference asks of an estimator, so that others than DAS can be used by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from das_mm.structures.task_fields import TaskDescription

if TYPE_CHECKING:  # mmpose's models take ten seconds to load
    from mmengine.config import Config
    from mmpose.structures import PoseDataSample

    from .body_models.protocol import BodyModelProtocol


@runtime_checkable
class EstimatorProtocol(Protocol):
    """A model as mmpose has them, with a few words on itself.

    Attributes:
        cfg: Its config, whose test data set has the pipeline of its input.
        dataset_meta: What is known of its data, ``keypoint_set`` at least.
        test_cfg: Its options; ``score_thr`` and ``with_sigma`` are set there for a call.
        tasks: What it does, by name: 'pose', 'mesh', 'tracking', a user's own.
        body: The body of a model of meshes, else None.
        num_keypoints: K.
        uses_sigma: It can tell the scales of its errors (``keypoints_sigma``).
        score_thr: Its threshold.
        max_frame_gap: Of a model that remembers the frame before, and so wants frames in order, and that gives
            ``track_ids``: frames that may be missing within a video. None: it sees images alone.
    """

    cfg: Config
    dataset_meta: dict[str, Any]
    test_cfg: Mapping[str, Any]
    max_frame_gap: int | None

    @property
    def tasks(self) -> Mapping[str, TaskDescription]: ...

    @property
    def body(self) -> BodyModelProtocol | None: ...

    @property
    def num_keypoints(self) -> int: ...

    @property
    def uses_sigma(self) -> bool: ...

    @property
    def score_thr(self) -> float: ...

    def test_step(self, data: dict[str, Any]) -> list[PoseDataSample]:
        """Samples with ``pred_instances`` as :meth:`.DAS.predict` gives them (original image px, camera mm, arrays) and
        the ``camera`` used in their metainfo."""
        ...

    def forget(self) -> None:
        """Another video begins."""
