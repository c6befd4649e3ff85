from __future__ import annotations

import numpy as np

from das_mm.visualization import estimate_ground

from .figures import NAMES, standing_pose_mm


def turned_about_x(angle_rad: float) -> np.ndarray:
    sine, cosine = np.sin(angle_rad), np.cos(angle_rad)
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])


def tilted_scene(
    tilt_rad: float, roots: list[tuple[float, float]], noise_mm: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """People standing 1.5 m below a camera that looks down by the tilt; their positions and the true up."""
    rotation = turned_about_x(tilt_rad)
    poses = np.array([standing_pose_mm() + (x, 1500 - 830, z) for x, z in roots])
    poses += np.random.default_rng(0).normal(0, noise_mm, poses.shape) if noise_mm else 0
    return poses @ rotation.T, rotation @ [0, -1, 0]


def test_one_standing_person_is_enough():
    poses, up = tilted_scene(0.3, [(0, 3000)])
    ground = estimate_ground(poses, np.ones(poses.shape[:2], bool), NAMES)
    assert np.degrees(np.arccos(ground.up @ up)) < 2
    assert abs(-ground.point_mm @ up - 1500) < 60 and ground.num_feet == 1


def test_many_people_correct_leaning_bodies():
    poses, up = tilted_scene(0.35, [(x, z) for x in (-2000, 0, 2000) for z in (3000, 5000, 7000)], noise_mm=20)
    # everybody bends forward: the bodies' direction alone would be 15° off
    feet = poses[:, [NAMES.index('left_ankle'), NAMES.index('right_ankle')]].mean(1, keepdims=True)
    ankles = [i for i, name in enumerate(NAMES) if 'ankle' in name]
    leaning = (poses - feet) @ turned_about_x(np.radians(15)).T + feet
    leaning[:, ankles] = poses[:, ankles]
    ground = estimate_ground(leaning, np.ones(poses.shape[:2], bool), NAMES)
    assert np.degrees(np.arccos(ground.up @ up)) < 3


def test_lying_person_does_not_tip_the_floor():
    pose = standing_pose_mm()[:, [1, 0, 2]] + (0, 800, 3000)  # along x
    ground = estimate_ground(pose[None], np.ones((1, 15), bool), NAMES)
    assert ground.up @ [0, -1, 0] > 0.95


def test_no_feet_no_ground():
    poses, _ = tilted_scene(0.0, [(0, 3000)])
    shown = np.array([['ankle' not in name for name in NAMES]])
    assert estimate_ground(poses, shown, NAMES) is None
    assert estimate_ground(np.zeros((0, 15, 3)), np.zeros((0, 15), bool), NAMES) is None
