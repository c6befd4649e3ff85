"""Limbs, gaze and stances of which the poses of people are put together; angles in degrees as in ``joint_limits``."""

from __future__ import annotations

import numpy as np

from das_mm.bodies.arm_ik import reach
from das_mm.bodies.joint_limits import about, angles_of_rotation
from das_mm.bodies.skeleton import JOINT_INDEX

from .body_shapes import Rng

Angles = dict[str, np.ndarray]  # joint -> (3,) degrees as in joint_limits

MIRROR = np.array([1.0, -1.0, -1.0])  # angles of the left side for the right
SIDES = ('left', 'right')
ARM_PARTS = ('collar', 'shoulder', 'elbow', 'wrist', 'hand')


def stack_angles(angles: Angles) -> np.ndarray:
    """Named angles -> (23, 3) degrees; joints that are not named rest at zero."""
    stacked = np.zeros((23, 3))
    for name, values in angles.items():
        stacked[JOINT_INDEX[name] - 1] = values
    return stacked


def leg(
    side: str,
    lift: float = 0.0,
    spread: float = 4.0,
    knee: float = 4.0,
    point: float | None = None,
    turn_out: float = 6.0,
) -> Angles:
    """Angles of one leg, degrees; the ankle keeps the sole level with the ground unless ``point`` (toes down) is given.

    ``lift`` brings the thigh forward, ``spread`` moves it away from the other leg.
    """
    sign = np.ones(3) if side == 'left' else MIRROR
    level = lift - knee
    return {
        f'{side}_hip': np.array([-lift, turn_out, spread]) * sign,
        f'{side}_knee': np.array([knee, 0, 0.0]),
        f'{side}_ankle': np.array([level if point is None else point, 0, 0.6 * -spread]) * sign,
    }


def hanging_arm(
    side: str, lower: float = 74.0, swing: float = 0.0, twist: float = 0.0, elbow: float = 12.0, forearm: float = 0.0
) -> Angles:
    """Angles of an arm lowered from the side by ``lower`` and then brought forward by ``swing``, degrees."""
    turn = about('x', -swing) * about('z', -0.89 * lower) * about('x', twist)
    sign = np.ones(3) if side == 'left' else MIRROR
    # the shoulder girdle sinks with the arm
    return {
        f'{side}_collar': np.array([0, 0, -0.11 * max(lower - 15, 0)]) * sign,
        f'{side}_shoulder': angles_of_rotation('left_shoulder', turn) * sign,
        f'{side}_elbow': np.array([forearm, -elbow, 0.0]) * sign,
    }


def relaxed(rng: Rng) -> Angles:
    """An easy stance: weight perhaps on one leg, arms hanging, eyes anywhere in front."""
    weight = rng.choice([-1.0, 0.0, 1.0])  # the leg that bears more
    angles: Angles = {}
    for side, sign in zip(SIDES, (1.0, -1.0)):
        eased = max(0.0, -weight * sign) * rng.uniform(5, 22)
        angles |= leg(
            side,
            lift=0.6 * eased + rng.normal(0, 2),
            knee=2 + 1.2 * eased,
            spread=rng.uniform(-2, 6),
            turn_out=rng.uniform(0, 18),
        )
        angles |= hanging_arm(
            side,
            lower=rng.uniform(66, 80),
            swing=rng.normal(4, 7),
            twist=rng.normal(8, 12),
            elbow=rng.uniform(6, 32),
            forearm=rng.normal(0, 15),
        )
        angles[f'{side}_hand'] = np.array([0, 0, -rng.uniform(0, 30) * sign])
    lean = rng.normal(0, 4)
    angles |= {
        'spine1': np.array([2 + rng.normal(0, 3), rng.normal(0, 4), weight * rng.uniform(0, 5)]),
        'spine2': np.array([lean, rng.normal(0, 4), 0]),
        'spine3': np.array([0.5 * lean, rng.normal(0, 3), 0]),
    }
    return angles | gaze(rng)


def gaze(rng: Rng, yaw_std: float = 18.0, pitch: float = 0.0) -> Angles:
    """Neck and head that look somewhere: to the side by ``yaw_std``, up by ``pitch`` on average, degrees."""
    yaw, nod, lean = rng.normal(0, yaw_std), pitch + rng.normal(0, 7), rng.normal(0, 4)
    return {
        'neck': np.array([0.5 * nod, 0.45 * yaw, 0.5 * lean]),
        'head': np.array([0.5 * nod, 0.55 * yaw, 0.5 * lean]),
    }


def arms(rng: Rng, targets: dict[str, tuple], spread_m: float = 0.02) -> Angles:
    """side -> (wrist relative to the shoulder m, elbow direction, forearm twist) with a little noise."""
    angles: Angles = {}
    for side, (wrist, pole, twist) in targets.items():
        angles |= reach(
            side, np.asarray(wrist) + rng.normal(0, spread_m, 3), np.asarray(pole, float), twist + rng.normal(0, 8)
        )
    return angles


def mirrored(wrist: tuple[float, float, float], pole: tuple[float, float, float], twist: float, side: str) -> tuple:
    """An arm target told for the left side, for ``side``."""
    sign = np.array([1.0 if side == 'left' else -1.0, 1.0, 1.0])
    return np.asarray(wrist) * sign, np.asarray(pole) * sign, twist


def arm_at_work(rng: Rng, side: str) -> Angles:
    """One arm that holds a telephone to the ear or before the chest, or rests in the side."""
    style = rng.choice(['ear', 'screen', 'hip'])
    if style == 'ear':
        target = (-0.03, 0.13, 0.10), (0.6, -1, 0.2), -30
    elif style == 'screen':
        target = (-0.08, -0.16, 0.30), (0.5, -1, 0), -70
    else:
        target = (0.02, -0.37, 0.05), (1, -0.2, -0.5), -30
    return arms(rng, {side: mirrored(*target, side)}, 0.01)


def upright(rng: Rng) -> Angles:
    """A trunk that hardly bends, for what two people do with their hands."""
    return {name: rng.normal(0, 1.0, 3) for name in ('spine1', 'spine2', 'spine3')}
