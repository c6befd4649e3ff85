"""The arrays of a body in SMPL's format (Loper et al. 2015), whoever made it."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

#: ``part_labels`` index into this tuple. 'hair' is the cap of the head that hair would cover.
PART_NAMES: tuple[str, ...] = (
    'face',
    'hair',
    'neck',
    'chest',
    'abdomen',
    'pelvis',
    'left_upper_arm',
    'right_upper_arm',
    'left_forearm',
    'right_forearm',
    'left_hand',
    'right_hand',
    'left_thigh',
    'right_thigh',
    'left_shank',
    'right_shank',
    'left_foot',
    'right_foot',
)


@dataclass(frozen=True, eq=False)
class BodyModel:
    """Arrays of an SMPL-format model; V = 6890 vertices, F = 13776 faces. Metres; x to the person's left, y up, z
    forward.

    ``weights`` has at most 4 non-zeros a row, ``J_regressor`` only non-negative entries; the rows of both sum to 1.
    ``part_labels`` index ``PART_NAMES``; ``uv`` in [0, 1] wraps each part like a cylinder (seam at the back or inside).
    """

    v_template: np.ndarray  # (V, 3) float32
    faces: np.ndarray  # (F, 3) int64, counter-clockwise seen from outside
    shapedirs: np.ndarray  # (V, 3, 10) float32
    posedirs: np.ndarray  # (V, 3, 207) float32
    J_regressor: np.ndarray  # (24, V) float64
    weights: np.ndarray  # (V, 24) float32
    kintree_table: np.ndarray  # (2, 24) int64: parents, own indices
    parents: np.ndarray  # (24,) int64, -1 for the pelvis
    part_labels: np.ndarray  # (V,) uint8
    uv: np.ndarray  # (V, 2) float32

    @functools.cached_property
    def joints_template(self) -> np.ndarray:
        """Rest joints at zero betas, (24, 3) m float64."""
        return self.J_regressor @ self.v_template.astype(np.float64)

    @functools.cached_property
    def joints_dirs(self) -> np.ndarray:
        """How the rest joints follow the betas, (24, 3, 10) m float64."""
        return np.einsum('jv,vcb->jcb', self.J_regressor, self.shapedirs.astype(np.float64), optimize=True)

    @functools.cached_property
    def shapedirs_by_row(self) -> np.ndarray:
        """(10, 3V) float32, the layout a matrix product with betas wants."""
        return np.ascontiguousarray(self.shapedirs.reshape(-1, self.shapedirs.shape[-1]).T)

    @functools.cached_property
    def posedirs_by_row(self) -> np.ndarray:
        """(207, 3V) float32."""
        return np.ascontiguousarray(self.posedirs.reshape(-1, self.posedirs.shape[-1]).T)

    @functools.cached_property
    def weights_by_joint(self) -> np.ndarray:
        """(24, V) float32."""
        return np.ascontiguousarray(self.weights.T)
