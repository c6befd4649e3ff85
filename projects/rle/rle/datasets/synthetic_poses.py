"""People with true depths for lifting, without images: poses of the synthetic world before a camera.

Letters: N people, K = 24 joints of the body model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset

from das_mm.bodies.numpy_body import NumpyBody
from das_mm.bodies.smpl_file import generated_arrays
from das_mm.datasets.synthetic.posed_people import CAMERA, IMAGE_SIZE, posed_people
from das_mm.registry import DATASETS
from das_mm.structures.cameras import project
from das_mm.structures.keypoint_sets import get_keypoint_set, to_mmpose_metainfo


@DATASETS.register_module()
class SyntheticPoseDataset(BaseDataset):
    """N people of the generated body, in activities of the synthetic world, 3.5 to 6 m before a camera that is level or
    looks down by up to 20 degrees. Records are as those of :class:`PersonKeypointDataset` with depths.

    Args:
        num_people: N.
        seed: Of everything; sets of different seeds share nobody.
        noise_px: Standard deviation of the 2D input about the projection; 0 is the true one, as in RLE §5.
        pipeline, test_mode: As in mmengine.
    """

    def __init__(
        self, num_people: int, seed: int = 0, noise_px: float = 0.0, pipeline: Any = (), test_mode: bool = False
    ):
        self.num_people, self.seed, self.noise_px = num_people, seed, noise_px
        self.keypoint_set = get_keypoint_set('smpl24')
        metainfo = dict(keypoint_set='smpl24', sigmas=np.array(to_mmpose_metainfo('smpl24')['sigmas']))
        super().__init__(
            ann_file='', metainfo=metainfo, pipeline=list(pipeline), test_mode=test_mode, serialize_data=False
        )

    def load_data_list(self) -> list[dict]:
        rng = np.random.default_rng([self.seed, self.num_people])
        space = _people(rng, self.num_people)  # (N, K, 3) mm
        pixels = project(space, CAMERA) + rng.normal(0, 1, (*space.shape[:2], 2)) * self.noise_px
        root = self.keypoint_set.root_index
        return [self._record(number, space[number], pixels[number], root) for number in range(self.num_people)]

    def _record(self, number: int, space: np.ndarray, pixels: np.ndarray, root: int | None) -> dict:
        depth = space[root, 2]
        return dict(
            id=number,
            img_id=number,
            img_path=f'pose_{number:06d}',
            image_size=IMAGE_SIZE,
            flip_indices=list(self.keypoint_set.flip_indices),
            bbox=np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])[None].astype(np.float32),
            keypoints=np.concatenate([pixels, space[:, 2:] - depth], axis=1)[None].astype(np.float32),
            keypoints_visible=np.ones((1, len(space)), np.float32),
            camera_matrix=CAMERA,
            keypoints_cam_mm=space,
            root_depth_mm=float(depth),
        )


def _people(rng: np.random.Generator, num: int) -> np.ndarray:
    """(N, K, 3) joints in mm of the camera."""
    people = posed_people(rng, num)
    joints = NumpyBody(generated_arrays('neutral')).posed_joints(people.axis_angle, people.betas)
    return 1000 * (joints - joints[:, :1] + people.place[:, None])
