"""The labels of a file as the checks need them. A people, M images, J keypoints of the file's own set."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from das_mm.structures import project

from ..annotations.annotation_file import AnnotationFile


class Labels:
    """Arrays that several checks share, worked out once."""

    def __init__(self, file: AnnotationFile):
        self.file, self.people, self.kset = file, file.people, file.keypoint_set
        sizes = np.array([(image['width'], image['height']) for image in file.images], np.float64)
        self.size_px = sizes[self.people.image_row]  # (A, 2) width, height
        self.labelled = self.people.flags > 0  # (A, J)
        self.inside = ((self.people.keypoints >= -0.5) & (self.people.keypoints < self.size_px[:, None] - 0.5)).all(-1)
        # crowds and people that are said to be wrong are never learnt
        self.counted = ~self.people.iscrowd & self.people.is_valid  # (A,)
        self.with_3d = self.people.keypoints_3d_valid.any(1)

    @cached_property
    def has_camera(self) -> np.ndarray:
        """(M,) bool."""
        return np.array([image['cam_param'] is not None for image in self.file.images], bool)

    @cached_property
    def residual_px(self) -> np.ndarray:
        """(A, J, 2) projected keypoints_3d less keypoints; NaN where either or the camera is not known."""
        people = self.people
        known = people.keypoints_3d_valid & self.labelled & self.has_camera[people.image_row][:, None]
        K, dist = self._cameras()
        points = np.where(known[..., None], people.keypoints_3d, (0.0, 0.0, 1.0))
        seen = project(points, K[people.image_row][:, None], dist[people.image_row][:, None])
        return np.where(known[..., None], seen - people.keypoints, np.nan)

    def _cameras(self) -> tuple[np.ndarray, np.ndarray]:
        cameras = [image['cam_param'] for image in self.file.images]
        K = np.array([np.eye(3) if camera is None else camera['K'] for camera in cameras])
        dist = np.array(
            [np.zeros(5) if camera is None or camera['dist'] is None else camera['dist'] for camera in cameras]
        )
        return K, dist

    def name(self, row: int) -> str:
        """A person, for people."""
        image = self.file.images[self.people.image_row[row]]
        return f'annotation id {self.people.ann_id[row]} in {image["file_name"]}'

    def image_name(self, row: int) -> str:
        """An image, likewise."""
        image = self.file.images[row]
        return f'image id {image["id"]}, {image["file_name"]}'
