"""Stick people who walk over a known floor before a camera that stands still, and a network that finds them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from mmengine.structures import InstanceData

from das_mm.structures import get_keypoint_set
from das_mm.structures.world_frame import WorldFrame
from tests.walkers import K, Walkers

NAMES = get_keypoint_set('panoptic15').keypoints
FPS = 12.5
_CYCLE_S, _SPEED_M_S = 1.0, 1.2


def stick_person(place_m: np.ndarray, heading: float, time_s: float) -> np.ndarray:
    """(15, 3) m in the world: pelvis at 0.9 m, each foot stands for half of a cycle and then swings forward."""
    ahead = np.array([np.sin(heading), 0.0, -np.cos(heading)])
    aside, up = np.array([np.cos(heading), 0.0, np.sin(heading)]), np.array([0.0, 1.0, 0.0])
    pelvis = place_m + ahead * _SPEED_M_S * time_s + 0.9 * up
    points = {'neck': 0.55 * up, 'nose': 0.7 * up + 0.1 * ahead, 'mid_hip': 0 * up}
    for side, sign, begin in (('left', -1, 0.0), ('right', 1, 0.5)):
        beside, cycles = 0.1 * sign * aside, time_s / _CYCLE_S + begin
        steps, share = np.floor(cycles), cycles % 1
        swing = max(0.0, 2 * share - 1)
        stood = (steps - begin + 0.25) * _CYCLE_S * _SPEED_M_S  # where it was put down, along the way
        foot = place_m + ahead * (stood + swing * _SPEED_M_S * _CYCLE_S) + beside
        ankle = foot + (0.08 + 0.12 * np.sin(np.pi * swing)) * up - pelvis
        points |= {f'{side}_hip': beside, f'{side}_knee': (ankle + beside) / 2 + 0.05 * ahead, f'{side}_ankle': ankle}
        points |= {f'{side}_shoulder': 1.8 * beside + 0.5 * up, f'{side}_elbow': 2 * beside + 0.2 * up}
        points |= {f'{side}_wrist': 2 * beside}
    return pelvis + np.stack([points[name] for name in NAMES])


def walking_people(
    world: WorldFrame, num_frames: int, count: int = 3, noise: float = 0.0, seed: int = 0
) -> Iterator[np.ndarray]:
    """(count, 15, 3) mm, camera frame, of each frame.

    Args:
        world: Of the camera.
        noise: 1: people of sizes that differ by 5 %, depths wrong by 3 % in each frame, relative depths by 40 mm.
    """
    rng = np.random.default_rng(seed)
    places = np.stack([rng.uniform(-1.5, 1.5, count), np.zeros(count), rng.uniform(-7, -4, count)], axis=1)
    headings, sizes = rng.uniform(0, 2 * np.pi, count), np.exp(0.05 * noise * rng.normal(size=(count, 1)))
    rotation, position = world.camera_to_world[:3, :3], world.camera_to_world[:3, 3]
    for frame in range(num_frames):
        people = np.stack([stick_person(*one, frame / FPS) for one in zip(places, headings)])
        seen = 1000 * (people - position) @ rotation
        wrong = sizes * np.exp(0.03 * noise * rng.normal(size=(count, 1)))
        depths = seen[:, 2:3, 2] * wrong + (seen[..., 2] - seen[:, 2:3, 2])
        depths = depths + 40 * noise * rng.normal(size=depths.shape)
        yield seen / seen[..., 2:] * depths[..., None]


def results_of(people: Iterator[np.ndarray]) -> Iterator[dict]:
    """What an estimate reads of results."""
    for frame, points in enumerate(people):
        told = [dict(track_id=row, keypoints_cam_mm=one.tolist()) for row, one in enumerate(points)]
        yield dict(keypoint_names=list(NAMES), image=dict(time_s=frame / FPS, frame=frame), people=told)


class FloorWalkers(Walkers):
    """Takes the place of the network for the first 40 frames of a video."""

    def __init__(self, world: WorldFrame):
        super().__init__()
        self._found = list(walking_people(world, 40))

    def people(self, frame: int) -> InstanceData:
        points = self._found[frame]
        pixels = points @ K.T / points[..., 2:]
        pixels, depths, focal = pixels[..., :2], points[:, 2, 2], K[0, 0]
        found = dict(
            keypoints=pixels,
            keypoint_scores=np.full(pixels.shape[:2], 0.8),
            scores=np.full(len(points), 0.9),
            bboxes=np.concatenate([pixels.min(1), pixels.max(1)], axis=1),
            roots_px=pixels[:, 2],
            root_depths_norm=depths / focal,
            root_depths_mm=depths,
            relative_depths_mm=points[..., 2] - depths[:, None],
            keypoints_3d=points,
        )
        return InstanceData(**{name: np.asarray(values, np.float32) for name, values in found.items()})
