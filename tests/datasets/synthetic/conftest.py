"""Small sets, drawn once for all tests of this folder."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from das_mm.datasets.synthetic import SyntheticConfig, generate

SCENES = SyntheticConfig(num_images=4, image_size=(160, 96), people=(2, 5), seed=7, split='val')


class DrawnSet:
    """A set and its parts as a reader sees them."""

    def __init__(self, config: SyntheticConfig, root):
        self.config, self.paths = config, generate(config, root, workers=0, progress=False)
        self.stored = {name: json.loads(path.read_text()) for name, path in self.paths.annotations.items()}

    def images(self, joint_set: str = 'coco17'):
        """(image, its annotations, depth (H, W) uint16 mm) for every image."""
        stored = self.stored[joint_set]
        for image in stored['images']:
            depth = cv2.imread(str(self.paths.root / image['depth_file']), cv2.IMREAD_UNCHANGED)
            yield image, [a for a in stored['annotations'] if a['image_id'] == image['id']], depth

    @staticmethod
    def keypoints(annotation: dict) -> np.ndarray:
        """(K, 3) u, v, flag."""
        return np.array(annotation['keypoints']).reshape(-1, 3)


@pytest.fixture(scope='session')
def scenes(tmp_path_factory) -> DrawnSet:
    return DrawnSet(SCENES, tmp_path_factory.mktemp('scenes'))


@pytest.fixture(scope='session')
def clip(tmp_path_factory) -> DrawnSet:
    config = SyntheticConfig(num_images=16, image_size=(96, 64), people=(2, 3), seed=1, kind='clips', clip_length=16)
    return DrawnSet(config, tmp_path_factory.mktemp('clip'))
