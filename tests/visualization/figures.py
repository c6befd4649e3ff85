"""Standing stick people with exact projections, for the drawing tests."""

from __future__ import annotations

import numpy as np

from das_mm.structures.keypoint_sets import KEYPOINT_SETS
from das_mm.visualization import People, Scene

SET = 'panoptic15'
NAMES = KEYPOINT_SETS[SET].keypoints
K = np.array([[300.0, 0, 159.5], [0, 300.0, 119.5], [0, 0, 1]])
SIZE = (320, 240)  # (w, h) px
TWO = ((-500.0, 0.0, 3000.0), (600.0, 100.0, 4200.0))  # roots of two people, mm

# mm, root (mid hip) at the origin, y down; the person's left is at +x of a viewer behind, -x here: facing us
_POSE_MM = {
    'neck': (0, -500, 0),
    'nose': (0, -620, -80),
    'mid_hip': (0, 0, 0),
    'left_shoulder': (180, -480, 0),
    'left_elbow': (300, -250, 0),
    'left_wrist': (380, -30, -60),
    'left_hip': (110, 0, 0),
    'left_knee': (130, 420, -30),
    'left_ankle': (140, 830, 0),
}


def standing_pose_mm() -> np.ndarray:
    """(15, 3) of a person facing the camera, root at the origin."""
    mirrored = {name.replace('left', 'right'): (-x, y, z) for name, (x, y, z) in _POSE_MM.items()}
    return np.array([{**mirrored, **_POSE_MM}[name] for name in NAMES], dtype=float)


def project(points_mm: np.ndarray) -> np.ndarray:
    """(*, 3) mm -> (*, 2) px with ``K``."""
    return (points_mm / points_mm[..., 2:] @ K.T)[..., :2]


def standing_people(*roots_mm: tuple[float, float, float], **extra) -> People:
    """One person at each root, with scores 0.9, 0.8, … and exact pixels."""
    poses = np.array([standing_pose_mm() + root for root in roots_mm]).reshape(-1, len(NAMES), 3)
    fields = dict(
        keypoints_px=project(poses),
        keypoints_cam_mm=poses,
        scores=0.9 - 0.1 * np.arange(len(poses)),
        root_depths_mm=poses[:, NAMES.index('mid_hip'), 2],
    )
    return People(**{**fields, **extra})


def photo() -> np.ndarray:
    """(240, 320, 3) uint8 BGR, a plain grey-blue background in which no person's colour occurs."""
    image = np.empty((SIZE[1], SIZE[0], 3), np.uint8)
    image[:] = (120, 110, 100)
    return image


def two_scenes() -> list[Scene]:
    """Two people and one true one; then nobody, in an image whose camera is a guess."""
    return [
        Scene('two.jpg', standing_people(*TWO), SIZE, K, 'annotation', photo(), truth=standing_people(TWO[0])),
        Scene('nobody </script>.jpg', People(), SIZE, K, 'default_fov', photo()),
    ]
