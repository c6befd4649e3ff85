"""Clips as PoseTrack 2018's archives: a json a video and its frames (datasets.md §10)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from das_mm.structures import KEYPOINT_SETS

from .base import Layout, PersonGroundTruth, SceneGroundTruth

_SOURCE = ('mpii', 1)  # of the videos: its name and its digit in the ids
_FIRST_VIDEO = 100
_LABELLED_BY_VALIDATION = 4  # every fourth frame, beside those in the middle
_TINY_PX = 12.0  # nobody draws a box about those who are not as high
_BOX_MARGIN = 0.15  # on each side of the keypoints
_HEAD_SIDE = 0.8  # of the head's box, by the distance from its bottom to its top
_NEVER_LABELLED = ('left_ear', 'right_ear')


class PoseTrack18Layout(Layout):
    """``annotations/SPLIT/<video>.json`` and ``images/SPLIT/<video>/000000.jpg``.

    As in PoseTrack: labelled are the frames in the middle of a video, of validation also every fourth one; others are
    listed without people. Keypoints that are hidden or out of the image are zeros, as are both ears; boxes are about
    the keypoints and may leave the image. Who is hardly seen lies in a region to ignore; frames without lack the key.
    Identities are those of the clip, so other videos use the same ones.

    Args:
        labelled: Frames in the middle of a video that are labelled.
        merged: One json for the split, as mmpose writes it, with the size of the images.
    """

    name = 'posetrack18'
    kind = 'clips'
    splits = ('train', 'val')

    def __init__(self, labelled: int = 30, merged: bool = False):
        self.labelled, self.merged = labelled, merged

    def write(self, scenes: Sequence[SceneGroundTruth], root: Path, split: str) -> None:
        videos: dict[str, list[SceneGroundTruth]] = {}
        for scene in scenes:
            videos.setdefault(scene.seq, []).append(scene)
        contents = {}
        for number, frames in enumerate(videos.values()):
            digits = f'{_FIRST_VIDEO + number:06d}'
            name = f'{digits}_{_SOURCE[0]}_{"train" if split == "train" else "test"}'
            contents[name] = self._video(sorted(frames, key=lambda scene: scene.frame), Path(root), split, name, digits)
        folder = Path(root) / 'annotations'
        if self.merged:
            every = {
                key: [row for content in contents.values() for row in content[key]] for key in ('images', 'annotations')
            }
            _write_json(folder / f'posetrack18_{split}.json', dict(categories=[_category()], **every))
            return
        for name, content in contents.items():
            _write_json(folder / split / f'{name}.json', dict(content, categories=[_category()]))

    def _video(
        self, scenes: list[SceneGroundTruth], root: Path, split: str, name: str, digits: str
    ) -> dict[str, list[dict]]:
        images, people = [], []
        first = (len(scenes) - self.labelled) // 2
        for number, scene in enumerate(scenes):
            file_name = f'images/{split}/{name}/{number:06d}.jpg'
            (root / file_name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(scene.image_path, root / file_name)
            image_id = int(f'{_SOURCE[1]}{digits}{number:04d}')
            labelled = first <= number < first + self.labelled or (
                split == 'val' and number % _LABELLED_BY_VALIDATION == 0
            )
            image = dict(
                has_no_densepose=True,
                is_labeled=labelled,
                file_name=file_name,
                nframes=len(scenes),
                frame_id=image_id,
                vid_id=digits,
                id=image_id,
                mask_file=f'mask/{split}/{name}/{number:06d}.jpg',
            )
            if self.merged:
                image |= dict(width=scene.width, height=scene.height)
            if labelled:
                image |= _regions(scene)
                seen = [person for person in scene.people if person.is_valid]
                people += [
                    dict(_entry(person), image_id=image_id, id=100 * image_id + row) for row, person in enumerate(seen)
                ]
            images.append(image)
        return dict(images=images, annotations=people)


def _entry(person: PersonGroundTruth) -> dict:
    names = KEYPOINT_SETS['posetrack17'].keypoints
    labelled = (person.seen('posetrack17') == 2) & ~np.isin(names, _NEVER_LABELLED)
    keypoints = np.where(labelled[:, None], np.column_stack([person.px('posetrack17'), np.ones(len(names))]), 0)
    entry: dict = dict(
        bbox_head=_head_box(person),
        keypoints=np.round(keypoints, 7).ravel().tolist(),
        scores=[],
        track_id=int(person.track_id),
        category_id=1,
    )
    points = keypoints[labelled, :2]
    if len(points) and np.ptp(points[:, 1]) >= _TINY_PX:
        low, size = points.min(0), np.ptp(points, axis=0)
        entry['bbox'] = [*(low - _BOX_MARGIN * size).tolist(), *((1 + 2 * _BOX_MARGIN) * size).tolist()]
    elif not len(points):
        entry['bbox'] = list(map(float, person.bbox_xywh))
    return entry


def _head_box(person: PersonGroundTruth) -> list[int]:
    """Whole pixels, as annotators draw it, about the bottom and the top of the head."""
    top, bottom = (person.keypoints_px[name] for name in ('head_top', 'head_bottom'))
    side = max(_HEAD_SIDE * float(np.linalg.norm(top - bottom)), 1.0)
    low = np.minimum(top, bottom) - side / 4
    high = np.maximum(top, bottom) + side / 4
    wide = max(side - (high - low)[0], 0) / 2
    low, high = low - [wide, 0], high + [wide, 0]
    return [*map(int, np.floor(low)), *map(int, np.ceil(high) - np.floor(low))]


def _regions(scene: SceneGroundTruth) -> dict[str, list[list[int]]]:
    """Outlines of those who are hardly seen; nothing where there are none."""
    boxes = [np.rint(person.bbox_xywh).astype(int).tolist() for person in scene.people if not person.is_valid]
    if not boxes:
        return {}
    return dict(
        ignore_regions_x=[[x, x + w, x + w, x] for x, _, w, _ in boxes],
        ignore_regions_y=[[y, y, y + h, y + h] for _, y, _, h in boxes],
    )


def _category() -> dict:
    kset = KEYPOINT_SETS['posetrack17']
    return dict(
        supercategory='person',
        id=1,
        name='person',
        keypoints=list(kset.keypoints),
        skeleton=[[a + 1, b + 1] for a, b in kset.links],
    )


def _write_json(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
