"""People who cover each other: the limitation that the paper states (journal, "Limitation and future work").

"When the human bodies are highly overlapped, the human body centers may also overlap, resulting in missed detection of
the occluded human bodies." Measured on crowded synthetic scenes: recall and error of people by how much of their box
lies in that of another.
"""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.ops import box_iou

from .checkpoint_runner import checkpoint_runner, evaluate

#: lower bounds of the bins of the largest intersection over union with somebody's box
BOUNDS = (0.0, 1e-9, 0.1, 0.25, 0.5)
CROWD = dict(people=(4, 6), subject_share=(0.55, 0.95), share_spread=0.2)


@dataclass(frozen=True)
class OverlapRow:
    """People of one bin.

    Attributes:
        least: Least intersection over union of the bin.
        num, num_behind: People, and those of them who stand behind the one who overlaps most.
        recall, recall_behind: Percent of them found.
        mpjpe_mm: Of those found.
    """

    least: float
    num: int
    num_behind: int
    recall: float
    recall_behind: float
    mpjpe_mm: float


def measure_overlap(
    config: str, checkpoint: str | Path, out: str | Path, num_images: int = 200, crowd: dict | None = None
) -> list[dict]:
    """Recall and error by overlap, on scenes of four to six people of the test set's kind.

    Args:
        config, checkpoint: A model of 3D poses whose test set is synthetic.
        out: Folder for logs and ``people.csv``, the errors of each person.
        num_images: Scenes.
        crowd: Settings of the scenes, by default :data:`CROWD`.

    Returns:
        :class:`OverlapRow` of every bin as a dict.
    """
    persons = Path(out) / 'people.csv'
    metric = dict(type='MultiPerson3DMetric', person_file=str(persons))
    dataset = dict(crowd or CROWD, num_images=num_images)
    runner = checkpoint_runner(config, checkpoint, out, dataset, [metric])
    evaluate(runner)
    loop: Any = runner.test_loop
    overlap, behind = _overlaps(loop.dataloader.dataset)
    with open(persons, newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    ids = [int(row['ann_id']) for row in rows]
    return summarise_overlap(
        np.array([overlap[one] for one in ids]),
        np.array([behind[one] for one in ids], bool),
        np.array([row['matched'] in ('1', 'True') for row in rows]),
        np.array([float(row['mpjpe_mm'] or 'nan') for row in rows]),
    )


def summarise_overlap(overlap: np.ndarray, behind: np.ndarray, found: np.ndarray, mpjpe_mm: np.ndarray) -> list[dict]:
    """Rows by overlap.

    Args:
        overlap: (N,) largest intersection over union with another.
        behind: (N,) bool: that other one is nearer to the camera.
        found: (N,) bool.
        mpjpe_mm: (N,), of those found.
    """
    bins = np.searchsorted(BOUNDS, overlap, side='right') - 1
    rows = []
    for number, least in enumerate(BOUNDS):
        mine = bins == number
        errors = mpjpe_mm[mine & found]
        rows.append(
            asdict(
                OverlapRow(
                    least,
                    int(mine.sum()),
                    int((mine & behind).sum()),
                    _percent(found[mine]),
                    _percent(found[mine & behind]),
                    float(errors.mean()) if len(errors) else float('nan'),
                )
            )
        )
    return rows


def overlap_lines(rows: list[dict]) -> list[str]:
    """A table for people."""
    lines = ['IoU with another  people  recall  MPJPE (mm)  behind the other  recall of these']
    for row, end in zip(rows, [*BOUNDS[1:], 1.0]):
        name = 'none' if row['least'] == 0 else f'{row["least"]:.2f} to {end:.2f}'
        lines.append(
            f'{name:16s}  {row["num"]:6d}  {row["recall"]:6.1f}  {row["mpjpe_mm"]:10.1f}  {row["num_behind"]:16d}  '
            f'{row["recall_behind"]:15.1f}'
        )
    return lines


def _overlaps(dataset: Any) -> tuple[dict[int, float], dict[int, bool]]:
    """Annotation id -> largest intersection over union with another box, and whether that one is nearer."""
    overlap, behind = {}, {}
    for row in range(len(dataset)):
        record = dataset.get_data_info(row)
        boxes, depths = record['bbox'].astype(np.float64), record['root_depth_mm']
        iou = box_ious(boxes)
        np.fill_diagonal(iou, 0)
        for person, one in enumerate(record['ann_id'].tolist()):
            other = int(iou[person].argmax())
            overlap[one] = float(iou[person, other])
            behind[one] = bool(iou[person, other] > 0 and depths[other] < depths[person])
    return overlap, behind


def box_ious(boxes: np.ndarray) -> np.ndarray:
    """(N, N) intersection over union of boxes (N, 4) xyxy; 0 of boxes without an area."""
    given = torch.from_numpy(boxes)
    return np.nan_to_num(box_iou(given, given).numpy())


def _percent(found: np.ndarray) -> float:
    return 100 * float(found.mean()) if len(found) else float('nan')
