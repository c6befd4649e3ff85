"""DAS on videos: it remembers the last frame and whom it saw there (journal paper §3.4, §3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmpose.structures import PoseDataSample
from mmpose.utils.typing import ConfigType, SampleList
from torch import Tensor

from das_mm.models.backbones.temporal_stems import IMAGE_CHANNELS
from das_mm.models.data_preprocessors.temporal import draw_centers
from das_mm.models.task_modules.trackers import with_camera_roots
from das_mm.registry import MODELS, TASK_UTILS
from das_mm.structures import People, focal_px, warp_points, warp_scale
from das_mm.structures.task_fields import TaskDescription

from .das import DAS


@dataclass
class _Memory:
    """Of the last frame: which video, its number, and, where the network looks at it, its normalised image (3, H,
    W).
    """

    video: tuple
    frame: int
    image: Tensor | None = None


@MODELS.register_module()
class TrackingDAS(DAS):
    """DAS with a tracker: people leave with ``track_ids``.

    Training is DAS's own. At inference samples must come in the order of their videos, told by the metainfo ``seq``,
    ``view`` and ``frame``; a batch is worked off frame by frame where the backbone looks at the previous frame, which
    the model keeps itself, with the tracker's people as its centre map. At the start of a video, and where ``frame``
    does not go on (backwards, or further than ``max_frame_gap``), the memory is empty and identities begin anew.

    Args:
        tracker: Config of a tracker (TASK_UTILS).
        root: Keypoints whose mean is the root, for trackers that compare people in 3D; without it they see the image
            only.
        max_frame_gap: Frames that may lie between two images of one video, so that they still belong together.
        kwargs: What :class:`DAS` takes.
    """

    max_frame_gap: int

    def __init__(
        self,
        *args,
        tracker: ConfigType | None = None,
        root: Sequence[int] | None = None,
        max_frame_gap: int = 10,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self.tracker = TASK_UTILS.build(tracker or dict(type='das_mm.GreedyTracker'))
        self.root, self.max_frame_gap = root, max_frame_gap
        self._memory: _Memory | None = None

    @property
    def tasks(self) -> dict[str, TaskDescription]:
        """What it does, by name."""
        return {**super().tasks, 'tracking': TaskDescription('tracking')}

    def forget(self) -> None:
        """Another video begins."""
        self._memory = None
        self.tracker.reset()

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: SampleList) -> SampleList:
        """As :meth:`DAS.predict`, with ``pred_instances.track_ids`` (n,) int64; -1: not (yet) anybody's track."""
        if inputs.shape[1] == IMAGE_CHANNELS:  # the network sees one image at a time: the batch runs as a whole
            for sample in super().predict(inputs, data_samples):
                self._turn_to(sample)
                self._identify(sample)
                self._remember(sample)
            return data_samples
        for image, sample in zip(inputs, data_samples):
            self._turn_to(sample)
            super().predict(self._with_memory(image, sample)[None], [sample])
            self._identify(sample)
            self._remember(sample, image[:IMAGE_CHANNELS])
        return data_samples

    def _turn_to(self, sample: PoseDataSample) -> None:
        """Forgets what does not belong to the sample's video."""
        memory = self._memory
        if (
            memory is None
            or memory.video != _video_of(sample)
            or not (0 < _frame_of(sample) - memory.frame <= self.max_frame_gap)
        ):
            self.forget()

    def _with_memory(self, image: Tensor, sample: PoseDataSample) -> Tensor:
        """(7, H, W): the current image, the last one and its people; without a memory as the preprocessor left it."""
        memory = self._memory
        if memory is None or memory.image is None or memory.image.shape[-2:] != image.shape[-2:]:
            return image
        people = self.tracker.previous()
        centers_px, sizes_px = zip(*people) if people else ((), ())
        warp = np.asarray(sample.metainfo['warp_mat'], np.float64)
        center_map = draw_centers(
            warp_points(np.asarray(centers_px, np.float64).reshape(-1, 2), warp),
            warp_scale(warp) * np.asarray(sizes_px, np.float64).reshape(-1, 2),
            image,
        )
        return torch.cat([image[:IMAGE_CHANNELS], memory.image, center_map])

    def _remember(self, sample: PoseDataSample, image: Tensor | None = None) -> None:
        self._memory = _Memory(_video_of(sample), _frame_of(sample), image)

    def _identify(self, sample: PoseDataSample) -> None:
        people = People.from_instances(sample.pred_instances)
        if self.root is not None:
            focal = float(focal_px(np.asarray(sample.metainfo['camera']['K'], np.float64)))
            people = with_camera_roots(people, self.root, focal)
        sample.pred_instances.track_ids = self.tracker.update(people, sample.metainfo.get('time_s')).astype(np.int64)


def _video_of(sample: PoseDataSample) -> tuple:
    return sample.metainfo.get('seq'), sample.metainfo.get('view')


def _frame_of(sample: PoseDataSample) -> int:
    frame = sample.metainfo.get('frame')
    return 0 if frame is None else int(frame)
