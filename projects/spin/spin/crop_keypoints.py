"""Keypoints of the people of a data set in their plain crops, without opening an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from das_mm.datasets.datasets import PersonViewDataset
from das_mm.structures import warp_points
from das_mm.structures.crop_transform import crop_matrix


def rows_of(view: PersonViewDataset) -> np.ndarray:
    """(n,) rows of the annotation file that the view's records are of, in its order."""
    return np.array([view.get_data_info(index)['sample_key'][1] for index in range(len(view))], dtype=np.int64)


def plain_crops(view: PersonViewDataset, indices: Sequence[int], crop_px: int) -> Tensor:
    """(B, K, 3) crop px and confidence of people as neither turned nor mirrored crops show them.

    Args:
        view: K is that of its keypoint set.
        indices: B records of it.
        crop_px: Side of the crop.
    """
    seen = []
    for index in indices:
        record = view.get_data_info(index)
        points, confidence = record['keypoints_2d'][:, :2], record['keypoints_2d'][:, 2:]
        places = warp_points(points, crop_matrix(record['box_center'], record['box_scale'], crop_px))
        seen.append(np.concatenate([np.where(confidence > 0, places, 0), confidence], axis=1))
    return torch.from_numpy(np.stack(seen)).float()
