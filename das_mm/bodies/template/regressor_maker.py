"""Makes ``data/joint_regressors.npz``: stand-ins for the regressor files of HMR's family, for the generated body.

Each joint is placed by landmarks and joints of the body at rest, and regressed from a few of the vertices around it by
non-negative least squares, so that it lies there, follows the first shape directions, and turns with the surface.
``das-mm assets regressors`` runs it; it takes a second.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from das_mm.engine import atomic_write

from ..body_model import BodyModel
from ..generated_body import load_generated_body
from ..joint_regressors import REGRESSOR_ROWS
from ..landmarks import keypoint_matrix

_NEAR = 240  # vertices that a row may choose from
_NUM_BETAS = 2  # stature and weight: with the place and the sum ten equations, so at most ten vertices

# joint of the files -> {keypoint of the body: weight}, where the body has no keypoint of that very meaning
_PLACES: dict[str, dict[str, float]] = {
    'right_hip': {'right_hip': 1.06, 'left_hip': -0.06},  # what people mark lies outside of the joint
    'left_hip': {'left_hip': 1.06, 'right_hip': -0.06},
    'head_top': {'head_top': 0.97, 'smpl_head': 0.03},
    'head_h36m': {'head_top': 0.85, 'smpl_head': 0.15},
    'thorax': {'thorax': 0.6, 'smpl_neck': 0.4},
    'jaw': {'jaw': 0.7, 'smpl_head': 0.3},
}


def build() -> dict[str, np.ndarray]:
    """``KIND_rows``, ``KIND_vertices`` and ``KIND_values`` of the non-zeros of each regressor."""
    body = load_generated_body()
    arrays = {}
    for kind, names in REGRESSOR_ROWS.items():
        matrix = np.stack([_row(body, name, own_place=kind != 'h36m' or 'hip' not in name) for name in names])
        rows, columns = np.nonzero(matrix)
        arrays[f'{kind}_rows'], arrays[f'{kind}_vertices'] = rows.astype(np.uint8), columns.astype(np.uint16)
        arrays[f'{kind}_values'] = matrix[rows, columns].astype(np.float32)
    return arrays


def write_regressors(path: str | Path) -> None:
    """Make the regressors and write their file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **build())
    atomic_write(path, buffer.getvalue())


def _row(body: BodyModel, name: str, own_place: bool) -> np.ndarray:
    """(V,) weights of one joint. Human3.6M's markers of the hips are its joints; others have places of their own."""
    from scipy.optimize import nnls  # half a second of imports

    terms = _PLACES.get(name, {name: 1.0}) if own_place else {name: 1.0}
    combination = np.array(list(terms.values())) @ keypoint_matrix(tuple(terms)).toarray()
    vertices = body.v_template.astype(np.float64)
    directions = body.shapedirs[..., :_NUM_BETAS].astype(np.float64)
    place = combination @ np.concatenate([vertices, body.joints_template])
    change = np.tensordot(combination, np.concatenate([directions, body.joints_dirs[..., :_NUM_BETAS]]), 1)
    near = np.argsort(np.linalg.norm(vertices - place, axis=1), kind='stable')[:_NEAR]
    equations = np.concatenate(
        [vertices[near].T, np.moveaxis(directions[near], 0, -1).reshape(-1, _NEAR), np.full((1, _NEAR), 10.0)]
    )
    row = np.zeros(len(vertices))
    row[near] = nnls(equations, np.concatenate([place, change.reshape(-1), [10.0]]), maxiter=10000)[0]
    return row / row.sum()
