"""Scenes seen through another camera at the same place: other intrinsics, a turn, a lens that distorts.

Real data sets have one camera for many images; every synthetic scene has its own. The picture is carried over, nobody
moves: camera-space truth changes by the turn alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from das_mm.errors import UserError

from .base import PersonGroundTruth, SceneGroundTruth

_JPEG_QUALITY = 95
_UNDISTORT = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-10)


@dataclass(frozen=True)
class CameraView:
    """A camera at the place of every scene's own.

    Attributes:
        K: (3, 3) px.
        size: (width, height) px.
        dist: (5,) of OpenCV.
        turn: (3, 3) rotation, the scene's camera frame to this one.
    """

    K: np.ndarray
    size: tuple[int, int]
    dist: np.ndarray
    turn: np.ndarray

    def picture(self, scene: SceneGroundTruth) -> np.ndarray:
        """(H, W, 3) uint8 BGR; black where the scene shows nothing."""
        image = scene.image()
        if self._is_own(scene):
            return image
        width, height = self.size
        pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 1, 2).astype(np.float64)
        # OpenCV's stub forgets that a turn and a new camera may be None
        tangents = cv2.undistortPointsIter(  # pyright: ignore[reportCallIssue]
            pixels,
            self.K,
            self.dist,
            None,  # pyright: ignore[reportArgumentType]
            None,  # pyright: ignore[reportArgumentType]
            _UNDISTORT,
        ).reshape(-1, 2)
        rays = np.column_stack([tangents, np.ones(len(tangents))]) @ self.turn  # by the transpose: to the scene's frame
        source = rays @ scene.K.T
        source = (source[:, :2] / source[:, 2:]).reshape(height, width, 2).astype(np.float32)
        return cv2.remap(image, source[..., 0], source[..., 1], cv2.INTER_LINEAR)

    def mm(self, person: PersonGroundTruth, keypoint_set: str) -> np.ndarray:
        """(J, 3) in this camera's frame."""
        return person.mm(keypoint_set) @ self.turn.T

    def px(self, person: PersonGroundTruth, keypoint_set: str) -> np.ndarray:
        """(J, 2) in the distorted picture."""
        zero = np.zeros(3)
        return cv2.projectPoints(self.mm(person, keypoint_set), zero, zero, self.K, self.dist)[0].reshape(-1, 2)

    def _is_own(self, scene: SceneGroundTruth) -> bool:
        return (
            self.size == (scene.width, scene.height)
            and np.allclose(self.K, scene.K)
            and not self.dist.any()
            and np.allclose(self.turn, np.eye(3))
        )


def write_image(path: Path, image: np.ndarray) -> None:
    """Writes (H, W, 3) BGR and makes its folder.

    Raises:
        UserError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        written = cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    except cv2.error:
        written = False
    if not written:
        raise UserError(
            'the image cannot be written', file=path, remedy='free space on that disk, or choose another folder'
        )
