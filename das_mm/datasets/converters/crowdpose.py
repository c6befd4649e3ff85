"""CrowdPose (Li et al., CVPR 2019): COCO's style, 14 keypoints, a crowd index for every image and no areas."""

from __future__ import annotations

from pathlib import Path

from ..annotations.entries import Entries
from ..annotations.rules import CROWD_INDEX
from .coco import CocoStyleConverter

_AREA_OF_BOX = 0.53  # share of a box that a person covers; the official evaluation uses it for want of areas


class CrowdPoseConverter(CocoStyleConverter):
    """CrowdPose as its authors or mmpose name the files.

    ``area`` is that of the official evaluation, 0.53 of the source's box: any OKS computed with it is CrowdPose's.
    """

    name = 'crowdpose'
    title = 'CrowdPose'
    keypoint_set = 'crowdpose14'
    keypoint_names = {'head': 'head_top', 'top_head': 'head_top'}
    splits = ('train', 'val', 'trainval', 'test')
    tree = """\
crowdpose/
  annotations/crowdpose_{train,val,trainval,test}.json    (or mmpose_crowdpose_….json)
  images/100000.jpg …"""
    _IMAGES = dict(train=10000, val=2000, trainval=12000, test=8000)  # 20 000 in all, 5 : 1 : 4 (§4 of the paper)

    def usual_annotations(self) -> list[Path]:
        names = [f'{prefix}crowdpose_{self.split}.json' for prefix in ('', 'mmpose_')]
        return [self.root / folder / name for folder in ('annotations', 'json', '') for name in names]

    def usual_image_folders(self) -> list[Path]:
        return [self.root / 'images']

    def image_fields(self, image: dict) -> dict:
        return {} if image.get('crowdIndex') is None else dict(crowd_index=float(image['crowdIndex']))

    def check_images(self, images: Entries) -> None:
        indices = images.numbers('crowdIndex', default=0.0)
        images.check('crowdIndex', CROWD_INDEX, indices, images.shown('crowdIndex'))

    def person_area(self, person: dict) -> float:
        _, _, width, height = person['bbox']
        return round(_AREA_OF_BOX * float(width) * float(height), 3)

    def expected(self) -> dict[str, str]:
        return {'images': str(self._IMAGES[self.split])}
