"""Keypoints of a data set's people in a superset of HMR's family. Letters: N people, K keypoints of the superset."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from das_mm.errors import UserError
from das_mm.structures.keypoint_conversion import convert_indices
from das_mm.structures.keypoint_sets import KeypointSet


def superset_table(source: KeypointSet, target: KeypointSet, renamed: Mapping[str, str]) -> np.ndarray:
    """(K,) which keypoint of ``source`` serves each of ``target``, -1 where none does; nothing is derived from others.

    Args:
        source, target: The data set's own, and the superset.
        renamed: Keypoint of ``target`` -> keypoint of ``source`` that is put there and nowhere else, where the papers
            read a data set's name in another way than this package (SPIN: MPI-INF's ``head_top`` is ``head_h36m``).

    Raises:
        UserError: ``renamed`` names a keypoint that is not there.
    """
    table = convert_indices(source, target)
    for wanted, served_by in renamed.items():
        for name, kset in ((wanted, target), (served_by, source)):
            if name not in kset.keypoints:
                raise UserError(
                    f'{kset.name} has no keypoint {name!r}',
                    field='renamed',
                    remedy=f'use names of {kset.name}: {", ".join(kset.keypoints)}',
                )
        row = source.index(served_by)
        table[table == row] = -1
        table[target.index(wanted)] = row
    return table


def gather(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """(N, K_source, …) to (N, K, …) by a table, 0 where it has -1."""
    out = np.array(values[:, table])
    out[:, table < 0] = 0
    return out
