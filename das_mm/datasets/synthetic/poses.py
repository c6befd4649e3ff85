"""Body poses of people who do something, drawn within anatomical limits.

Conventions: the body's own frame is x left, y up, z forward. A pose has no heading: the scene turns the body about the
vertical by a yaw of its choice, ``global_orient = yaw about y, after root_tilt``; ``root_tilt`` (axis-angle, rad) is
how far the pelvis leans (bending, crouching) and is zero for most poses. Every pose stands on the ground by its lowest
vertex: the scene shifts the body until that vertex touches. Who sits touches the ground with the feet too; a seat
belongs under the thighs (``needs_seat``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from das_mm.bodies.joint_limits import clip_angles, pose_from_angles
from das_mm.bodies.skeleton import JOINT_INDEX

from .body_shapes import Rng
from .gait import Gait, gait_cycle, running, walking
from .pose_parts import (
    MIRROR,
    SIDES,
    Angles,
    arm_at_work,
    arms,
    gaze,
    hanging_arm,
    leg,
    mirrored,
    relaxed,
    stack_angles,
    upright,
)


def _unstack(stacked: np.ndarray) -> Angles:
    return {name: stacked[index - 1] for name, index in JOINT_INDEX.items() if index}


def _gait(rng: Rng, gait: Gait) -> Angles:
    angles = _unstack(gait_cycle(gait, rng.uniform(0, 2 * np.pi, 1))[0][0])
    return angles | {name: angles[name] + turn for name, turn in gaze(rng, 12).items()}


def _stand(rng: Rng) -> tuple[Angles, float]:
    angles = relaxed(rng)
    style = rng.choice(['hang', 'hang', 'one', 'hips', 'behind'])
    if style == 'one':
        angles |= arm_at_work(rng, str(rng.choice(SIDES)))
    elif style == 'hips':
        angles |= arms(rng, {s: mirrored((0.02, -0.37, 0.05), (1, -0.2, -0.5), -30, s) for s in SIDES}, 0.01)
    elif style == 'behind':
        angles |= arms(rng, {s: mirrored((-0.10, -0.46, -0.12), (1, 0.1, -0.4), -10, s) for s in SIDES}, 0.01)
    return angles, 0.0


def _sit(rng: Rng) -> tuple[Angles, float]:
    angles = relaxed(rng)
    tilt = rng.uniform(-14, 6)  # leaning back or forward
    depth = rng.uniform(74, 94)
    for side in SIDES:
        stretch = rng.uniform(-12, 22)
        lift = depth + rng.normal(0, 2)
        angles |= leg(
            side,
            lift=lift + tilt,
            knee=np.clip(lift - stretch, 40, 120),
            spread=rng.uniform(0, 16),
            turn_out=rng.uniform(-4, 8),
            point=-stretch * 0.6,
        )
    angles['spine1'][0] = rng.uniform(0, 14)
    style = rng.choice(['knees', 'lap', 'table', 'hang'])
    if style == 'knees':
        angles |= arms(rng, {s: mirrored((0.01, -0.37, 0.28), (0.7, -0.6, -0.7), 50, s) for s in SIDES})
    elif style == 'lap':
        angles |= arms(rng, {s: mirrored((-0.11, -0.36, 0.20), (1, -0.5, -0.5), 50, s) for s in SIDES}, 0.01)
    elif style == 'table':
        angles |= arms(rng, {s: mirrored((-0.06, -0.22, 0.36), (0.8, -1, 0), 35, s) for s in SIDES})
    return angles, tilt


def _crouch(rng: Rng) -> tuple[Angles, float]:
    angles = relaxed(rng)
    tilt = rng.uniform(15, 40)
    depth = rng.uniform(55, 100)
    for side in SIDES:
        lift, knee = depth + 0.25 * tilt + rng.normal(0, 3), 1.25 * depth + rng.normal(0, 3)
        angles |= leg(
            side,
            lift=min(lift + tilt, 126),
            knee=knee,
            spread=rng.uniform(6, 26),
            turn_out=rng.uniform(5, 25),
            point=np.clip(lift - knee, -30, 0),
        )
    angles['spine1'][0] = rng.uniform(5, 22)
    angles['spine2'][0] = rng.uniform(2, 16)
    if rng.random() < 0.7:
        angles |= arms(rng, {s: mirrored((0.0, -0.25, 0.33), (0.8, -0.6, -0.3), 40, s) for s in SIDES}, 0.04)
    return angles | gaze(rng, 15, -20), tilt


def _bend(rng: Rng) -> tuple[Angles, float]:
    angles = relaxed(rng)
    tilt, back = rng.uniform(15, 65), rng.uniform(0.3, 1.0)
    for side in SIDES:
        knee = rng.uniform(2, 35)
        angles |= leg(side, lift=tilt + 0.55 * knee - 4, knee=knee, spread=rng.uniform(2, 10), point=-0.45 * knee)
    for name, most in (('spine1', 36), ('spine2', 28), ('spine3', 20)):
        angles[name] = np.array([back * most, rng.normal(0, 5), rng.normal(0, 3)])
    down = tilt + 60 * back  # the arms hang towards the ground whatever the trunk does
    for side in SIDES:
        angles |= hanging_arm(
            side,
            lower=rng.uniform(72, 84),
            swing=np.clip(down + rng.normal(0, 12), 0, 125),
            elbow=rng.uniform(5, 30),
            twist=rng.normal(0, 12),
        )
    return angles | gaze(rng, 12, -10), tilt


def _reach(rng: Rng) -> tuple[Angles, float]:
    angles = relaxed(rng)
    chosen = [rng.choice(SIDES)] if rng.random() < 0.65 else SIDES
    azimuth, height, far = rng.uniform(-20, 70), rng.uniform(-35, 75), rng.uniform(0.40, 0.50)
    for side in chosen:
        a, h = np.radians([azimuth, height])
        wrist = far * np.array([np.sin(a) * np.cos(h), np.sin(h), np.cos(a) * np.cos(h)])
        angles |= arms(rng, {side: mirrored(tuple(wrist), (0.8, -1, -0.2), rng.uniform(-20, 60), side)})
        angles[f'{side}_collar'] = np.array([0, -12, max(0, height) * 0.25]) * (1 if side == 'left' else MIRROR)
    return angles | gaze(rng, 14, -0.25 * height), 0.0


def _wave(rng: Rng) -> tuple[Angles, float]:
    angles = relaxed(rng)
    side = rng.choice(SIDES)
    beat = rng.uniform(-0.12, 0.12)
    wrist = (0.20 + beat, rng.uniform(0.10, 0.36), rng.uniform(0.08, 0.22))
    angles |= arms(rng, {side: mirrored(wrist, (1, -0.9, -0.2), -10, side)}, 0.01)
    angles[f'{side}_collar'] = np.array([0, -4, 14.0]) * (1 if side == 'left' else MIRROR)
    return angles, 0.0


def _arms_crossed(rng: Rng) -> tuple[Angles, float]:
    angles = relaxed(rng)
    over = rng.choice(SIDES)
    for side in SIDES:
        upper = side == over
        wrist = (-0.21, -0.20 + 0.05 * upper, 0.155 + 0.05 * upper)
        angles |= arms(rng, {side: mirrored(wrist, (1, -1.2, -0.1), 0, side)}, 0.006)
    return angles, 0.0


def _t_pose(rng: Rng) -> tuple[Angles, float]:
    angles = relaxed(rng)
    lower = rng.uniform(-10, 50)
    for side in SIDES:
        angles |= hanging_arm(side, lower=lower + rng.normal(0, 3), elbow=rng.uniform(2, 12))
    return angles, 0.0


def _handshake(rng: Rng) -> tuple[Angles, float]:
    angles = relaxed(rng) | upright(rng)
    angles |= arms(rng, {'right': mirrored((-0.065, -0.20, 0.37), (0.5, -1, -0.4), -20, 'right')}, 0.01)
    angles['right_collar'] = np.array([0, 10.0, 0])
    return angles | gaze(rng, 5), 0.0


def _hug(rng: Rng) -> tuple[Angles, float]:
    angles = relaxed(rng) | upright(rng)
    high = rng.choice(SIDES)  # one arm over, one under the other person's
    for side in SIDES:
        up = side == high
        wrist, elbow = (-0.10, 0.05 if up else -0.22, 0.38), (1, 0.2 if up else -0.6, 0.2)
        angles |= arms(rng, {side: mirrored(wrist, elbow, -60, side)}, 0.01)
        angles[f'{side}_collar'] = np.array([0, -16, 6.0]) * (1 if side == 'left' else MIRROR)
    angles['spine2'][0] += 6
    return angles | gaze(rng, 8, 5), 0.0


BUILDERS: dict[str, Callable[[Rng], tuple[Angles, float]]] = {
    'stand': _stand,
    'walk': lambda rng: (_gait(rng, walking(rng.uniform(0.6, 1.8), rng.uniform(0.6, 1.4))), 0.0),
    'run': lambda rng: (_gait(rng, running(rng.uniform(2.2, 4.2), rng.uniform(0.7, 1.3))), 0.0),
    'sit': _sit,
    'crouch': _crouch,
    'bend': _bend,
    'reach': _reach,
    'wave': _wave,
    'arms_crossed': _arms_crossed,
    't_pose': _t_pose,
    'handshake': _handshake,
    'hug': _hug,
}
_SHARES = {
    'stand': 0.24,
    'walk': 0.22,
    'run': 0.08,
    'sit': 0.12,
    'crouch': 0.05,
    'bend': 0.06,
    'reach': 0.08,
    'wave': 0.05,
    'arms_crossed': 0.05,
    't_pose': 0.02,
    'handshake': 0.02,
    'hug': 0.01,
}
_NOISE_DEG = np.array([1.5, 1.5, 1.5])

#: what ``sample_pose`` can be asked for
ACTIVITIES: tuple[str, ...] = tuple(BUILDERS)
#: poses that make sense with a partner in front; the distance between the pelvises, m, for adults of 1.70 m
PARTNER_DISTANCE_M: dict[str, float] = {'handshake': 0.84, 'hug': 0.31}


def sample_pose(rng: Rng, activity: str | None = None) -> dict:
    """One pose.

    Args:
        rng: Source of all chance; the same state gives the same pose.
        activity: One of ``ACTIVITIES``; drawn by their usual shares where it is None.

    Returns:
        ``body_pose`` (23, 3) axis-angle, rad, within the limits; ``root_tilt`` (3,) axis-angle, rad, of the pelvis
        before the scene's yaw; ``activity``; ``needs_seat`` bool.

    Raises:
        KeyError: for an unknown activity.
    """
    if activity is None:
        activity = str(rng.choice(list(_SHARES), p=np.array(list(_SHARES.values()))))
    angles, tilt_deg = BUILDERS[activity](rng)
    stacked = stack_angles(angles)
    stacked = clip_angles(stacked + rng.normal(0, 1, stacked.shape) * _NOISE_DEG * (stacked != 0))
    return dict(
        body_pose=pose_from_angles(stacked),
        root_tilt=np.radians([tilt_deg, 0.0, 0.0]),
        activity=activity,
        needs_seat=activity == 'sit',
    )


def sample_pair(rng: Rng, activity: str | None = None) -> dict:
    """Two people who do something together.

    Returns:
        ``poses`` (two results of ``sample_pose``), ``distance_m`` between their pelvises along the first one's forward
        direction, ``yaw`` of the second relative to the first (pi: face to face), ``activity``.
    """
    activity = activity or str(rng.choice(list(PARTNER_DISTANCE_M)))
    distance = PARTNER_DISTANCE_M[activity] + rng.normal(0, 0.02)
    return dict(
        poses=(sample_pose(rng, activity), sample_pose(rng, activity)),
        distance_m=float(distance),
        yaw=np.pi,
        activity=activity,
    )
