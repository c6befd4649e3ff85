"""Puts people on the ground before a camera: alone, in pairs that do something together, in rings and rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from das_mm.bodies import PART_NAMES, load_generated_body
from das_mm.structures.cameras import project

from .body_clearance import gap_m
from .body_shapes import sample_betas
from .camera_sampling import Shot, sample_shot
from .config import SyntheticConfig
from .poses import sample_pair, sample_pose
from .scene import Layout, Person
from .surfaces import yaw_matrix

_SHARES = (0.08, 1.9)  # smallest and largest height of a standing adult over the height of the image
NEAREST_M = 0.5  # no joint comes nearer to the image plane
_TRIES = 24
LEAST_GAP_M = {'alone': 0.05, 'ring': 0.0, 'row': -0.01, 'pair': -0.14}
_ROOT_IN_FRAME = 0.88  # of the people; the others stand at the border, cut


@dataclass(frozen=True)
class Group:
    """People about the origin, the first (or the group's middle) over it, all with ``yaw`` 0 = facing +z.

    Attributes:
        people: On the ground, around the origin.
        kind: Key of ``LEAST_GAP_M``.
    """

    people: list[Person]
    kind: str


def standing(identity: int, betas: np.ndarray, pose: dict, rng: np.random.Generator) -> Person:
    """A person with the pelvis over the origin and the lowest vertex on the ground, or in the air in a jump."""
    person = Person.posed(identity, betas, pose['body_pose'], pose['root_tilt'], np.zeros(3))
    lift = rng.uniform(0.05, 0.4) if pose['activity'] in ('run', 'reach', 't_pose') and rng.random() < 0.08 else 0.0
    x, _, z = person.joints[0]
    person = person.moved(0.0, np.array([-x, lift - person.vertices[:, 1].min(), -z]))
    return replace(person, seat_height=seat_height(person)) if pose['needs_seat'] else person


def seat_height(person: Person) -> float:
    """Height of the underside of the hips."""
    hips = load_generated_body().part_labels == PART_NAMES.index('pelvis')
    return float(max(person.vertices[hips, 1].min() + 0.01, 0))


def sample_group(rng: np.random.Generator, identity: int, most: int) -> Group:
    """One to ``most`` people who belong together, numbered from ``identity``."""
    kind = str(rng.choice(['alone', 'pair', 'ring', 'row'], p=[0.55, 0.13, 0.18, 0.14])) if most > 1 else 'alone'
    if kind == 'pair':
        pair = sample_pair(rng)
        people = [standing(identity + i, _adult(rng), pose, rng) for i, pose in enumerate(pair['poses'])]
        return Group([people[0], people[1].moved(pair['yaw'], np.array([0, 0, pair['distance_m']]))], kind)
    count = 1 if kind == 'alone' else int(rng.integers(2, min(most, 4) + 1))
    people = [standing(identity + i, sample_betas(rng), sample_pose(rng), rng) for i in range(count)]
    if kind == 'ring':
        radius, first = rng.uniform(0.42, 0.8) * max(1, count / 3), rng.uniform(0, 2 * np.pi)
        angles = first + 2 * np.pi * np.arange(count) / count + rng.normal(0, 0.15, count)
        people = [
            person.moved(angle + np.pi + rng.normal(0, 0.35), radius * np.array([np.sin(angle), 0, np.cos(angle)]))
            for person, angle in zip(people, angles)
        ]
    elif kind == 'row':
        step = rng.uniform(0.48, 0.8)
        people = [
            person.moved(rng.normal(0, 0.25), np.array([(i - (count - 1) / 2) * step, 0, rng.normal(0, 0.1)]))
            for i, person in enumerate(people)
        ]
    return Group(people, kind)


def _adult(rng: np.random.Generator) -> np.ndarray:
    return sample_betas(rng, child=0.0)


def layout_scene(config: SyntheticConfig, index: int) -> Layout:
    """The people and the camera of scene ``index``; follows from the settings and the index alone.

    People who find no place after some tries stay away; where somebody is wanted there is always at least one.
    """
    rng = config.rng(index, 'layout')
    shot = sample_shot(rng, config)
    wanted = int(rng.integers(config.people[0], config.people[1] + 1))
    people = place_groups(rng, shot, wanted)
    while wanted and len(people) < max(1, config.people[0]):
        people += place_groups(rng, shot, max(1, config.people[0]) - len(people), people)
        shot = shot if people else sample_shot(rng, config)  # a camera before which nobody fits
    return Layout(people, shot.view)


def place_groups(
    rng: np.random.Generator, shot: Shot, wanted: int, present: list[Person] | None = None
) -> list[Person]:
    """Up to ``wanted`` new people beside those ``present``, identities counted on."""
    present = list(present or [])
    new: list[Person] = []
    failures = 0
    while len(new) < wanted and failures < 3:
        group = sample_group(rng, len(present) + len(new), wanted - len(new))
        placed = _placed(rng, shot, group, present + new)
        failures += placed is None
        new += placed or []
    return new


def _placed(rng: np.random.Generator, shot: Shot, group: Group, present: list[Person]) -> list[Person] | None:
    """The group somewhere in the picture where it touches nobody, or None."""
    whole = rng.random() < _ROOT_IN_FRAME
    for _ in range(_TRIES):
        middle = place_on_ground(rng, shot, present)
        yaw = sample_heading(rng, shot)
        # the group turns as one about the origin; joints are tried before anybody is moved
        joints = [person.joints @ yaw_matrix(yaw).T + middle for person in group.people]
        shown = all(_in_picture(j, shot, whole) for j in joints)
        if shown and _keep_apart(joints, group.kind, [p.joints for p in present]):
            return [person.moved(yaw, j[0] - person.joints[0]) for person, j in zip(group.people, joints)]
    return None


def sample_heading(rng: np.random.Generator, shot: Shot) -> float:
    """Yaw of a person, rad: most people in photographs are seen from somewhere in front."""
    return shot.yaw + np.pi + float(rng.normal(0, 1.0) if rng.random() < 0.6 else rng.uniform(-np.pi, np.pi))


def place_on_ground(rng: np.random.Generator, shot: Shot, present: list[Person]) -> np.ndarray:
    """(3,) world point on the ground, anywhere in the picture or next to somebody who is in it."""
    view = shot.view
    if present and rng.random() < 0.45:  # before, behind or beside somebody: people hide each other
        other = present[int(rng.integers(len(present)))].joints[0]
        offset = other - view.position
        depth = (offset @ shot.forward) * np.exp(rng.normal(0, 0.35))
        column = np.clip((offset @ shot.right) / max(offset @ shot.forward, 0.1), -1, 1) * view.K[0, 0] + view.K[0, 2]
        column += rng.normal(0, 0.08) * view.width
    else:
        share = np.clip(shot.subject_share * np.exp(rng.normal(0, shot.share_spread)), *_SHARES)
        depth = shot.distance(share)
        column = rng.uniform(-0.05, 1.05) * view.width
    depth = max(depth, 0.8)
    lateral = (column - view.K[0, 2]) / view.K[0, 0] * depth
    place = view.position + depth * shot.forward + lateral * shot.right
    return place * [1, 0, 1]


def _in_picture(joints: np.ndarray, shot: Shot, whole: bool) -> bool:
    """Whether a person shows: the root where ``whole``, some joints otherwise; not at the lens and not tiny."""
    view = shot.view
    joints = view.to_camera(joints)
    if joints[:, 2].min() < NEAREST_M or view.K[1, 1] * 1.7 / joints[0, 2] < _SHARES[0] * view.height:
        return False
    places = project(joints, view.K)
    inside = ((places >= 0) & (places <= [view.width - 1, view.height - 1])).all(1)
    return bool(inside[0] if whole else inside.sum() >= 4 and not inside[0])


def _keep_apart(joints: list[np.ndarray], kind: str, present: list[np.ndarray]) -> bool:
    for i, one in enumerate(joints):
        if any(gap_m(one, other) < LEAST_GAP_M['alone'] for other in present):
            return False
        if any(gap_m(one, other) < LEAST_GAP_M[kind] for other in joints[:i]):
            return False
    return True
