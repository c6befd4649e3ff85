"""Scenes as COCO's and CrowdPose's archives: a json of keypoints that annotators saw, and a folder of images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from das_mm.structures import KEYPOINT_SETS

from ..ground_truth import RunLengths
from .base import Layout, PersonGroundTruth, SceneGroundTruth

_SMALL_PX2 = 32**2  # COCO's "small": nobody labels keypoints there
_FIRST_PERSON_ID = 200000
_FINER = 4  # outlines are traced to a quarter of a pixel


class CocoLayout(Layout):
    """``annotations/person_keypoints_SPLITYEAR.json`` and ``SPLITYEAR/*.jpg``.

    As in COCO: keypoints are whole pixels; those out of the image are not labelled; small people have none labelled; of
    whom hardly anything is seen belongs to a crowd (one region an image, as run lengths); the others have polygons.

    Args:
        year: 2017 or 2014, which named its images otherwise.
    """

    name = 'coco'
    splits = ('train', 'val')

    def __init__(self, year: int = 2017):
        self.year = year

    def write(self, scenes: Sequence[SceneGroundTruth], root: Path, split: str) -> None:
        folder = f'{split}{self.year}'
        prefix = '' if self.year == 2017 else f'COCO_{folder}_'
        images, people = [], []
        for number, scene in enumerate(scenes):
            image_id = 139 + 146 * number  # neither consecutive nor from 1
            file_name = f'{prefix}{image_id:012d}.jpg'
            _copy_image(scene, root / folder / file_name)
            images.append(
                dict(
                    license=1,
                    file_name=file_name,
                    coco_url='',
                    height=scene.height,
                    width=scene.width,
                    date_captured='',
                    flickr_url='',
                    id=image_id,
                )
            )
            for entry in self._entries(scene):
                people.append(dict(entry, image_id=image_id, category_id=1, id=_FIRST_PERSON_ID + 31 * len(people)))
        info = dict(description='synthetic scenes in the layout of COCO', version='1.0', year=self.year)
        content = dict(
            info=info,
            licenses=[],
            images=images,
            annotations=people,
            categories=[_category(KEYPOINT_SETS['coco17'].keypoints)],
        )
        _write_json(root / 'annotations' / f'person_keypoints_{folder}.json', content)

    def _entries(self, scene: SceneGroundTruth) -> list[dict]:
        entries = [_coco_person(person) for person in scene.people if person.is_valid]
        hidden = [person for person in scene.people if not person.is_valid]
        if not hidden:
            return entries
        return [*entries, _coco_crowd(coco_mask.merge([person.segmentation for person in hidden]))]


class CrowdPoseLayout(Layout):
    """``annotations/crowdpose_SPLIT.json`` and ``images/*.jpg``; no areas, no segments.

    Args:
        prefix: Put before the json's name; mmpose's copies have ``mmpose_``.
    """

    name = 'crowdpose'
    splits = ('train', 'val', 'trainval', 'test')

    def __init__(self, prefix: str = ''):
        self.prefix = prefix

    def write(self, scenes: Sequence[SceneGroundTruth], root: Path, split: str) -> None:
        images, people = [], []
        for number, scene in enumerate(scenes):
            image_id = 100000 + 7 * number
            file_name = f'{image_id}.jpg'
            _copy_image(scene, root / 'images' / file_name)
            images.append(
                dict(
                    file_name=file_name,
                    id=image_id,
                    height=scene.height,
                    width=scene.width,
                    crowdIndex=round(crowd_index(scene), 2),
                )
            )
            for person in scene.people:
                keypoints = _annotated(person, 'crowdpose14')
                people.append(
                    dict(
                        num_keypoints=int((keypoints[:, 2] > 0).sum()),
                        iscrowd=0,
                        keypoints=keypoints.ravel().tolist(),
                        image_id=image_id,
                        bbox=np.round(person.bbox_xywh, 2).tolist(),
                        category_id=1,
                        id=120000 + len(people),
                    )
                )
        names = ['head' if name == 'head_top' else name for name in KEYPOINT_SETS['crowdpose14'].keypoints]
        content = dict(categories=[_category(names)], images=images, annotations=people)
        _write_json(root / 'annotations' / f'{self.prefix}crowdpose_{split}.json', content)


def crowd_index(scene: SceneGroundTruth) -> float:
    """Mean over people of how many keypoints in one's box are others', by one's own, at most 1 (CrowdPose, §4.1)."""
    points = [_annotated(person, 'crowdpose14') for person in scene.people]
    points = [person[person[:, 2] > 0, :2] for person in points]
    ratios = []
    for n, person in enumerate(scene.people):
        low = np.array(person.bbox_xywh[:2])
        others = [point for m, theirs in enumerate(points) if m != n for point in theirs]
        inside = sum(bool(((point >= low) & (point <= low + person.bbox_xywh[2:])).all()) for point in others)
        ratios.append(min(inside / max(len(points[n]), 1), 1.0))
    return float(np.mean(ratios)) if ratios else 0.0


def _annotated(person: PersonGroundTruth, keypoint_set: str) -> np.ndarray:
    """(J, 3) whole pixels and flags: what an annotator would click; zeros out of the image."""
    seen = person.seen(keypoint_set)[:, None]  # 0 out of the image, 1 hidden, 2 visible
    return np.where(seen > 0, np.hstack([np.rint(person.px(keypoint_set)), seen]), 0).astype(int)


def _coco_person(person: PersonGroundTruth) -> dict:
    keypoints = _annotated(person, 'coco17') * (person.area_px >= _SMALL_PX2)
    return dict(
        segmentation=_polygons(person.segmentation),
        num_keypoints=int((keypoints[:, 2] > 0).sum()),
        area=round(float(person.area_px), 4),
        iscrowd=0,
        keypoints=keypoints.ravel().tolist(),
        bbox=np.round(person.bbox_xywh, 2).tolist(),
    )


def _coco_crowd(mask: RunLengths) -> dict:
    flat = coco_mask.decode(mask).ravel(order='F')  # COCO runs down the columns, and begins with zeros
    bounds = np.flatnonzero(np.diff(flat, prepend=0, append=2))
    counts = np.diff(bounds, prepend=0)
    return dict(
        segmentation=dict(counts=counts.tolist(), size=list(mask['size'])),
        num_keypoints=0,
        area=int(flat.sum()),
        iscrowd=1,
        keypoints=[0] * 51,
        bbox=coco_mask.toBbox(mask).tolist(),
    )


def _polygons(mask: RunLengths) -> list[list[float]]:
    """Outlines in COCO's coordinates, where a pixel reaches from x to x + 1."""
    fine = np.kron(coco_mask.decode(mask), np.ones((_FINER, _FINER), np.uint8))  # contours run through pixel centres
    contours, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [((contour + 0.5) / _FINER).ravel().tolist() for contour in contours if len(contour) >= 3]


def _category(names: Sequence[str]) -> dict:
    # CrowdPose's files hold COCO's links, which do not fit its keypoints: nobody may read them
    links = [[a + 1, b + 1] for a, b in KEYPOINT_SETS['coco17'].links]
    return dict(supercategory='person', id=1, name='person', keypoints=list(names), skeleton=links)


def _copy_image(scene: SceneGroundTruth, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(scene.image_path, path)


def _write_json(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
