"""Truth of one image: exact places of every joint, and what of every person the camera sees.

``person_geometry`` needs no drawing; ``seen_ground_truth`` adds what follows from the drawn depth and owners.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypedDict

import numpy as np
from pycocotools import mask as coco_mask

from das_mm.bodies import KEYPOINT_NAMES, keypoint_matrix
from das_mm.errors import UserError
from das_mm.structures.cameras import project
from das_mm.structures.keypoint_sets import get_keypoint_set

from .scene import Person, camera_frame_smpl
from .surfaces import Surface
from .viewpoint import Viewpoint

OUT_OF_FRAME, OCCLUDED, VISIBLE = 0, 1, 2

# A keypoint lies inside the body: its own surface may be this far in front of it (mm); if it is more, another part
# hides it.
_DEPTH_INSIDE_MM = {
    'hip': 230,
    'neck': 150,
    'shoulder': 150,
    'knee': 130,
    'elbow': 100,
    'wrist': 80,
    'ankle': 110,
    'nose': 40,
    'eye': 45,
    'ear': 60,
}
_DEFAULT_INSIDE_MM = 130
_OTHERS_MM = 15  # anything else may be no nearer than this in front of it

# A person of whom less is seen is no target (`is_valid` false): pixels of an 832x512 image, share of the box.
MIN_VISIBLE_PX = 40
MIN_VISIBLE_SHARE = 0.02


@dataclass(frozen=True)
class PersonGeometry:
    """What the scene alone says of a person, camera frame.

    Attributes:
        keypoints_mm: name -> (3,).
        keypoints_px: name -> (2,).
        bbox_xyxy (4,): Tight box of the dressed surface inside the image, px; None where nothing of it is inside.
        global_orient (3,), transl (3,): SMPL in the camera frame, rad and m.
    """

    keypoints_mm: dict[str, np.ndarray]
    keypoints_px: dict[str, np.ndarray]
    bbox_xyxy: np.ndarray | None
    global_orient: np.ndarray
    transl: np.ndarray


def keypoint_names(joint_sets: tuple[str, ...]) -> list[str]:
    """Every keypoint that some of the sets names, in a fixed order.

    Raises:
        UserError: A set is unknown or asks for a point that the generated body lacks.
    """
    names = dict.fromkeys(
        name for joint_set in joint_sets for name in get_keypoint_set(joint_set, field='joint_sets').keypoints
    )
    lacking = [name for name in names if name not in KEYPOINT_NAMES]
    if lacking:
        raise UserError(
            f'the generated body has no {", ".join(lacking)}',
            field='joint_sets',
            remedy='use sets without these keypoints',
        )
    return list(names)


@lru_cache(maxsize=8)
def _regressor(names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Dense (K, n) weights of the n rows (n,) of vertices and joints, stacked, that make the named keypoints."""
    matrix = keypoint_matrix(names)
    needed = np.unique(matrix.indices)
    return matrix[:, needed].toarray(), needed


def person_geometry(person: Person, surfaces: list[Surface], view: Viewpoint, names: list[str]) -> PersonGeometry:
    """Exact geometry of one person.

    Args:
        person: Posed, world frame.
        surfaces: The person's own dressed surfaces; the box is theirs.
        view: The camera.
        names: Keypoints wanted.
    """
    weights, needed = _regressor(tuple(names))
    points_mm = 1000 * view.to_camera(weights @ np.concatenate([person.vertices, person.joints])[needed])
    orient, transl = camera_frame_smpl(person, view)
    return PersonGeometry(
        dict(zip(names, points_mm)),
        dict(zip(names, project(points_mm, view.K))),
        _box_in_image(surfaces, view),
        orient,
        transl,
    )


def _box_in_image(surfaces: list[Surface], view: Viewpoint) -> np.ndarray | None:
    """(4,) x1, y1, x2, y2 of all triangles with a corner inside the image, cut at the outermost pixel centres."""
    corners = []
    for surface in surfaces:
        camera = view.to_camera(surface.vertices)
        places = project(np.maximum(camera, [-np.inf, -np.inf, 1e-3]), view.K)
        inside = ((places >= 0) & (places <= [view.width - 1, view.height - 1])).all(1) & (camera[:, 2] > 0.05)
        reached = surface.faces[inside[surface.faces].any(1)]
        corners.append(places[reached.ravel()])
    corners = np.concatenate(corners)
    if not len(corners):
        return None
    corners = np.clip(corners, 0, [view.width - 1, view.height - 1])
    return np.concatenate([corners.min(0), corners.max(0)])


class RunLengths(TypedDict):
    """COCO's compressed run lengths of a mask of ``size`` (height, width); pycocotools takes str and gives bytes."""

    size: list[int]
    counts: str | bytes


@dataclass(frozen=True)
class SeenGroundTruth:
    """What drawing adds.

    Attributes:
        visibility: name -> 0 out of frame, 1 occluded, 2 visible in front.
        segmentation: COCO RLE of the visible mask, counts as str.
        area_px: Pixels of the mask.
        is_valid: Enough is seen to ask for this person.
    """

    visibility: dict[str, int]
    segmentation: RunLengths
    area_px: int
    is_valid: bool


def seen_ground_truth(
    geometry: PersonGeometry, number: int, depth_mm: np.ndarray, owner: np.ndarray
) -> SeenGroundTruth:
    """Visibility and mask of person ``number`` in the frame, from drawn (H, W) depth (mm, 0 = nothing) and owners."""
    height, width = owner.shape
    mask = owner == number
    area = int(mask.sum())
    counts = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))['counts']
    assert isinstance(counts, bytes), 'encode gives bytes'
    assert geometry.bbox_xyxy is not None, 'this person is inside the frame'
    x1, y1, x2, y2 = geometry.bbox_xyxy
    enough = area >= max(MIN_VISIBLE_PX * width * height / (832 * 512), 6)
    return SeenGroundTruth(
        {
            name: keypoint_visibility(name, geometry.keypoints_px[name], point[2], number, depth_mm, owner)
            for name, point in geometry.keypoints_mm.items()
        },
        {'size': [height, width], 'counts': counts.decode()},
        area,
        bool(enough and area >= MIN_VISIBLE_SHARE * (x2 - x1) * (y2 - y1)),
    )


def keypoint_visibility(
    name: str, place_px: np.ndarray, z_mm: float, number: int, depth_mm: np.ndarray, owner: np.ndarray
) -> int:
    """0, 1 or 2 for one keypoint of person ``number``, from the pixel in which it falls.

    Visible: the first surface there is the person's own and no farther in front than the flesh over this joint, or it
    is something else behind the joint.
    """
    column, row = np.floor(np.asarray(place_px) + 0.5).astype(int)
    if not (0 <= column < owner.shape[1] and 0 <= row < owner.shape[0]):
        return OUT_OF_FRAME
    first = depth_mm[row, column]
    if first == 0:
        return VISIBLE
    flesh = _DEPTH_INSIDE_MM.get(name.split('_')[-1], _DEFAULT_INSIDE_MM)
    inside = flesh if owner[row, column] == number else _OTHERS_MM
    return VISIBLE if first >= z_mm - inside else OCCLUDED
