"""The truth of images as records, and the annotation files made of them.

One record is written per image as it is drawn, with every keypoint by name; when all are there they become one
COCO-style json per joint set and one SMPL npz, in the package's annotation format.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from das_mm.structures.keypoint_sets import KeypointSet, get_keypoint_set

from .config import GENERATOR_VERSION, SyntheticConfig
from .ground_truth import VISIBLE, PersonGeometry, SeenGroundTruth
from .scene import Layout

_PX, _MM = 4, 3  # decimals kept: 1e-4 px, 1e-3 mm


def image_record(
    index: int,
    file_name: str,
    layout: Layout,
    people: list[tuple[int, PersonGeometry, SeenGroundTruth]],
    seq: str,
    frame: int,
) -> dict:
    """Everything the annotation files say of one image, ready for json.

    Args:
        index: Number of the image, from 0.
        file_name: Of the image, relative to the set's root.
        layout: The scene; ``people`` holds (number in it, geometry, what is seen) of everyone inside the frame.
        seq, frame: Clip and frame; of single scenes the split and the image's number.
    """
    view = layout.view
    persons = []
    for number, geometry, seen in people:
        person = layout.people[number]
        assert geometry.bbox_xyxy is not None, 'this person is inside the frame'
        x1, y1, x2, y2 = geometry.bbox_xyxy
        persons.append(
            {
                'bbox': np.round([x1, y1, x2 - x1, y2 - y1], 3).tolist(),
                'area': seen.area_px,
                'is_valid': seen.is_valid,
                'segmentation': seen.segmentation,
                'identity': person.identity,
                'visibility': seen.visibility,
                'px': {name: np.round(place, _PX).tolist() for name, place in geometry.keypoints_px.items()},
                'mm': {name: np.round(place, _MM).tolist() for name, place in geometry.keypoints_mm.items()},
                'smpl': {
                    'global_orient': geometry.global_orient.tolist(),
                    'body_pose': person.body_pose.tolist(),
                    'betas': person.betas.tolist(),
                    'transl': geometry.transl.tolist(),
                },
            }
        )
    return {
        'id': index + 1,
        'file_name': file_name,
        'depth_file': depth_name(file_name),
        'width': view.width,
        'height': view.height,
        'cam_param': {
            'K': view.K.tolist(),
            'R': view.rotation.tolist(),
            'T': view.translation_mm.tolist(),
            'dist': None,
        },
        'seq': seq,
        'frame': frame,
        'has_3d': True,
        'persons': persons,
    }


def depth_name(file_name: str) -> str:
    """``images/…/x.jpg`` to ``depth/…/x.png``."""
    return str(Path('depth', *Path(file_name).parts[1:]).with_suffix('.png').as_posix())


def annotation_json(config: SyntheticConfig, records: list[dict], joint_set: str) -> dict:
    """The annotation file of one joint set over all records."""
    keypoint_set = get_keypoint_set(joint_set)
    images, annotations = [], []
    for record in records:
        images.append({key: value for key, value in record.items() if key != 'persons'})
        for person in record['persons']:
            annotations.append(_annotation(len(annotations), record['id'], person, keypoint_set))
    info = {
        'dataset': 'synthetic_people',
        'split': config.split,
        'joints': joint_set,
        'units': 'mm',
        'version': GENERATOR_VERSION,
        'key': config.key,
        'smpl_file': smpl_name(config),
        'description': 'generated scenes; no person, no licence',
    }
    person = {
        'id': 1,
        'name': 'person',
        'supercategory': 'person',
        'keypoints': list(keypoint_set.keypoints),
        'skeleton': [[a + 1, b + 1] for a, b in keypoint_set.links],
    }
    return {'info': info, 'images': images, 'annotations': annotations, 'categories': [person]}


def _annotation(row: int, image_id: int, person: dict, keypoint_set: KeypointSet) -> dict:
    names = keypoint_set.keypoints
    visibility = [person['visibility'][name] for name in names]
    flags = [2 if value == VISIBLE else 1 for value in visibility]
    root = np.mean([person['mm'][names[i]] for i in keypoint_set.root_sources], axis=0)
    return {
        'id': row + 1,
        'image_id': image_id,
        'category_id': 1,
        'iscrowd': 0,
        'bbox': person['bbox'],
        'area': person['area'],
        'keypoints': [value for name, flag in zip(names, flags) for value in (*person['px'][name], flag)],
        'num_keypoints': len(names),
        'keypoints_3d': [person['mm'][name] for name in names],
        'keypoints_3d_valid': [1] * len(names),
        'root_depth': round(float(root[2]), _MM),
        'visibility': visibility,
        'occluded': [int(value < VISIBLE) for value in visibility],
        'track_id': person['identity'],
        'is_valid': person['is_valid'],
        'segmentation': person['segmentation'],
        'smpl': row,
    }


def smpl_name(config: SyntheticConfig) -> str:
    """Name of the SMPL file of a split."""
    return f'smpl_{config.split}.npz'


def smpl_npz(config: SyntheticConfig, records: list[dict], vertices: list[np.ndarray] | None) -> bytes:
    """The SMPL file: one row a person, in the order of the annotations; ``vertices`` (V, 3) m per row where kept."""
    names = get_keypoint_set(config.joint_sets[0]).keypoints
    rows = [(record['file_name'], person) for record in records for person in record['persons']]
    last = np.cumsum([len(record['persons']) for record in records])

    def column(value: Callable[[dict], list], *shape: int) -> np.ndarray:
        return np.array([value(person) for _, person in rows], float).reshape(-1, *shape)

    seen = column(lambda person: [person['visibility'][name] == VISIBLE for name in names], len(names), 1)
    px = column(lambda person: [person['px'][name] for name in names], len(names), 2)
    mm = column(lambda person: [person['mm'][name] for name in names], len(names), 3)
    arrays = {
        'image_path': np.array([file_name for file_name, _ in rows], dtype=str),
        'bbox_xywh': column(lambda person: [*person['bbox'], 1.0], 5),
        'keypoints2d': np.concatenate([px, seen], -1),
        'keypoints3d': np.concatenate([mm / 1000, np.ones_like(seen)], -1),
        'keypoints_convention': np.array(config.joint_sets[0]),
        'global_orient': column(lambda person: person['smpl']['global_orient'], 3),
        'body_pose': column(lambda person: person['smpl']['body_pose'], 23, 3),
        'betas': column(lambda person: person['smpl']['betas'], 10),
        'transl': column(lambda person: person['smpl']['transl'], 3),
        'has_smpl': np.ones(len(rows), bool),
        'gender': np.full(len(rows), 'n'),
        'body_model': np.array('das_mm_generated'),
        **{f'cam_{name}': np.array([record['cam_param'][name] for record in records]) for name in 'KRT'},
        'frame_range': np.stack([np.append(0, last[:-1]), last], 1),
        'track_id': column(lambda person: person['identity']).astype(int),
        'is_valid': column(lambda person: person['is_valid']).astype(bool),
    }
    if vertices is not None:
        arrays['vertices'] = np.array(vertices, np.float32).reshape(len(rows), -1, 3)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def read_record(path: Path) -> dict:
    """A record as it was written."""
    return json.loads(Path(path).read_text())
