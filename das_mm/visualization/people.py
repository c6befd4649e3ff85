"""What the drawing functions know of the people in one image: plain arrays, checked once."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class People:
    """N people with K keypoints each, in the frame of the original image and its camera.

    ``None`` means "not known", and nothing is drawn for it; a keypoint that is not finite is not drawn either.

    Attributes:
        keypoints_px: (N, K, 2) pixels, origin at the centre of the top-left pixel.
        keypoints_valid: (N, K), > 0 where the keypoint is to be shown; all when not given.
        keypoints_cam_mm: (N, K, 3) camera frame (x right, y down, z forward), mm.
        keypoint_scores: (N, K) in [0, 1].
        keypoints_sigma: (N, K, 3) standard errors in px, px, mm.
        scores: (N,) in [0, 1].
        root_depths_mm: (N,) camera depth of the root, mm.
        bboxes_px: (N, 4) x1, y1, x2, y2.
        masks: (N, H, W) bool.
        track_ids: (N,) identities over time; they choose the colours. The row number where there are none.
        vertices_cam_mm: (N, V, 3) body surface, camera frame, mm.
    """

    keypoints_px: np.ndarray | None = None
    keypoints_valid: np.ndarray | None = None
    keypoints_cam_mm: np.ndarray | None = None
    keypoint_scores: np.ndarray | None = None
    keypoints_sigma: np.ndarray | None = None
    scores: np.ndarray | None = None
    root_depths_mm: np.ndarray | None = None
    bboxes_px: np.ndarray | None = None
    masks: np.ndarray | None = None
    track_ids: np.ndarray | None = None
    vertices_cam_mm: np.ndarray | None = None
    identities: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        put = lambda name, value: object.__setattr__(self, name, value)
        for item in fields(self):
            if item.init and (value := getattr(self, item.name)) is not None:
                put(item.name, _as_array(value))
        lengths = {name: len(value) for name, value in self._arrays().items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f'people of different number: {lengths}')
        count = next(iter(lengths.values()), 0)
        put('identities', np.arange(count) if self.track_ids is None else self.track_ids.astype(int))

    def _arrays(self) -> dict[str, np.ndarray]:
        return {
            item.name: value for item in fields(self) if item.init and (value := getattr(self, item.name)) is not None
        }

    def __len__(self) -> int:
        return len(self.identities)

    @property
    def shown_px(self) -> np.ndarray:
        """(N, K) bool: keypoints with a finite pixel position that are not marked invalid."""
        return self._shown(self.keypoints_px)

    @property
    def shown_cam(self) -> np.ndarray:
        """(N, K) bool: keypoints with a finite camera position that are not marked invalid."""
        return self._shown(self.keypoints_cam_mm)

    def _shown(self, positions: np.ndarray | None) -> np.ndarray:
        if positions is None:
            return np.zeros((len(self), 0), bool)
        finite = np.isfinite(positions).all(-1)
        return finite if self.keypoints_valid is None else finite & (self.keypoints_valid > 0)

    def __getitem__(self, rows: Any) -> People:
        """The people of the given rows (mask, slice or indices); they keep their identities."""
        chosen = {name: value[rows] for name, value in self._arrays().items()}
        chosen['track_ids'] = self.identities[rows]
        return People(**chosen)

    def with_keypoints_above(self, threshold: float) -> People:
        """The same people with keypoints of a lower score made invalid."""
        if self.keypoint_scores is None:
            return self
        valid = self.keypoint_scores >= threshold
        if self.keypoints_valid is not None:
            valid &= self.keypoints_valid > 0
        return replace(self, keypoints_valid=valid)

    @classmethod
    def from_instances(cls, instances: Any) -> People:
        """From ``pred_instances`` or ``gt_instances`` of a data sample (or a dict with the same keys).

        Reads keypoints, keypoints_visible (truth only), keypoints_3d, keypoint_scores, keypoints_sigma, scores,
        root_depths_mm, bboxes, masks, track_ids and vertices, whichever are there; tensors are copied to numpy.
        Scores left over by mmpose in a truth sample are ignored.
        """
        pick = {
            'keypoints_px': 'keypoints',
            'keypoints_cam_mm': 'keypoints_3d',
            'keypoint_scores': 'keypoint_scores',
            'keypoints_sigma': 'keypoints_sigma',
            'scores': 'scores',
            'root_depths_mm': 'root_depths_mm',
            'bboxes_px': 'bboxes',
            'masks': 'masks',
            'track_ids': 'track_ids',
            'vertices_cam_mm': 'vertices',
        }
        found = {name: value for name, key in pick.items() if (value := instances.get(key, None)) is not None}
        if (visible := instances.get('keypoints_visible', None)) is not None and 'scores' not in found:
            found['keypoints_valid'] = visible
        if 'keypoints_cam_mm' in found and (valid := instances.get('keypoints_3d_valid', None)) is not None:
            # a joint without a 3D label still has its pixel: only the 3D position is unknown
            cam = np.array(_as_array(found['keypoints_cam_mm']), dtype=float)
            cam[~(_as_array(valid) > 0)] = np.nan
            found['keypoints_cam_mm'] = cam
        if 'root_depths_mm' in found:
            depths = np.array(_as_array(found['root_depths_mm']), dtype=float)
            found['root_depths_mm'] = np.where(depths > 0, depths, np.nan)
        return cls(**found)


def _as_array(value: Any) -> np.ndarray:
    if hasattr(value, 'detach'):
        value = value.detach().cpu().float().numpy() if value.is_floating_point() else value.cpu().numpy()
    return np.asarray(value)
