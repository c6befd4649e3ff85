"""A generated human body in SMPL's format, for everything that needs a body where the licensed file is not at hand.

Provenance: the surface was modelled for this package (``das-mm assets template`` makes it again from tables of
measures); no vertex, weight or direction comes from SMPL. Only the format is SMPL's (Loper et al. 2015): array shapes,
kinematic tree, axes, and the places of the 21 vertices by which ``smplx`` picks nose, eyes, ears, toes, heels and
finger tips.
"""

from __future__ import annotations

import functools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from das_mm.errors import UserError

from .body_model import BodyModel
from .pose_correctives import pose_directions
from .shape_space import GENDER_BETAS, shape_directions
from .skeleton import PARENTS
from .skinning_weights import expand_weights

#: made by ``das-mm assets template``
TEMPLATE_FILE = Path(__file__).parent / 'data' / 'template.npz'


@functools.lru_cache(maxsize=1)
def load_generated_body() -> BodyModel:
    """The generated body; read and completed once in a process, the same on every machine to well below 1e-5 m.

    Example:
        >>> body = load_generated_body()
        >>> body.v_template.shape, body.faces.shape, body.posedirs.shape
        ((6890, 3), (13776, 3), (6890, 3, 207))
    """
    with np.load(TEMPLATE_FILE) as stored:
        v_template = stored['vertices_um'].astype(np.float64) * 1e-6
        faces = stored['faces'].astype(np.int64)
        weights = expand_weights(stored['weight_joints'], stored['weight_values'])
        regressor = np.zeros((24, len(v_template)))
        regressor[stored['regressor_joints'], stored['regressor_vertices']] = stored['regressor_values']
        part_labels, uv = stored['part_labels'], stored['uv'].astype(np.float32) / 65535
    regressor /= regressor.sum(axis=1, keepdims=True)
    kintree = np.stack([np.array(PARENTS, np.int64), np.arange(24)])
    arrays = dict(
        v_template=v_template.astype(np.float32),
        faces=faces,
        shapedirs=shape_directions(v_template, weights).astype(np.float32),
        posedirs=pose_directions(v_template, weights, regressor @ v_template).astype(np.float32),
        J_regressor=regressor,
        weights=weights.astype(np.float32),
        kintree_table=kintree,
        parents=kintree[0].copy(),
        part_labels=part_labels,
        uv=uv,
    )
    for array in arrays.values():
        array.setflags(write=False)  # the one copy is shared by the whole process
    return BodyModel(**arrays)


def write_smpl_file(path: str | Path, gender: str = 'neutral') -> Path:
    """Write the generated body as ``smplx.SMPL(model_path=...)`` and other SMPL readers expect it.

    Args:
        path: ``*.pkl`` (a pickled dict of numpy arrays and one scipy sparse matrix, no chumpy; what ``smplx.SMPL`` and
            ``smplx.create`` read) or ``*.npz`` (the same keys, dense, readable with ``allow_pickle=False``). For
            ``smplx.create(folder)`` the name is ``folder/smpl/SMPL_NEUTRAL.pkl``.
        gender: ``neutral``, ``male`` or ``female``: the template moved along the shape directions.

    Returns:
        The path written.

    Raises:
        UserError: for an unknown suffix or gender, or where the file cannot be written.
    """
    path = Path(path)
    if gender not in GENDER_BETAS:
        raise UserError(f'unknown gender {gender!r}', field='gender', remedy=f'use one of {sorted(GENDER_BETAS)}')
    if path.suffix not in ('.pkl', '.npz'):
        raise UserError(
            f'suffix {path.suffix!r} is neither .pkl nor .npz',
            file=path,
            remedy='name the file *.pkl for smplx, *.npz for readers without pickle',
        )
    body = load_generated_body()
    kintree = body.kintree_table.copy()
    kintree[0, 0] = 2**32 - 1  # the licensed file says "no parent" as an unsigned -1
    arrays: dict[str, Any] = dict(
        v_template=body.v_template + body.shapedirs @ np.asarray(GENDER_BETAS[gender], np.float32),
        f=body.faces.astype(np.uint32),
        shapedirs=body.shapedirs,
        posedirs=body.posedirs,
        J_regressor=body.J_regressor,
        weights=body.weights,
        kintree_table=kintree.astype(np.uint32),
        J=body.joints_template,
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == '.npz':
            np.savez_compressed(path, **arrays)
        else:
            arrays.update(J_regressor=sparse.csc_matrix(body.J_regressor), bs_type='lrotmin', bs_style='lbs')
            path.write_bytes(pickle.dumps(arrays, protocol=2))
    except OSError as error:
        raise UserError(f'cannot be written: {error}', file=path, remedy='choose a folder you may write to') from error
    return path
