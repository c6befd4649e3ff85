"""What a tracker is given: the people found in one frame, as plain arrays. Letters: n people, K keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from das_mm.errors import UserError

# shape of one person's row; None: K
_SHAPES = dict(
    centers_px=(2,),
    sizes_px=(2,),
    scores=(),
    displacements_px=(2,),
    keypoints_px=(None, 2),
    roots_mm=(3,),
    relative_mm=(None, 3),
    sigma_mm=(None, 3),
)


@dataclass(frozen=True)
class TrackedPeople:
    """People of one frame, original image px and camera mm (x right, y down, z forward).

    What is optional may be None (not known of anyone) or hold NaN in rows of those of whom it is not known.

    Attributes:
        centers_px: (n, 2) centre (root) in the image.
        sizes_px: (n, 2) width and height of the box.
        scores: (n,).
        displacements_px: (n, 2) centre in the previous frame minus centre now.
        keypoints_px: (n, K, 2).
        roots_mm: (n, 3).
        relative_mm: (n, K, 3) keypoints minus root.
        sigma_mm: (n, K, 3) predicted standard errors of the keypoints along x, y, z.

    Raises:
        ValueError: Arrays that do not fit together.
    """

    centers_px: np.ndarray
    sizes_px: np.ndarray
    scores: np.ndarray
    displacements_px: np.ndarray | None = None
    keypoints_px: np.ndarray | None = None
    roots_mm: np.ndarray | None = None
    relative_mm: np.ndarray | None = None
    sigma_mm: np.ndarray | None = None

    def __post_init__(self) -> None:
        count = len(self.centers_px)
        for name, value in self._arrays().items():
            value = np.asarray(value, dtype=np.float64)
            wanted = (count, *_SHAPES[name])
            if value.size == 0 and count == 0:  # an empty field may have lost its shape
                value = value.reshape([side or 0 for side in wanted])
            fits = all(side in (None, got) for got, side in zip(value.shape, wanted))
            if len(value.shape) != len(wanted) or not fits:
                text = ', '.join('K' if side is None else str(side) for side in wanted)
                raise ValueError(f'{name} of {count} people has shape {value.shape}, expected ({text})')
            object.__setattr__(self, name, value)

    def _arrays(self) -> dict[str, np.ndarray]:
        return {item.name: value for item in fields(self) if (value := getattr(self, item.name)) is not None}

    def __len__(self) -> int:
        return len(self.centers_px)

    def __getitem__(self, rows: Any) -> TrackedPeople:
        """The people of some rows (mask, slice or indices)."""
        return TrackedPeople(**{name: value[rows] for name, value in self._arrays().items()})

    @property
    def usable(self) -> np.ndarray:
        """(n,) bool: centre, size, score and (where there is one) displacement are finite."""
        parts = [self.centers_px, self.sizes_px, self.scores[:, None]]
        if self.displacements_px is not None:
            parts.append(self.displacements_px)
        return np.isfinite(np.hstack(parts)).all(1)

    @property
    def radii_px(self) -> np.ndarray:
        """(n,) size of people: square root of the area of the box, or of that about the keypoints if it is larger
        (boxes end with the image); at least 1."""
        areas = self.sizes_px.clip(min=1.0).prod(1)
        if self.keypoints_px is None:
            return np.sqrt(areas)
        known = np.isfinite(self.keypoints_px).all(-1, keepdims=True)
        low = np.where(known, self.keypoints_px, np.inf).min(1, initial=np.inf)
        high = np.where(known, self.keypoints_px, -np.inf).max(1, initial=-np.inf)
        return np.sqrt(np.maximum(areas, np.where(known.any(1), high - low, 0.0).prod(1)))

    @classmethod
    def from_instances(
        cls, instances: Any, root: Sequence[int] | None = None, focal_px: float | None = None
    ) -> TrackedPeople:
        """From ``pred_instances`` of a data sample, or a dict with the same keys (arrays or tensors).

        Args:
            instances: ``roots_px``, ``bboxes`` xyxy and ``scores``; optionally ``displacements_px``, ``keypoints``,
                ``keypoints_3d`` and ``keypoints_sigma`` (px, px, mm).
            root: Keypoints whose mean is the root. Without it nothing is read of 3D.
            focal_px: Focal length of the original image, which makes mm of sigmas in px; without it they are not read.

        Raises:
            UserError: A field is missing that every tracker needs.
        """

        def read(name: str) -> np.ndarray | None:
            value = instances.get(name, None)
            return None if value is None else _numpy(value)

        for name in ('roots_px', 'bboxes', 'scores'):
            if read(name) is None:
                raise UserError(
                    'a tracker needs it', field=f'pred_instances.{name}', remedy='track the predictions of a DAS model'
                )
        boxes = read('bboxes').reshape(-1, 4)
        found = dict(
            centers_px=read('roots_px'),
            sizes_px=(boxes[:, 2:] - boxes[:, :2]).clip(min=0),
            scores=read('scores'),
            displacements_px=read('displacements_px'),
            keypoints_px=read('keypoints'),
        )
        points, sigma = read('keypoints_3d'), read('keypoints_sigma')
        if root is not None and points is not None and points.ndim == 3:
            roots = points[:, list(root)].mean(1)
            found |= dict(roots_mm=roots, relative_mm=points - roots[:, None])
            if sigma is not None and focal_px is not None:
                mm_per_px = points[..., 2:].clip(min=0) / focal_px
                found['sigma_mm'] = np.concatenate([sigma[..., :2] * mm_per_px, sigma[..., 2:]], axis=-1)
        return cls(**found)


def _numpy(value: Any) -> np.ndarray:
    return np.asarray(value.detach().float().cpu() if hasattr(value, 'detach') else value, dtype=np.float64)
