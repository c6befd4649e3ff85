"""Files that regress joints from SMPL's vertices, as keypoints with names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy import sparse

from das_mm.bodies.joint_regressors import REGRESSOR_ROWS, check_kind, load_joint_regressor
from das_mm.bodies.skeleton import PARENTS
from das_mm.bodies.smpl_file import SMPLArrays

# the last of `extra` was called so before it was known for Human3.6M's
_OLD_NAMES = {'extra/head_h36m': 'extra/head'}


def read_regressors(files: Mapping[str, str | Path], arrays: SMPLArrays) -> dict[str, sparse.csr_matrix]:
    """'h36m/left_hip' -> (1, V + 24).

    Args:
        files: 'h36m', 'extra' or 'j19' -> file.
        arrays: The body they are for.

    Raises:
        UserError: Another kind, or a file of another body.
    """
    for kind in files:
        check_kind(kind)
    found = {}
    for kind, path in files.items():
        for name, row in zip(REGRESSOR_ROWS[kind], load_joint_regressor(kind, path, arrays)):
            name = f'{kind}/{name}'
            found[_OLD_NAMES.get(name, name)] = sparse.csr_matrix(np.append(row, np.zeros(len(PARENTS)))[None])
    return found
