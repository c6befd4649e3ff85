"""Reading the truth of a generated set back: people as meshes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from das_mm.bodies import linear_blend_skinning, load_generated_body
from das_mm.errors import UserError


def load_smpl(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of ``smpl_{split}.npz``; a row is a person, as the annotations' field ``smpl`` says.

    Raises:
        UserError: The file is absent or no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as error:
        raise UserError(
            f'cannot be read as an SMPL file ({error})', file=path, remedy='generate the set again'
        ) from error
    lacking = {'global_orient', 'body_pose', 'betas', 'transl'} - set(arrays)
    if lacking:
        raise UserError(f'has no {", ".join(sorted(lacking))}', file=path, remedy='generate the set again')
    return arrays


def vertices_from_row(smpl: dict[str, np.ndarray], row: int) -> np.ndarray:
    """Vertices (V, 3) m in the camera frame of one person of :func:`load_smpl`: the body under the clothes.

    Stored vertices are taken where the set kept them, else they are computed from the parameters.
    """
    if 'vertices' in smpl:
        return smpl['vertices'][row]
    parameters = (smpl[name][row][None] for name in ('global_orient', 'body_pose', 'betas', 'transl'))
    return linear_blend_skinning(load_generated_body(), *parameters)[0][0]
