"""The square that is cut out around each person. Letters: A people, K keypoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from das_mm.errors import UserError


@dataclass(frozen=True)
class PersonBoxes:
    """How the square follows from the labels.

    Attributes:
        source: 'annotation', the person's box; or 'keypoints', the box about the labelled keypoints (what SPIN does for
            LSP and MPI-INF-3DHP).
        factor: Side of the square over the longer side of the box (1.2 in HMR's family, 0.9 for its H36M boxes).
        min_side_px: People with a smaller square are left out.
    """

    source: str = 'annotation'
    factor: float = 1.2
    min_side_px: float = 4.0

    def __post_init__(self) -> None:
        if self.source not in ('annotation', 'keypoints'):
            raise UserError(
                f'{self.source!r} is no source of boxes', field='box.source', remedy="use 'annotation' or 'keypoints'"
            )
        if not (self.factor > 0 and self.min_side_px > 0):
            raise UserError(
                f'factor {self.factor} and min_side_px {self.min_side_px} are not both positive',
                field='box',
                remedy='give numbers above 0',
            )

    def squares(self, bbox: np.ndarray, keypoints: np.ndarray, flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Centres (A, 2) and sides (A,), px, float64; NaN where there is no box.

        Args:
            bbox: (A, 4) xyxy px.
            keypoints: (A, K, 2) px.
            flags: (A, K), 0 where not labelled.
        """
        corners = np.asarray(bbox, np.float64).reshape(-1, 2, 2)
        if self.source == 'keypoints':
            labelled = np.asarray(flags)[..., None] > 0
            none = ~labelled.any(axis=(1, 2))
            low = np.where(labelled, keypoints, np.inf).min(axis=1)
            high = np.where(labelled, keypoints, -np.inf).max(axis=1)
            corners = np.stack([low, high], axis=1).astype(np.float64)
            corners[none] = np.nan
        sides = self.factor * (corners[:, 1] - corners[:, 0]).max(axis=1, initial=-np.inf)
        return corners.mean(axis=1), sides

    def usable(self, centers: np.ndarray, sides: np.ndarray) -> np.ndarray:
        """(A,) bool: the square is finite and not degenerate."""
        finite = np.isfinite(centers).all(axis=1) & np.isfinite(sides)
        return finite & (np.nan_to_num(sides) >= self.min_side_px)
