"""Heat maps and part affinity fields as a codec of mmpose, for bottom-up models of any kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmpose.codecs.base import BaseKeypointCodec

from das_mm.errors import UserError
from das_mm.registry import KEYPOINT_CODECS

from .heatmap_peaks import find_peaks
from .keypoint_maps import keypoint_heatmaps, limb_fields
from .person_grouper import DepthAwareGrouper


@KEYPOINT_CODECS.register_module()
class PartAffinityFields(BaseKeypointCodec):
    """Keypoints of all people of an image as heat maps and fields, and back by grouping.

    mmpose's own convention of pixels: the input's pixel x is the cell x / stride.

    Args:
        input_size, heatmap_size: (width, height).
        keypoint_set: Name of a set of :mod:`das_mm.structures.keypoint_sets`.
        sigma: Of a Gaussian, cells.
        half_width: Of the strip about a limb, cells.
        peak_threshold: Least value of a peak.

    Raises:
        UserError: The sizes have another ratio, or the set lacks the end of a limb.
    """

    label_mapping_table = dict(keypoint_weights='keypoint_weights')
    field_mapping_table = dict(heatmaps='heatmaps', fields='fields')

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        keypoint_set: str = 'panoptic15_mpi',
        sigma: float = 2.0,
        half_width: float = 1.0,
        peak_threshold: float = 0.2,
    ):
        super().__init__()
        strides = np.divide(input_size, heatmap_size)
        if strides[0] != strides[1]:
            raise UserError(
                f'maps of {heatmap_size} cells do not have the ratio of an input of {input_size} px',
                field='heatmap_size',
                remedy='divide both sides by the same stride',
            )
        self.input_size, self.heatmap_size, self.stride = input_size, heatmap_size, float(strides[0])
        self.sigma, self.half_width, self.peak_threshold = sigma, half_width, peak_threshold
        self.grouper = DepthAwareGrouper(keypoint_set, self.stride)

    def encode(self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """``heatmaps`` (K, h, w), ``fields`` (2 M, h, w) and ``keypoint_weights`` (N, K).

        Args:
            keypoints: (N, K, 2) px of the input.
            keypoints_visible: (N, K), 0 where a keypoint is not labelled.
        """
        weights = np.ones(keypoints.shape[:2], np.float32) if keypoints_visible is None else keypoints_visible
        points = torch.from_numpy(keypoints.astype(np.float32) / np.float32(self.stride))
        size = self.heatmap_size[::-1]
        given = (points, torch.from_numpy(weights > 0), torch.zeros(len(points), dtype=torch.long), 1, size)
        heatmaps = keypoint_heatmaps(*given, self.sigma)[0]
        fields = limb_fields(*given, self.grouper.skeleton.limbs, self.half_width)[0].flatten(0, 1)
        return dict(heatmaps=heatmaps.numpy(), fields=fields.numpy(), keypoint_weights=weights.astype(np.float32))

    def decode(
        self, encoded: tuple[np.ndarray, np.ndarray], root_depths_norm: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints (n, K, 2) px of the input and their scores (n, K), 0 where a person lacks one.

        Args:
            encoded: Heat maps (K, h, w) and fields (2 M, h, w).
            root_depths_norm: A map (h, w) of depth over focal length, mm/px, for the order near to far; or None.
        """
        heatmaps, fields = encoded
        if heatmaps.shape[1:] != fields.shape[1:]:
            raise UserError(
                f'heat maps of {heatmaps.shape[1:]} and fields of {fields.shape[1:]} cells do not belong together',
                field='encoded',
                remedy='give both of one image and of one scale',
            )
        peaks = find_peaks(heatmaps, self.peak_threshold)
        if root_depths_norm is not None:
            x, y = np.rint(peaks.places[peaks.of(self.grouper.skeleton.root)]).astype(int).T
            root_depths_norm = np.asarray(root_depths_norm)[y, x]
        people = self.grouper.group(peaks, fields.reshape(-1, 2, *fields.shape[1:]), root_depths_norm)
        found = people >= 0
        places = np.append(peaks.places, [[0.0, 0.0]], axis=0)[people] * self.stride
        scores = np.append(peaks.scores, 0)[people]
        return places.astype(np.float32), np.where(found, scores, 0).astype(np.float32)

    def batch_decode(
        self, batch_heatmaps: torch.Tensor, batch_fields: torch.Tensor
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """As :meth:`decode`, of tensors (B, K, h, w) and (B, 2 M, h, w)."""
        pairs = zip(batch_heatmaps.detach().cpu().numpy(), batch_fields.detach().cpu().numpy())
        decoded = [self.decode(pair) for pair in pairs]
        return [keypoints for keypoints, _ in decoded], [scores for _, scores in decoded]
