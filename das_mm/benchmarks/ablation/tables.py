"""The papers' ablations (journal paper §4.4, Tables 6 to 9): what each row switches, and what it scored there.

A row is trained from a base config and overrides (:mod:`.row_configs`); rows of several tables may share one training.
The papers' numbers are those of real data and of their sizes; only the direction from row to row can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from das_mm.errors import UserError


@dataclass(frozen=True)
class Metric:
    """A column of a table.

    Attributes:
        name: As in the paper where it is there.
        key: Among the numbers of an evaluation.
        lower_is_better: Of errors.
        scale: Factor on the number of the evaluation.
    """

    name: str
    key: str
    lower_is_better: bool = True
    scale: float = 1.0


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        number: In its table, from 1.
        label: What is switched on.
        training: Its name among the overrides of :mod:`.row_configs`.
        paper: Metric -> the paper's number.
        against: Numbers of the rows that the paper compares it with.
    """

    number: int
    label: str
    training: str
    paper: Mapping[str, float]
    against: tuple[int, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    Attributes:
        number, title: The paper's.
        data: What the paper measured on.
        metrics: The paper's columns; their directions are compared.
        others: Columns beside them, ours only.
        rows: In the paper's order.
    """

    number: int
    title: str
    data: str
    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]
    others: tuple[Metric, ...] = field(default=())

    def row(self, number: int) -> Row:
        return self.rows[number - 1]


_MPJPE = Metric('MPJPE', 'pose3d/mpjpe_mm')
_PMPJPE = Metric('PMPJPE', 'pose3d/pa_mpjpe_mm')
_ALL = Metric('MPJPE of all', 'pose3d/mpjpe_all_mm')  # those not found stand in the mean pose
_PCK = Metric('PCK_rel', 'pose3d/pck_rel', lower_is_better=False)
_RECALL = Metric('recall', 'pose3d/recall', lower_is_better=False)
_PRECISION = Metric('precision', 'pose3d/precision', lower_is_better=False)
_FOUND = (_RECALL, _PRECISION)


def _mm(value: float) -> dict[str, float]:
    return {'MPJPE': value}


_TABLE_6 = Table(
    6,
    'Component analysis',
    'CMU Panoptic',
    (_MPJPE,),
    (
        Row(1, 'bbox centre', 'pose_bbox', _mm(65.3)),
        Row(2, 'root centre', 'pose_root', _mm(62.5), against=(1,)),
        Row(3, 'root, recursive update', 'pose_recursive', _mm(57.6), against=(2,)),
        Row(4, 'root, MLE', 'pose_mle', _mm(58.8), against=(2,)),
        Row(5, 'root, recursive update, MLE', 'pose', _mm(56.3), against=(3, 4)),
        Row(6, 'root, recursive update, MLE, larger backbone', 'pose_larger-backbone', _mm(54.4), against=(5,)),
    ),
    (_ALL, _PMPJPE, _PCK, *_FOUND),
)

# without MLE: row 1 is the 62.5 and row 5 the 57.6 that Table 6 has for its rows without MLE
_TABLE_7 = Table(
    7,
    'Settings of the recursive update',
    'CMU Panoptic',
    (_MPJPE,),
    (
        Row(1, 'none', 'pose_root', _mm(62.5)),
        Row(2, 'plain, 1 layer', 'pose_plain-1', _mm(58.6), against=(1,)),
        Row(3, 'multi-source, 1 layer', 'pose_multi-1', _mm(58.2), against=(2,)),
        Row(4, 'multi-source, 2 layers', 'pose_multi-2', _mm(57.9), against=(3,)),
        Row(5, 'multi-source, 3 layers', 'pose_recursive', _mm(57.6), against=(4,)),
    ),
    (_ALL, _PMPJPE, _PCK, *_FOUND),
)

# MLE is meant for the poses and for SMPL's parameters: row 1 has no parameters, so that the missing tick can only speak
# of its poses, and the text sees all three numbers gain from row 2 to row 3. The errors of joints are those of the pose
# head, which alone all rows have
_TABLE_8 = Table(
    8,
    'Mesh recovery',
    '3DPW',
    (_MPJPE, _PMPJPE, Metric('PVE', 'mesh/pve_root_mm')),
    (
        Row(1, 'no SMPL branch', 'mesh_no-branch', dict(MPJPE=79.1, PMPJPE=43.7)),
        Row(2, 'SMPL branch', 'mesh_no-mle', dict(MPJPE=85.5, PMPJPE=47.5, PVE=105.9), against=(1,)),
        Row(3, 'SMPL branch, MLE', 'mesh', dict(MPJPE=76.4, PMPJPE=41.1, PVE=93.9), against=(1, 2)),
    ),
    (Metric('MPJPE of the mesh', 'mesh/mpjpe_mm'), Metric('PMPJPE of the mesh', 'mesh/pa_mpjpe_mm'), *_FOUND),
)

# AP is COCO's, by OKS; PoseTrack's wants boxes of heads, which the clips lack
_AP = Metric('AP', 'coco/AP', lower_is_better=False, scale=100)
_MOTA = Metric('MOTA', 'tracking/mota', lower_is_better=False)

_TABLE_9 = Table(
    9,
    'Pose tracking',
    'PoseTrack18',
    (_AP, _MOTA),
    (
        Row(1, 'nearest pose', 'tracking_nearest-pose', dict(AP=71.4, MOTA=53.2)),
        Row(2, 'centre displacement', 'tracking_center', dict(AP=68.7, MOTA=60.1), against=(1,)),
        Row(3, 'centre displacement, MLE', 'tracking_center-mle', dict(AP=75.9, MOTA=63.3), against=(2,)),
        Row(4, 'centre displacement, MLE, per-joint displacement', 'tracking', dict(AP=75.1, MOTA=63.8), against=(3,)),
    ),
    (
        Metric('IDF1', 'tracking/idf1', lower_is_better=False),
        Metric('switches', 'tracking/num_switches'),
        _MPJPE,
        *_FOUND,
    ),
)

TABLES: dict[int, Table] = {table.number: table for table in (_TABLE_6, _TABLE_7, _TABLE_8, _TABLE_9)}


def trainings_of(tables: Iterable[int]) -> list[str]:
    """Names of the trainings that the tables need, each once, in their order.

    Raises:
        UserError: There is no such table.

    Example:
        >>> trainings_of([7])
        ['pose_root', 'pose_plain-1', 'pose_multi-1', 'pose_multi-2', 'pose_recursive']
    """
    tables = list(tables)
    unknown = [str(number) for number in tables if number not in TABLES]
    if unknown:
        raise UserError(
            f'there is no table {", ".join(unknown)}',
            field='--tables',
            remedy=f'choose among {", ".join(map(str, TABLES))}',
        )
    return list(dict.fromkeys(row.training for number in tables for row in TABLES[number].rows))
