"""One record a person, out of a file in the package's annotation format, which is COCO's with cameras and depths.

Letters: K keypoints.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mmpose.datasets.datasets.base import BaseCocoStyleDataset
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from das_mm.errors import UserError
from das_mm.registry import DATASETS
from das_mm.structures.cameras import project
from das_mm.structures.keypoint_sets import get_keypoint_set, to_mmpose_metainfo

from ..keypoint_tables import carry_over


@DATASETS.register_module()
class PersonKeypointDataset(BaseCocoStyleDataset):
    """People for a top-down regressor, with mmpose's names in their records.

    Args:
        keypoint_set: Set of the keypoints that are learnt.
        source_keypoint_set: That of the file, where it is another.
        with_depth: Keypoints are (1, K, 3): px, px, mm behind the root, NaN where the depth is not known. As in the
            released code the px of people in 3D are the projections of their 3D keypoints by the bare camera matrix.
            Records then also have ``camera_matrix`` (3, 3), ``keypoints_cam_mm`` (K, 3) and ``root_depth_mm``.
        **kwargs: What mmpose's ``BaseCocoStyleDataset`` takes.

    Raises:
        UserError: No person of the file has a box and a labelled keypoint, or a person has another number of them.
    """

    METAINFO: dict = {}

    def __init__(
        self, *args: Any, keypoint_set: str, source_keypoint_set: str | None = None, with_depth: bool = False, **kwargs
    ):
        self.target_set, self.source_set = get_keypoint_set(keypoint_set), source_keypoint_set or keypoint_set
        self.with_depth = with_depth
        kwargs['metainfo'] = kwargs.get('metainfo') or to_mmpose_metainfo(self.target_set)
        super().__init__(*args, **kwargs)

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> dict:
        return parse_pose_metainfo(metainfo or {})

    @property
    def metainfo(self) -> dict:
        return {**super().metainfo, 'keypoint_set': self.target_set.name}

    def load_data_list(self) -> list[dict]:
        people = super().load_data_list()
        if not people:
            raise UserError(
                'no person of it has a box and a labelled keypoint',
                file=self.ann_file,
                field='annotations',
                remedy='look at it with `das-mm data check`',
            )
        return people

    def parse_data_info(self, raw_data_info: dict) -> dict | None:
        annotation, image = raw_data_info['raw_ann_info'], raw_data_info['raw_img_info']
        count = len(annotation.get('keypoints', ())) // 3
        if count and count != get_keypoint_set(self.source_set).num_keypoints:
            raise UserError(
                f'a person of {count} keypoints, and {self.source_set} has another number',
                file=self.ann_file,
                field=f'annotations[id={annotation["id"]}].keypoints',
                remedy='name the keypoint set of the file: source_keypoint_set',
            )
        record = super().parse_data_info(raw_data_info)
        if record is None:
            return None
        record['image_size'] = (image['width'], image['height'])
        if self.with_depth:
            self._add_depths(record, annotation, image)
        if self.source_set != self.target_set.name:
            visible = record['keypoints_visible'][0, :, None]
            stored = np.concatenate([record['keypoints'][0], visible], axis=1)
            carried = carry_over(self.source_set, self.target_set.name, stored)
            record['keypoints_visible'] = np.nan_to_num(carried[None, :, -1], nan=0.0)
            # a keypoint between two, of which one is not labelled
            record['keypoints_visible'][record['keypoints_visible'] < 1] = 0
            record['keypoints'] = carried[None, :, :-1].copy()
            record['keypoints'][..., :2] = np.nan_to_num(record['keypoints'][..., :2], nan=0.0)
            if 'keypoints_cam_mm' in record:
                record['keypoints_cam_mm'] = carry_over(
                    self.source_set, self.target_set.name, record['keypoints_cam_mm']
                )
        return record

    def _add_depths(self, record: dict, annotation: dict, image: dict) -> None:
        camera = image.get('cam_param') or {}
        keypoints = record['keypoints']
        unknown = np.full((*keypoints.shape[:2], 1), np.nan, dtype=np.float32)
        record['keypoints'] = np.concatenate([keypoints, unknown], axis=-1)
        if camera.get('K') is None or annotation.get('keypoints_3d') is None or not image.get('has_3d', True):
            return
        matrix, space = np.array(camera['K'], dtype=np.float64), np.array(annotation['keypoints_3d'], dtype=np.float64)
        valid = np.array(annotation.get('keypoints_3d_valid', np.ones(len(space)))) > 0
        root = get_keypoint_set(self.source_set).root_sources
        if not valid[list(root)].all():
            return
        root_depth = space[list(root), 2].mean()
        known = valid & (space[:, 2] > 0)
        placed = np.concatenate([project(space, matrix), space[:, 2:] - root_depth], axis=1)
        record['keypoints'][0, known] = placed[known]
        record['keypoints_visible'][0, known] = 1
        record.update(
            camera_matrix=matrix,
            keypoints_cam_mm=np.where(known[:, None], space, np.nan),
            root_depth_mm=float(root_depth),
        )
