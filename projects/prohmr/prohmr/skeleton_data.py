"""Skeletons of generated people as cameras see them: many poses, and no image is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.dataset import BaseDataset

from das_mm.datasets.datasets import DASDataset
from das_mm.datasets.synthetic.posed_people import CAMERA, IMAGE_SIZE, PosedPeople, posed_people
from das_mm.errors import UserError
from das_mm.models.body_models import SMPLBody, superset_layer
from das_mm.registry import DATASETS
from das_mm.structures import KEYPOINT_SETS, project
from das_mm.structures.rotations import axis_angle_to_matrix

from .skeleton_joints import ROOT, SKELETON

_AT_ONCE = 512


@DATASETS.register_module()
class SampledSkeletons(BaseDataset):
    """N people of the generated body before a camera (:func:`.posed_people`), as records of the person view: the joints
    of ``j17`` in px, and in m of the camera frame.

    Args:
        num_people: N.
        seed: Of everything; sets of different seeds share nobody.
        noise_px: Standard deviation of what a detector would get wrong.
        kwargs: ``pipeline`` and ``test_mode`` of mmengine's ``BaseDataset``.

    Raises:
        UserError: Numbers that are not possible.
    """

    METAINFO = DASDataset.metainfo_of(KEYPOINT_SETS[SKELETON])

    def __init__(self, num_people: int, seed: int = 0, noise_px: float = 0.0, **kwargs: Any) -> None:
        if num_people < 1 or not noise_px >= 0:
            raise UserError(
                f'{num_people} people with a noise of {noise_px} px are not possible',
                field='num_people',
                remedy='give at least one, and a noise that is not negative',
            )
        self.num_people, self.seed, self.noise_px = num_people, seed, noise_px
        super().__init__(serialize_data=False, **kwargs)

    def load_data_list(self) -> list[dict]:
        """All people from one stream of chance."""
        rng = np.random.default_rng([self.seed, self.num_people])
        points = _joints(posed_people(rng, self.num_people))
        places = project(points, CAMERA) + self.noise_px * rng.normal(size=(*points.shape[:2], 2))
        certain = np.ones((len(points[0]), 1))
        return [
            dict(
                keypoints_2d=np.concatenate([places[row], certain], 1),
                keypoints_3d=np.concatenate([points[row], certain], 1),
                has_pose_3d=True,
                keypoint_set=SKELETON,
                camera=dict(K=CAMERA, dist=None),
                ori_shape=IMAGE_SIZE[::-1],
                img_id=row,
                sample_key=('sampled_skeletons', row),
            )
            for row in range(self.num_people)
        ]


@torch.no_grad()
def _joints(people: PosedPeople) -> np.ndarray:
    """(N, 17, 3) m of the camera frame, the pelvis in its place."""
    layer = superset_layer(SMPLBody(), SKELETON)
    turns = axis_angle_to_matrix(people.axis_angle)
    parts = []
    for start in range(0, len(turns), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        arguments = (turns[rows, 0], turns[rows, 1:], people.betas[rows])
        parts.append(layer(*(torch.from_numpy(values.astype(np.float32)) for values in arguments)).double().numpy())
    points = np.concatenate(parts)
    root = KEYPOINT_SETS[SKELETON].index(ROOT)
    return points - points[:, root : root + 1] + people.place[:, None]
