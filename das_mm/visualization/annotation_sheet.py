"""A contact sheet of an annotation file: what it says, drawn on its images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from das_mm.engine.image_files import read_image
from das_mm.errors import UserError
from das_mm.structures import get_keypoint_set, project
from das_mm.visualization import People, contact_sheet, draw_people, save_image


def write_annotation_sheet(
    path: Path, samples: list[tuple[dict, list[dict]]], image_root: Path, keypoint_set: str, columns: int = 3
) -> Path | None:
    """Draws sampled images with their people: 3D keypoints as the camera sees them, stored 2D keypoints dashed below.

    Args:
        path: The png.
        samples: (entry of ``images[]``, its annotations).
        image_root: Folder of the images.
        keypoint_set: Key of ``KEYPOINT_SETS``.

    Returns:
        ``path``; None if not one of the images can be read.
    """
    tiles, titles = [], []
    for image, people in samples:
        try:
            picture = read_image(image_root / image['file_name'], upright=False)
        except UserError:
            continue
        tiles.append(_draw(picture, image, people, keypoint_set))
        titles.append(f'{image["file_name"]}  {len(people)} people')
    if not tiles:
        return None
    save_image(path, contact_sheet(tiles, columns, titles))
    return path


def try_annotation_sheet(
    path: Path, samples: list[tuple[dict, list[dict]]], image_root: Path, keypoint_set: str
) -> tuple[Path | None, str]:
    """The sheet, or None and why there is none: no picture is worth the failure of what it shows.

    Arguments as of :func:`write_annotation_sheet`.
    """
    try:
        sheet = write_annotation_sheet(path, samples, image_root, keypoint_set)
    except UserError as error:
        return None, str(error)
    except Exception as error:  # whatever cannot be drawn
        return None, f'it cannot be drawn ({type(error).__name__}: {error})'
    return sheet, '' if sheet is not None else f'none of the images can be read below {image_root}'


def _draw(picture: np.ndarray, image: dict, people: list[dict], keypoint_set: str) -> np.ndarray:
    count = get_keypoint_set(keypoint_set).num_keypoints
    stored = np.array([person['keypoints'] for person in people], float).reshape(len(people), count, 3)
    ground_truth = People(keypoints_px=stored[..., :2], keypoints_valid=stored[..., 2] > 0)
    with_3d = [person for person in people if person.get('keypoints_3d') is not None]
    scale = max(1.0, 720 / picture.shape[1])
    if not with_3d or not image.get('cam_param'):
        return draw_people(picture, ground_truth, keypoint_set, scale=scale, labels=False)
    points = np.array([person['keypoints_3d'] for person in with_3d], float)
    valid = np.array([person['keypoints_3d_valid'] for person in with_3d]) > 0
    K, dist = (image['cam_param'].get(name) for name in ('K', 'dist'))
    in_front = np.where(valid[..., None], points, 1.0)
    seen = People(
        keypoints_px=project(in_front, np.asarray(K, float), None if dist is None else np.asarray(dist, float)),
        keypoints_valid=valid,
        root_depths_mm=np.array([person.get('root_depth') or np.nan for person in with_3d]),
    )
    return draw_people(picture, seen, keypoint_set, truth=ground_truth, scale=scale)
