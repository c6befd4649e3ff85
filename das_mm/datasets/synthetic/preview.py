"""A contact sheet of a set: pictures beside the same pictures with masks, boxes and joints drawn in."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from das_mm.errors import UserError
from das_mm.structures.keypoint_sets import KEYPOINT_SETS

from .set_files import write_whole

_COLOURS = [
    (66, 135, 245),
    (245, 96, 66),
    (80, 200, 90),
    (220, 80, 220),
    (240, 190, 40),
    (40, 200, 220),
    (150, 110, 250),
    (170, 170, 60),
]


def write_contact_sheet(
    annotation_file: str | Path,
    root: str | Path,
    out: str | Path,
    most: int = 12,
    columns: int = 2,
    width_px: int = 480,
) -> Path:
    """Draw up to ``most`` images of a set, spread evenly over it, each plain and with its truth.

    Filled joints are visible, rings are occluded; people who are no target (``is_valid`` false) get a thin box.

    Args:
        annotation_file: One of the set's json files.
        root: Folder that the file names are relative to.
        out: The png to write.
        most, columns: How many images, how many of them side by side.
        width_px: Width of one picture on the sheet.

    Raises:
        UserError: An image is missing or the sheet cannot be written.
    """
    stored = json.loads(Path(annotation_file).read_text())
    by_image: dict[int, list[dict]] = {}
    for annotation in stored['annotations']:
        by_image.setdefault(annotation['image_id'], []).append(annotation)
    images = stored['images']
    chosen = [images[i] for i in np.unique(np.linspace(0, len(images) - 1, min(most, len(images))).astype(int))]
    tiles = []
    for image in chosen:
        picture = cv2.imread(str(Path(root) / image['file_name']))
        if picture is None:
            raise UserError(
                'the image is missing or unreadable',
                file=Path(root) / image['file_name'],
                remedy='generate the set again',
            )
        pair = np.hstack([picture, draw_ground_truth(picture, by_image.get(image['id'], []), stored['info']['joints'])])
        height = round(width_px * picture.shape[0] / picture.shape[1])
        tiles.append(cv2.resize(pair, (2 * width_px, height), interpolation=cv2.INTER_AREA))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    sheet = np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])
    write_whole(Path(out), cv2.imencode('.png', sheet)[1].tobytes())
    return Path(out)


def draw_ground_truth(picture: np.ndarray, annotations: list[dict], joint_set: str) -> np.ndarray:
    """(H, W, 3) BGR picture with masks, boxes, bones and joints of all annotations."""
    out = picture.copy()
    size = max(1, round(picture.shape[0] / 250))
    for annotation in annotations:
        colour = _COLOURS[(annotation.get('track_id', annotation['id'])) % len(_COLOURS)]
        if annotation.get('segmentation'):
            inside = coco_mask.decode(annotation['segmentation']).astype(bool)
            out[inside] = (0.65 * out[inside] + 0.35 * np.array(colour)).astype(np.uint8)
    for annotation in annotations:
        colour = _COLOURS[(annotation.get('track_id', annotation['id'])) % len(_COLOURS)]
        x, y, w, h = np.round(annotation['bbox']).astype(int)
        cv2.rectangle(out, (x, y), (x + w, y + h), colour, size if annotation.get('is_valid', True) else 1)
        points = np.array(annotation['keypoints'], float).reshape(-1, 3)
        # far outside the picture OpenCV's fixed-point coordinates overflow
        places = np.clip(points[:, :2], -5000, 5000).round().astype(int)
        for a, b in KEYPOINT_SETS[joint_set].links:
            cv2.line(out, tuple(map(int, places[a])), tuple(map(int, places[b])), colour, size, cv2.LINE_AA)
        for place, flag in zip(places, points[:, 2]):
            cv2.circle(out, tuple(map(int, place)), size + 1, (255, 255, 255), -1 if flag == 2 else 1, cv2.LINE_AA)
    return out
