"""The layout of MuCo-3DHP as Moon released it (datasets.md §5)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from das_mm.engine import atomic_write

from .base import Layout, PersonGroundTruth, SceneGroundTruth
from .camera_views import write_image

_FOLDERS = ('augmented_set', 'unaugmented_set')


class MuCoLayout(Layout):
    """annotations/MuCo-3DHP.json, augmented_set/ and unaugmented_set/ (every second image)."""

    name = 'muco'

    def write(self, scenes: Sequence[SceneGroundTruth], root: Path, split: str) -> None:
        root = Path(root)
        images, annotations = [], []
        for number, scene in enumerate(scenes):
            file_name = f'{_FOLDERS[number % 2]}/s{1 + number // 2 % 8}/composite_{number:06d}.jpg'
            write_image(root / file_name, scene.image())
            K = scene.K
            images.append(
                dict(
                    id=number,
                    file_name=file_name,
                    width=scene.width,
                    height=scene.height,
                    f=[K[0, 0], K[1, 1]],
                    c=[K[0, 2], K[1, 2]],
                )
            )
            for person in scene.people:
                annotations.append(dict(id=len(annotations), image_id=number, **_entry(person)))
        content = dict(images=images, annotations=annotations)
        atomic_write(root / 'annotations' / 'MuCo-3DHP.json', json.dumps(content).encode())


def _entry(person: PersonGroundTruth) -> dict:
    keypoints, seen = person.px('muco21'), person.seen('muco21')
    low, high = keypoints.min(0), keypoints.max(0)
    return dict(
        bbox=[*low.tolist(), *(high - low).tolist()],  # of all keypoints, also of those out of the image
        keypoints_img=keypoints.tolist(),
        keypoints_cam=person.mm('muco21').tolist(),
        keypoints_vis=(np.asarray(seen) != 1).tolist(),
    )  # only hidden ones are not "visible"
