"""Files that regress joints from SMPL's vertices, as keypoints with names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy import sparse

from das_mm.bodies.skeleton import PARENTS
from das_mm.bodies.smpl_file import SMPLArrays, load_regressor
from das_mm.errors import UserError
from das_mm.structures import KEYPOINT_SETS

#: rows of the regressor files that SPIN distributes; of Human3.6M's, the sides are read off the rest pose, since files
#: with the left leg first and with the right leg first are about
_REGRESSOR_ROWS = {
    'h36m': KEYPOINT_SETS['h36m17_left'].keypoints,
    'extra': ('right_hip', 'left_hip', 'neck', 'head_top', 'pelvis', 'thorax', 'spine', 'jaw', 'head'),
}


def read_regressors(files: Mapping[str, str | Path], arrays: SMPLArrays) -> dict[str, sparse.csr_matrix]:
    """'h36m/left_hip' -> (1, V + 24).

    Args:
        files: 'h36m' or 'extra' -> file.
        arrays: The body they are for.

    Raises:
        UserError: Another kind, or a file of another body.
    """
    unknown = set(files) - set(_REGRESSOR_ROWS)
    if unknown:
        raise UserError(
            f'unknown regressor {", ".join(sorted(unknown))}',
            field='regressors',
            remedy=f'known are {", ".join(_REGRESSOR_ROWS)}',
        )
    found = {}
    for kind, path in files.items():
        rows = _REGRESSOR_ROWS[kind]
        matrix = load_regressor(path, len(rows))
        for name, row, place in zip(rows, matrix, matrix @ arrays.v_template):
            side, _, part = name.partition('_')
            if kind == 'h36m' and side in ('left', 'right'):
                name = f'{"left" if place[0] > 0 else "right"}_{part}'  # x is the person's left
            found[f'{kind}/{name}'] = sparse.csr_matrix(np.append(row, np.zeros(len(PARENTS)))[None])
        if sum(name.startswith(f'{kind}/') for name in found) != len(rows):
            raise UserError(
                'its rows are not on both sides of the body',
                file=path,
                field=f'regressors.{kind}',
                remedy="give the regressor that belongs to SMPL's vertices",
            )
    return found
