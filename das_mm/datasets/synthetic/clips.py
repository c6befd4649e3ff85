"""Clips: people who move, and a camera that may, over 16 to 64 frames; identities stay."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from das_mm.bodies import linear_blend_skinning, load_generated_body
from das_mm.structures.cameras import project

from .body_clearance import gap_m
from .body_shapes import sample_betas, stature_m
from .camera_sampling import Shot, sample_shot
from .config import SyntheticConfig
from .layout import LEAST_GAP_M, NEAREST_M, place_on_ground, sample_heading, seat_height
from .motions import sample_motion
from .scene import Layout, Person
from .surfaces import yaw_matrix
from .viewpoint import Viewpoint, look_rotation

_TRIES = 16
_CHECK_EVERY = 3  # frames; at 15 frames a second a runner moves 0.8 m in that time
_SEEN_SHARE = 0.5  # of the frames the pelvis is in the picture


@dataclass(frozen=True)
class Actor:
    """One person through a clip.

    Attributes:
        frames: The person in every frame, world frame.
        partner_of: Identity of the person that this one interacts with, None for others.
    """

    frames: list[Person]
    partner_of: int | None = None

    def moved(self, yaw: float, shift: np.ndarray) -> Actor:
        """Turned by ``yaw`` about the world's y axis and then shifted."""
        frames = []
        for person in self.frames:
            pelvis = person.joints[0]
            frames.append(person.moved(yaw, yaw_matrix(yaw) @ pelvis - pelvis + shift))
        return replace(self, frames=frames)


def layout_clip(config: SyntheticConfig, index: int, count: int) -> list[Layout]:
    """The first ``count`` frames of clip ``index``; a frame is the same however many are asked for."""
    rng = config.rng(index, 'layout')
    shot = sample_shot(rng, config)
    views = moving_camera(rng, shot, config.clip_length, config.fps)
    wanted = int(rng.integers(config.people[0], config.people[1] + 1))
    actors: list[Actor] = []
    attempts = 0
    # a clip that should have people has at least one, however long that takes
    while len(actors) < wanted and (attempts < 3 * wanted or len(actors) < max(1, config.people[0])):
        actors += _new_actors(rng, config, shot, views, actors, wanted - len(actors))
        attempts += 1
        if attempts % 20 == 0 and not actors:  # a camera before which nobody fits
            shot = sample_shot(rng, config)
            views = moving_camera(rng, shot, config.clip_length, config.fps)
    return [Layout([actor.frames[frame] for actor in actors], views[frame]) for frame in range(count)]


def moving_camera(rng: np.random.Generator, shot: Shot, frames: int, fps: float) -> list[Viewpoint]:
    """Still, panning, walking or hand-held: the view of every frame; the lens stays."""
    times = np.arange(frames) / fps
    kind = str(rng.choice(['still', 'pan', 'walk', 'hand'], p=[0.2, 0.3, 0.25, 0.25]))
    shake = {'still': 0.0, 'pan': 0.3, 'walk': 1.0, 'hand': 1.0}[kind]
    turn = np.radians(rng.normal(0, 9)) * times * (kind == 'pan')
    drift = rng.normal(0, 0.35, 3) * [1, 0.1, 1] * (kind == 'walk')
    angles = np.radians(0.5 * shake) * _sway(rng, times, 3)
    angles[:, 0] += turn
    places = shot.view.position + times[:, None] * drift + 0.015 * shake * _sway(rng, times, 3)
    yaw, pitch, roll = _angles(shot)
    return [
        replace(shot.view, rotation=look_rotation(yaw + a, pitch + b, roll + c), position=place)
        for (a, b, c), place in zip(angles - angles[0], places)
    ]


def _angles(shot: Shot) -> tuple[float, float, float]:
    """Yaw, pitch and roll of the shot's camera, rad."""
    forward = shot.view.rotation[2]
    pitch = -np.arcsin(forward[1])
    level = look_rotation(shot.yaw, pitch, 0.0)
    return shot.yaw, pitch, float(np.arctan2(shot.view.rotation[0] @ level[1], shot.view.rotation[0] @ level[0]))


def _sway(rng: np.random.Generator, times: np.ndarray, channels: int) -> np.ndarray:
    """(T, channels) slow random movement of about unit size."""
    total = np.zeros((len(times), channels))
    for hertz in (0.4, 0.9, 1.9):
        total += rng.normal(0, 0.6 / hertz**0.5, channels) * np.sin(
            2 * np.pi * (hertz * times[:, None] + rng.random(channels))
        )
    return total


def _new_actors(
    rng: np.random.Generator,
    config: SyntheticConfig,
    shot: Shot,
    views: list[Viewpoint],
    present: list[Actor],
    most: int,
) -> list[Actor]:
    """One person, or two who do something together, where they run into nobody; none where no place is found."""
    identity = len(present)
    activity = (
        None
        if most > 1
        else str(
            rng.choice(
                ['walk', 'run', 'turn', 'stand', 'sit_down', 'reach', 'wave'], p=[0.4, 0.1, 0.08, 0.14, 0.1, 0.1, 0.08]
            )
        )
    )
    betas = sample_betas(rng, child=0.0 if activity is None else 0.1)
    motion = sample_motion(rng, config.clip_length, config.fps, activity, float(stature_m(betas)))
    actors = [_actor(identity, betas, motion)]
    if 'partner' in motion:
        partner = motion['partner']
        other = _actor(identity + 1, sample_betas(rng, child=0.0), partner, partner_of=identity)
        actors.append(other.moved(partner['yaw'], np.array([0, 0, partner['distance_m']])))
    middle = actors[0].frames[len(views) // 2].joints[0] * [1, 0, 1]
    for _ in range(_TRIES):
        yaw = sample_heading(rng, shot)
        # the chosen place is where they are half-way, so that most of the clip shows them
        place = place_on_ground(rng, shot, [actor.frames[len(views) // 2] for actor in present])
        placed = [actor.moved(yaw, place - yaw_matrix(yaw) @ middle) for actor in actors]
        if all(_seen(actor, views) for actor in placed) and _apart(placed, present):
            return placed
    return []


def _actor(identity: int, betas: np.ndarray, motion: dict, partner_of: int | None = None) -> Actor:
    """A motion as people on the ground: the pelvis over the path, the lowest vertex at the motion's lift."""
    count = len(motion['body_pose'])
    shape = np.tile(betas, (count, 1))
    vertices, joints = linear_blend_skinning(
        load_generated_body(), motion['root_tilt'], motion['body_pose'], shape, np.zeros((count, 3))
    )
    people = []
    for t in range(count):
        person = Person(
            identity,
            betas,
            motion['body_pose'][t],
            motion['root_tilt'][t],
            np.zeros(3),
            vertices[t].astype(np.float64),
            joints[t].astype(np.float64),
        )
        x, z = motion['ground_path'][t]
        place = np.array([x, person.joints[0, 1] - person.vertices[:, 1].min() + motion['lift_m'][t], z])
        people.append(person.moved(float(motion['global_orient_yaw'][t]), place - person.joints[0]))
    if motion['needs_seat']:
        height = seat_height(min(people, key=lambda person: person.joints[0, 1]))
        people = [replace(person, seat_height=height) for person in people]
    return Actor(people, partner_of)


def _seen(actor: Actor, views: list[Viewpoint]) -> bool:
    """Whether the person stays before the camera all the time and in the picture for a good part of it."""
    inside = []
    for person, view in zip(actor.frames, views):
        joints = view.to_camera(person.joints)
        if joints[:, 2].min() < NEAREST_M:
            return False
        place = project(joints[0], view.K)
        inside.append((place >= 0).all() and (place <= [view.width - 1, view.height - 1]).all())
    return float(np.mean(inside)) >= _SEEN_SHARE


def _apart(actors: list[Actor], present: list[Actor]) -> bool:
    for i, actor in enumerate(actors):
        for other in present + actors[:i]:
            least = LEAST_GAP_M['pair' if actor.partner_of == other.frames[0].identity else 'alone']
            for frame in range(0, len(actor.frames), _CHECK_EVERY):
                if gap_m(actor.frames[frame].joints, other.frames[frame].joints) < least:
                    return False
    return True
