"""The frame of a regressor's coordinates: from px of the crop (and mm of depth) to it and back.

Shapes: N people, K keypoints, D coordinates.
"""

from __future__ import annotations

import numpy as np
from mmpose.codecs.base import BaseKeypointCodec

from das_mm.registry import KEYPOINT_CODECS


@KEYPOINT_CODECS.register_module()
class CenteredRegressionLabel(BaseKeypointCodec):
    """x / W - 0.5, y / H - 0.5 of the crop; with depths d / depth scale, d mm behind the root (released code of RLE).

    mmpose's ``RegressionLabel`` has x / W and y / H.

    Args:
        input_size: (W, H) of the crop in px.
        depth_scale_mm: What a depth is divided by (2000 for RLE); None for keypoints in 2D.
        clear_outside: Keypoints farther than 0.5 from the middle in any coordinate lose their weights, in all
            coordinates. None: with depths only, as the released code has it; its 2D labels keep them.
    """

    label_mapping_table = dict(keypoint_labels='keypoint_labels', keypoint_weights='keypoint_weights')

    def __init__(
        self, input_size: tuple[int, int], depth_scale_mm: float | None = None, clear_outside: bool | None = None
    ):
        super().__init__()
        self.input_size, self.depth_scale_mm = tuple(input_size), depth_scale_mm
        self.clear_outside = depth_scale_mm is not None if clear_outside is None else clear_outside

    @property
    def scale(self) -> np.ndarray:
        """(D,) px, px, mm of one unit."""
        depth = () if self.depth_scale_mm is None else (self.depth_scale_mm,)
        return np.array([*self.input_size, *depth], dtype=np.float32)

    def encode(self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Labels and weights.

        Args:
            keypoints: (N, K, 2) px, or (N, K, 3) px, px, mm relative to the root; NaN for a depth that is not known.
            keypoints_visible: (N, K), or (N, K, ·) whose first entry counts; all when not given.

        Returns:
            ``keypoint_labels`` (N, K, D), 0 for depths that are not known; ``keypoint_weights`` (N, K), or (N, K, 3)
            with depths, 0 for those.
        """
        keypoints = np.asarray(keypoints, dtype=np.float32)
        dims = len(self.scale)
        if keypoints.shape[-1] < dims:  # photographs in a mixture with depths
            unknown = np.full((*keypoints.shape[:-1], dims - keypoints.shape[-1]), np.nan, dtype=np.float32)
            keypoints = np.concatenate([keypoints, unknown], axis=-1)
        visible = np.ones(keypoints.shape[:2]) if keypoints_visible is None else np.asarray(keypoints_visible)
        visible = (visible[..., 0] if visible.ndim == 3 else visible) > 0
        labels = keypoints[..., :dims] / self.scale - np.array([0.5, 0.5, 0.0][:dims], dtype=np.float32)
        weights = np.repeat(visible[..., None].astype(np.float32), dims, axis=-1)
        known = np.isfinite(labels)
        weights, labels = weights * known, np.where(known, labels, 0).astype(np.float32)
        if self.clear_outside:
            weights = weights * (np.abs(labels) <= 0.5).all(axis=-1, keepdims=True)
        weights = weights.astype(np.float32)
        return dict(keypoint_labels=labels, keypoint_weights=weights if dims == 3 else weights[..., 0])

    def decode(self, encoded: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """(N, K, D) -> (N, K, 2) px of the crop and (N, K) depths relative to the root in mm, None in 2D."""
        keypoints = (encoded[..., :2] + 0.5) * self.scale[:2]
        return keypoints, None if self.depth_scale_mm is None else encoded[..., 2] * self.scale[2]

    def decode_scale(self, sigma: np.ndarray) -> np.ndarray:
        """σ (N, K, D) in px, px, mm of the crop."""
        return sigma * self.scale
