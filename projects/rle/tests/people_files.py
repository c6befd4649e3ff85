"""A few people in the package's annotation format: stick figures on noise, with and without depths."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from das_mm.structures.cameras import project
from das_mm.structures.keypoint_sets import get_keypoint_set

CAMERA = np.array([[400.0, 0, 80], [0, 400.0, 60], [0, 0, 1]])
IMAGE_SIZE = (160, 120)


def write_people(root: Path, keypoint_set: str, num: int = 6, with_depth: bool = False, seed: int = 0) -> str:
    """One person an image, `root/people.json` and `root/S9_Walking_1.60457274/….png`; the name of the json."""
    rng, count = np.random.default_rng(seed), get_keypoint_set(keypoint_set).num_keypoints
    folder = root / 'S9_Walking_1.60457274'
    folder.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for index in range(1, num + 1):
        space = rng.normal(0, [150, 250, 150], (count, 3)) + [0, 0, 4000]
        space[0] = [0, 0, 4000]
        pixels = project(space, CAMERA)
        image = rng.integers(0, 255, (IMAGE_SIZE[1], IMAGE_SIZE[0], 3), dtype=np.uint8)
        for point in pixels:
            cv2.circle(image, tuple(int(v) for v in point), 2, (0, 255, 255), -1)
        name = f'{folder.name}/{folder.name}_{index:06d}.png'
        cv2.imwrite(str(root / name), image)
        corner, far = pixels.min(0).clip(0), pixels.max(0).clip(None, [159, 119])
        flags = np.full(count, 2)
        flags[-1] = 0 if index == 1 else 2
        triplets = np.concatenate([pixels * (flags > 0)[:, None], flags[:, None]], axis=1)
        images.append(dict(id=index, file_name=name, width=IMAGE_SIZE[0], height=IMAGE_SIZE[1]))
        person = dict(
            id=index,
            image_id=index,
            category_id=1,
            iscrowd=0,
            bbox=[*corner.tolist(), *(far - corner).tolist()],
            area=float((far - corner).prod()),
            keypoints=triplets.ravel().tolist(),
            num_keypoints=int((flags > 0).sum()),
        )
        if with_depth:
            images[-1]['cam_param'] = dict(K=CAMERA.tolist())
            person.update(keypoints_3d=space.tolist(), keypoints_3d_valid=[1] * count)
        annotations.append(person)
    categories = [dict(id=1, name='person', keypoints=list(get_keypoint_set(keypoint_set).keypoints))]
    content = dict(info=dict(joints=keypoint_set), images=images, annotations=annotations, categories=categories)
    (root / 'people.json').write_text(json.dumps(content))
    return str(root / 'people.json')
