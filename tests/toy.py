"""Toy data for the whole suite: coloured stick people with exact truth, written in the package's annotation format.

Every limb has its own colour (left and right differ), so that a small network can learn the poses in a few steps.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np

from das_mm.structures import KEYPOINT_SETS, KeypointSet, mirrored_name, project, root_of

# metres, standing at the origin: x to the person's right, y down, z to where the person faces
_REST = dict(
    mid_hip=(0, 0, 0),
    pelvis=(0, -0.03, 0),
    smpl_pelvis=(0, -0.05, 0),
    spine=(0, -0.26, 0),
    thorax=(0, -0.46, 0),
    neck=(0, -0.52, 0),
    head_bottom=(0, -0.53, 0.01),
    upper_neck=(0, -0.55, 0.01),
    head=(0, -0.62, 0.02),
    jaw=(0, -0.60, 0.09),
    nose=(0, -0.65, 0.12),
    head_h36m=(0, -0.76, 0.02),
    head_top=(0, -0.78, 0.02),
    left_eye=(-0.04, -0.68, 0.10),
    left_ear=(-0.08, -0.66, 0.02),
    left_hip=(-0.12, 0.02, 0),
    left_shoulder=(-0.19, -0.48, 0),
)
_ARM = (('elbow', 0.29), ('wrist', 0.26), ('hand', 0.09))
_LEG = (('knee', 0.42), ('ankle', 0.42))
_TOE = (0, 0.06, 0.16)

# (end a, end b, thickness in mm); right sides mirror the left ones
_LIMBS = (
    ('mid_hip', 'neck', 170),
    ('neck', 'head_top', 150),
    ('left_shoulder', 'left_elbow', 90),
    ('left_elbow', 'left_wrist', 80),
    ('left_hip', 'left_knee', 120),
    ('left_knee', 'left_ankle', 100),
)


def write_toy_dataset(
    root: str | Path,
    num_images: int = 8,
    image_size: tuple[int, int] = (160, 128),
    keypoint_set: str = 'panoptic15',
    people: tuple[int, int] = (0, 3),
    seed: int = 0,
    with_3d: bool = True,
) -> str:
    """Writes ``root/annotations.json`` and ``root/images/*.png`` in the package's format.

    Args:
        image_size: (width, height) px.
        people: Least and greatest number of people in an image.
        with_3d: Otherwise no camera and no 3D keypoints are written.

    Returns:
        Path of the annotation file. Load with ``data_root=root``, ``data_prefix=dict(img='images')``.
    """
    root, kset = Path(root), KEYPOINT_SETS[keypoint_set]
    (root / 'images').mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    images, annotations = [], []
    for image_id in range(1, num_images + 1):
        picture, K, persons = _scene(rng, image_size, people, kset)
        file_name = f'{image_id:06d}.png'
        cv2.imwrite(str(root / 'images' / file_name), picture)
        image = dict(
            id=image_id,
            file_name=file_name,
            width=image_size[0],
            height=image_size[1],
            seq='toy',
            frame=image_id,
            has_3d=with_3d,
        )
        if with_3d:
            image['cam_param'] = dict(K=K.tolist(), R=np.eye(3).tolist(), T=[0.0, 0.0, 0.0], dist=None)
        images.append(image)
        for person in persons:
            annotation = _base_annotation(person, len(annotations) + 1, image_id)
            if with_3d:
                valid = np.ones(kset.num_keypoints, dtype=int)
                root_mm, _ = root_of(person['keypoints_3d'], valid, kset)
                annotation |= dict(
                    keypoints_3d=person['keypoints_3d'].tolist(),
                    keypoints_3d_valid=valid.tolist(),
                    root_depth=float(root_mm[2]),
                    track_id=-1,
                    is_valid=True,
                )
            annotations.append(annotation)
    content = dict(
        info=dict(dataset='toy', split='train', joints=keypoint_set, units='mm', version='1'),
        images=images,
        annotations=annotations,
        categories=[dict(id=1, name='person')],
    )
    ann_file = root / 'annotations.json'
    ann_file.write_text(json.dumps(content))
    return str(ann_file)


def write_toy_coco(
    root: str | Path,
    num_images: int = 6,
    image_size: tuple[int, int] = (160, 128),
    people: tuple[int, int] = (0, 3),
    seed: int = 0,
) -> str:
    """Writes the official COCO layout: ``root/annotations/person_keypoints_toy2017.json`` and ``root/toy2017/*.png``.

    17 keypoints, 2D only, no camera; the first image also has a crowd region and a person without labelled keypoints.

    Returns:
        Path of the annotation file. Load with ``data_root=root, data_prefix=dict(img='toy2017')``.
    """
    root, kset = Path(root), KEYPOINT_SETS['coco17']
    (root / 'annotations').mkdir(parents=True, exist_ok=True)
    (root / 'toy2017').mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    images, annotations = [], []
    for number in range(num_images):
        image_id = 785 + 17 * number
        picture, _, persons = _scene(rng, image_size, people, kset)
        file_name = f'{image_id:012d}.png'
        cv2.imwrite(str(root / 'toy2017' / file_name), picture)
        images.append(dict(id=image_id, file_name=file_name, width=image_size[0], height=image_size[1], license=1))
        for person in persons:
            annotation = _base_annotation(person, 1000 + len(annotations), image_id)
            keypoints = np.asarray(annotation['keypoints']).reshape(-1, 3)
            outside = (keypoints[:, :2] < 0).any(1) | (keypoints[:, :2] > np.subtract(image_size, 1)).any(1)
            keypoints[outside] = 0  # COCO labels nothing outside the image
            annotation |= dict(
                keypoints=keypoints.ravel().tolist(), num_keypoints=int((keypoints[:, 2] > 0).sum()), segmentation=[]
            )
            annotations.append(annotation)
    for iscrowd, bbox in ((1, [2.0, 2.0, 30.0, 20.0]), (0, [5.0, 40.0, 12.0, 25.0])):
        annotations.append(
            dict(
                id=1000 + len(annotations),
                image_id=785,
                category_id=1,
                iscrowd=iscrowd,
                bbox=bbox,
                area=bbox[2] * bbox[3],
                keypoints=[0] * 51,
                num_keypoints=0,
                segmentation=[],
            )
        )
    category = dict(
        supercategory='person',
        id=1,
        name='person',
        keypoints=list(kset.keypoints),
        skeleton=[[a + 1, b + 1] for a, b in kset.links],
    )
    ann_file = root / 'annotations' / 'person_keypoints_toy2017.json'
    ann_file.write_text(
        json.dumps(dict(info={}, licenses=[], images=images, annotations=annotations, categories=[category]))
    )
    return str(ann_file)


def toy_pipeline(input_size: tuple[int, int] = (160, 128), train: bool = False) -> list[dict]:
    """Pipeline config for toy data, the same under any default scope; ``train`` adds the augmentations."""
    fit = [dict(type='das_mm.DASResize', input_size=input_size)]
    augment = [dict(type='das_mm.DASRandomAffine', input_size=input_size), dict(type='das_mm.DASRandomFlip', prob=0.5)]
    return [dict(type='mmpose.LoadImage'), *(augment if train else fit), dict(type='das_mm.PackDASInputs')]


def random_pose_mm(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A body in its own frame (see ``_REST``), mm: every keypoint name of the sets that the toy supports."""
    points = {name: np.array(xyz, dtype=float) for name, xyz in _REST.items()}
    points |= {mirrored_name(name): xyz * (-1, 1, 1) for name, xyz in points.items() if name.startswith('left_')}
    for side, sign in (('left', -1), ('right', 1)):
        for chain, start, spread in ((_ARM, 'shoulder', 1.2), (_LEG, 'hip', 0.45)):
            position, swing, raise_ = points[f'{side}_{start}'], *rng.uniform(-spread, spread, 2)
            for joint, length in chain:
                direction = np.array(
                    [
                        sign * abs(math.sin(raise_)) * math.cos(swing),
                        math.cos(raise_) * math.cos(swing),
                        math.sin(swing),
                    ]
                )
                position = position + length * direction
                points[f'{side}_{joint}'] = position
                swing += rng.uniform(0, 0.8) if start == 'shoulder' else -rng.uniform(0, 0.5)
        points[f'{side}_toe'] = points[f'{side}_foot'] = points[f'{side}_ankle'] + _TOE
    return {name: 1000 * xyz for name, xyz in points.items()}


def _scene(rng: np.random.Generator, image_size: tuple[int, int], people: tuple[int, int], kset: KeypointSet):
    """Picture (H, W, 3) uint8 BGR, K (3, 3), list of persons, far ones drawn first."""
    width, height = image_size
    focal = rng.uniform(0.8, 1.4) * max(image_size)
    K = np.array(
        [[focal, 0, (width - 1) / 2 + rng.uniform(-3, 3)], [0, focal, (height - 1) / 2 + rng.uniform(-3, 3)], [0, 0, 1]]
    )
    background = rng.integers(60, 120, 3)
    picture = np.clip(background + rng.normal(0, 6, (height, width, 3)), 0, 255).astype(np.uint8)
    owner = np.zeros((height, width), dtype=np.uint8)  # number of the person seen at a pixel, 0 = background
    persons = []
    for depth_mm in sorted(rng.uniform(2500, 5500, rng.integers(people[0], people[1] + 1)))[::-1]:
        persons.append(_draw_person(rng, picture, owner, K, depth_mm, kset, len(persons) + 1))
    for number, person in enumerate(persons, 1):
        _finish_truth(person, owner, number)
    return picture, K, persons


def _draw_person(
    rng: np.random.Generator,
    picture: np.ndarray,
    owner: np.ndarray,
    K: np.ndarray,
    depth_mm: float,
    kset: KeypointSet,
    number: int,
) -> dict:
    """Draws one person and returns its keypoints in camera space and pixels."""
    height, width = owner.shape
    yaw = math.pi + rng.uniform(-1.2, 1.2)  # pi faces the camera
    turn = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    reach = depth_mm / K[0, 0]  # mm per px
    shift = np.array([rng.uniform(-0.38, 0.38) * width * reach, rng.uniform(-0.15, 0.2) * height * reach, depth_mm])
    body = {name: turn @ xyz + shift for name, xyz in random_pose_mm(rng).items()}
    limbs = _LIMBS + tuple((mirrored_name(a), mirrored_name(b), t) for a, b, t in _LIMBS[2:])
    mask = np.zeros_like(owner)
    for a, b, thickness_mm in sorted(limbs, key=lambda limb: -(body[limb[0]][2] + body[limb[1]][2])):
        hue = limbs.index((a, b, thickness_mm)) * 18
        colour = cv2.cvtColor(np.uint8([[[hue, 220, 235]]]), cv2.COLOR_HSV2BGR)[0, 0].tolist()
        ends = [tuple(np.rint(project(body[end], K)).astype(int).tolist()) for end in (a, b)]
        thickness_px = max(2, round(thickness_mm * K[0, 0] / depth_mm))
        cv2.line(picture, *ends, colour, thickness_px)
        cv2.line(mask, *ends, 1, thickness_px)
    owner[mask > 0] = number
    points = np.stack([body[name] for name in kset.keypoints])
    return dict(keypoints_3d=points, keypoints=project(points, K), mask=mask)


def _finish_truth(person: dict, owner: np.ndarray, number: int) -> None:
    """Flags (1 hidden by a nearer person or out of the image, 2 seen) and the box of the person's visible extent."""
    height, width = owner.shape
    x, y = np.rint(person['keypoints']).astype(int).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    hidden = np.zeros_like(inside)
    hidden[inside] = owner[y[inside], x[inside]] > number  # later persons are nearer
    person['flags'] = np.where(inside & ~hidden, 2, 1)
    rows, columns = np.nonzero(person['mask'])
    x1, y1, x2, y2 = (columns.min(), rows.min(), columns.max(), rows.max()) if len(rows) else (0, 0, 0, 0)
    person['bbox'] = [float(x1), float(y1), float(x2 - x1), float(y2 - y1)]


def _base_annotation(person: dict, annotation_id: int, image_id: int) -> dict:
    keypoints = np.concatenate([person['keypoints'], person['flags'][:, None]], axis=1)
    return dict(
        id=annotation_id,
        image_id=image_id,
        category_id=1,
        iscrowd=0,
        bbox=person['bbox'],
        area=person['bbox'][2] * person['bbox'][3],
        keypoints=keypoints.ravel().tolist(),
        num_keypoints=int((person['flags'] > 0).sum()),
    )
