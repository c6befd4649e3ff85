"""Records in COCO's words, for mmpose's CocoMetric."""

from __future__ import annotations

import numpy as np


def coco_annotations(record: dict) -> list[dict]:
    """The people of a record of :class:`.DASDataset` as COCO annotations."""
    keypoints = np.concatenate([record['keypoints'], record['keypoints_flags'][..., None]], axis=-1)
    boxes = np.concatenate([record['bbox'][:, :2], record['bbox'][:, 2:] - record['bbox'][:, :2]], axis=1)
    counts = (record['keypoints_flags'] > 0).sum(axis=1)
    return [
        dict(
            id=int(record['ann_id'][n]),
            image_id=record['img_id'],
            category_id=1,
            bbox=boxes[n].tolist(),
            area=float(record['area'][n]),
            iscrowd=int(record['iscrowd'][n]),
            keypoints=keypoints[n].ravel().tolist(),
            num_keypoints=int(counts[n]),
        )
        for n in range(len(boxes))
    ]
