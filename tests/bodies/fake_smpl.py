"""SMPL files as downloaded: pickles of protocol 2 with chumpy objects and scipy matrices, of the generated body."""

from __future__ import annotations

import pickle
import sys
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from scipy import sparse

from das_mm.bodies import load_generated_body


@contextmanager
def fake_chumpy():
    """chumpy's classes as far as pickling looks at them: the modules' and classes' names, and a dict of state."""
    names = {'chumpy.ch': ('Ch',), 'chumpy.reordering': ('Select', 'transpose'), 'chumpy.ch_ops': ('add',)}
    modules = {'chumpy': ModuleType('chumpy'), **{name: ModuleType(name) for name in names}}
    for module, classes in names.items():
        for cls in classes:
            setattr(modules[module], cls, type(cls, (), {'__module__': module, '__qualname__': cls}))
    sys.modules.update(modules)
    try:
        yield modules
    finally:
        for name in modules:
            del sys.modules[name]


def node(cls: type, **state: Any) -> Any:
    made = cls()
    made.__dict__.update(_dirty_vars=set(), _itr=None, **state)
    return made


def smpl_arrays(num_betas: int = 10) -> dict[str, Any]:
    """The arrays under the file's names; more betas than the body has are small and random."""
    body = load_generated_body()
    more = np.random.default_rng(0).normal(0, 1e-4, (*body.v_template.shape, max(num_betas - 10, 0)))
    kintree = body.kintree_table.copy()
    kintree[0, 0] = 2**32 - 1
    return dict(
        v_template=body.v_template.astype(float),
        f=body.faces.astype(np.uint32),
        shapedirs=np.concatenate([body.shapedirs, more], axis=2)[..., :num_betas],
        posedirs=body.posedirs,
        J_regressor=sparse.csc_matrix(body.J_regressor),
        weights=body.weights,
        kintree_table=kintree.astype(np.uint32),
        bs_style='lbs',
    )


def write_downloaded(path: Path, **changes: Any) -> Path:
    """A file like ``basicModel_neutral_lbs_10_207_0_v1.0.0.pkl``; ``changes`` replace arrays (``None`` drops one)."""
    arrays = {key: value for key, value in (smpl_arrays() | changes).items() if value is not None}
    with fake_chumpy() as chumpy:
        ch, reordering = chumpy['chumpy.ch'], chumpy['chumpy.reordering']
        for key in ('v_template', 'posedirs', 'weights'):
            if key in arrays:
                arrays[key] = node(ch.Ch, x=arrays[key])
        shapedirs = arrays['shapedirs']
        if isinstance(shapedirs, np.ndarray) and shapedirs.ndim == 3:
            # a selection of the first directions out of more, as some releases have it
            wide = np.concatenate([shapedirs, np.ones((*shapedirs.shape[:2], 2))], axis=2)
            index = np.arange(wide.size).reshape(wide.shape)[..., : shapedirs.shape[2]]
            arrays['shapedirs'] = node(
                reordering.Select, a=node(ch.Ch, x=wide), idxs=index.ravel(), preferred_shape=shapedirs.shape
            )
        arrays['J'] = node(reordering.transpose, a=node(chumpy['chumpy.ch_ops'].add, a=1, b=2))
        data = pickle.dumps(arrays, protocol=2)
    # python 2 and the scipy of its days wrote these names
    assert b'cchumpy.ch\nCh\n' in data
    path.write_bytes(data.replace(b'cscipy.sparse._csc\n', b'cscipy.sparse.csc\n').replace(b'builtins', b'__builtin__'))
    return path
