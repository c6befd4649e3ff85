"""Stand-ins for the classes in a downloaded SMPL pickle: chumpy arrays and scipy matrices as plain arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import sparse

_MOST_NUMBERS = 10_000_000  # a regressor has 24 x 6890


class _StandIn:
    """An object of a class that is not installed: keeps what the file says of it, and does nothing."""

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, dict) else {}


class _Chumpy(_StandIn):
    """``chumpy.ch.Ch``, an array; of expressions only the selection has a value, no needed array is another one."""

    def value(self) -> Any:
        if 'x' in self.state:
            return self.state['x']
        if 'a' in self.state and 'idxs' in self.state:
            chosen = np.ravel(plain(self.state['a']))[self.state['idxs']]
            return chosen.reshape(self.state.get('preferred_shape', chosen.shape))
        return None


class _Sparse(_StandIn):
    """``scipy.sparse``'s csc_matrix or csr_matrix."""

    kind: type

    def value(self) -> np.ndarray:
        parts = tuple(np.asarray(self.state[name]) for name in ('data', 'indices', 'indptr'))
        shape = self.state['_shape'] if '_shape' in self.state else self.state['shape']
        shape = tuple(int(side) for side in shape)
        if math.prod(shape) > _MOST_NUMBERS:
            raise ValueError(f'a matrix of {shape}')
        matrix = self.kind(parts, shape=shape)
        matrix.check_format(full_check=True)  # wrong indices would be followed in C
        return matrix.toarray()


class _Csc(_Sparse):
    kind = sparse.csc_matrix


class _Csr(_Sparse):
    kind = sparse.csr_matrix


def _stand_ins() -> dict[str, type]:
    """Every class that SMPL's pickles are known to name, chumpy's expressions for the unused arrays among them."""
    names = {
        'ch': ('Ch', 'MatVecMult'),
        'ch_ops': ('add', 'subtract', 'multiply', 'divide', 'dot'),
        'reordering': ('Select', 'transpose', 'Reshape', 'Concatenate', 'vstack', 'hstack'),
    }
    known: dict[str, type] = {f'chumpy.{module}.{name}': _Chumpy for module, some in names.items() for name in some}
    for kind, cls in (('csc', _Csc), ('csr', _Csr)):
        known |= {f'scipy.sparse.{module}.{kind}_matrix': cls for module in (kind, f'_{kind}')}
    return known


STAND_INS = _stand_ins()


def plain(value: Any) -> Any:
    """What a stand-in says of the object that it stands for; other values as they are."""
    return value.value() if isinstance(value, (_Chumpy, _Sparse)) else value
