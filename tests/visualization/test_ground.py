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


def test_few_feet_of_wrong_depth_do_not_make_people_lean():
    """Three people, one of them put 1 m too far: the floor stays square to the bodies, and says that it is a guess."""
    poses, up = tilted_scene(0.3, [(-800, 3000), (0, 4000), (900, 5000)])
    poses[2] *= 6.0 / 5.0  # along its line of sight, as an error of depth moves people
    ground = estimate_ground(poses, np.ones(poses.shape[:2], bool), NAMES)
    assert np.degrees(np.arccos(ground.up @ up)) < 1 and ground.basis == 'bodies' and ground.num_feet == 3


def test_feet_of_a_clip_count_by_their_places():
    """A thousand frames of one who stands are one place; of one who walks about they show the floor."""
    standing, _ = tilted_scene(0.2, [(0, 3000)] * 1000, noise_mm=5)
    shown = np.ones(standing.shape[:2], bool)
    assert estimate_ground(standing, shown, NAMES).basis == 'bodies'
    turns = np.linspace(0, 2 * np.pi, 1000)
    walking, up = tilted_scene(0.2, [(1500 * np.cos(t), 4500 + 1500 * np.sin(t)) for t in turns], noise_mm=20)
    ground = estimate_ground(walking, shown, NAMES)
    assert ground.basis == 'feet' and ground.num_feet == 1000 and ground.residual_mm < 40
    assert np.degrees(np.arccos(ground.up @ up)) < 1


def test_nobody_stands_upright():
    """Who sits or bends tells nothing of up: the camera is taken to be level."""
    pose = standing_pose_mm()
    below = np.array([any(word in name for word in ('knee', 'ankle')) for name in NAMES])
    pose[below] += (0, -430, -420)  # thighs forward
    pose += (0, 600, 3000)
    ground = estimate_ground(pose[None], np.ones((1, 15), bool), NAMES)
    assert ground.basis == 'camera' and ground.up.tolist() == [0, -1, 0]


def test_lying_person_does_not_tip_the_floor():
    pose = standing_pose_mm()[:, [1, 0, 2]] + (0, 800, 3000)  # along x
    ground = estimate_ground(pose[None], np.ones((1, 15), bool), NAMES)
    assert ground.up @ [0, -1, 0] > 0.95


def test_no_feet_no_ground():
    poses, _ = tilted_scene(0.0, [(0, 3000)])
    shown = np.array([['ankle' not in name for name in NAMES]])
    assert estimate_ground(poses, shown, NAMES) is None
    assert estimate_ground(np.zeros((0, 15, 3)), np.zeros((0, 15), bool), NAMES) is None
