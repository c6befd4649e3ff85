"""What a tracking network is told of the frame before, and who is who: the part of ``TrackingDAS`` behind its network,
in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from das_mm.models.task_modules import trackers
from das_mm.structures import focal_px, warp_points
from das_mm.structures.center_map import draw_centers
from das_mm.structures.people import People

from .predictor import InputImage


def tracking_obstacle(described: Mapping[str, Any]) -> str | None:
    """Why a described model cannot track without torch, in words; None if it can."""
    kind = _tracker_kind(described)
    known = getattr(trackers, kind, None)
    own = isinstance(known, type) and issubclass(known, trackers.GreedyMatchingTracker)
    return None if own else f'its tracker {kind} is not one of das_mm'


class TrackingMemory:
    """Remembers the last frame of a video and the people in it.

    Args:
        described: ``tracker``, its config; ``root``, keypoints whose mean is the root, or None; ``max_frame_gap``,
            frames that may lie between two images of one video that belong together.
    """

    def __init__(self, described: Mapping[str, Any]):
        options = {name: value for name, value in described['tracker'].items() if name != 'type'}
        self.tracker = getattr(trackers, _tracker_kind(described))(**options)
        self.root, self.max_frame_gap = described['root'], described['max_frame_gap']
        self._video: str | None = None
        self._frame = 0
        self._pixels: np.ndarray | None = None

    def forget(self) -> None:
        """Another video begins."""
        self._video = self._pixels = None
        self.tracker.reset()

    def turn_to(self, image: InputImage) -> None:
        """Forget what does not belong to the image's video."""
        step = (image.frame or 0) - self._frame
        if self._video != image.name or not 0 < step <= self.max_frame_gap:
            self.forget()

    def network_input(self, pixels: np.ndarray, warp: np.ndarray) -> np.ndarray:
        """(7, H, W): the normalised image, the one before (itself where there is none), and its people.

        Args:
            pixels: (3, H, W) float32.
            warp: (2, 3) original image px to network input px.
        """
        before, (height, width) = self._pixels, pixels.shape[-2:]
        if before is None or before.shape != pixels.shape:
            return np.concatenate([pixels, pixels, np.zeros((1, height, width), np.float32)])
        people = self.tracker.previous()
        centers_px, sizes_px = zip(*people) if people else ((), ())
        warp = np.asarray(warp, np.float64)
        zoom = np.sqrt(abs(np.linalg.det(warp[:, :2])))
        centers = warp_points(np.asarray(centers_px, np.float64).reshape(-1, 2), warp)
        sizes = zoom * np.asarray(sizes_px, np.float64).reshape(-1, 2)
        return np.concatenate([pixels, before, draw_centers(centers, sizes, (height, width))[None]])

    def identify(self, people: People, image: InputImage, K: np.ndarray, pixels: np.ndarray | None) -> np.ndarray:
        """(n,) int64 identities of the people of an image, which is remembered.

        Args:
            people: Without identities.
            image: The image.
            K: (3, 3) its intrinsics.
            pixels: (3, H, W) as :meth:`network_input` had them; None for a network that sees one image at a time.
        """
        if self.root is not None:
            people = trackers.with_camera_roots(people, self.root, float(focal_px(np.asarray(K, np.float64))))
        identities = self.tracker.update(people, image.time_s).astype(np.int64)
        self._video, self._frame, self._pixels = image.name, image.frame or 0, pixels
        return identities


def _tracker_kind(described: Mapping[str, Any]) -> str:
    return str(described['tracker'].get('type', 'GreedyTracker')).rpartition('.')[-1]
