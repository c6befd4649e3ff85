"""Short motions: gait, keyframed actions and slow sway, all within the joint limits of ``poses``.

Keyframes are blended in anatomical angles; since limits are a box there, whatever lies between two keyframes keeps
them.

Conventions as in ``poses``: body-local y up; the scene applies the heading, ``global_orient = yaw about y, after
root_tilt``, and puts the lowest vertex of every frame on the ground, plus ``lift_m``. Yaw and path begin at zero: the
scene adds where the person starts and what way it faces. A body that faces yaw a walks along (sin a, cos a) in (x, z).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from das_mm.bodies import load_generated_body
from das_mm.bodies.joint_limits import clip_angles, pose_from_angles
from das_mm.bodies.skeleton import JOINT_INDEX
from das_mm.bodies.skinning import forward_kinematics
from das_mm.structures.rotations import axis_angle_to_matrix

from .body_shapes import Rng
from .gait import Gait, gait_cycle, running, stepping, walking
from .pose_parts import ARM_PARTS, SIDES, Angles, arm_at_work, relaxed, stack_angles, upright
from .poses import BUILDERS, PARTNER_DISTANCE_M

_FASTEST_DEG_S = 200.0  # mean speed of the fastest joint between two keyframes
_SWAY_DEG = 1.2
# what of the sole may touch the ground, left side: (joint it moves with, rest place in the ground frame, m)
_SOLE = (('ankle', (0.103, 0.0, -0.075)), ('foot', (0.095, 0.0, 0.105)), ('foot', (0.112, 0.0, 0.160)))


def _sole_points(body_pose: np.ndarray, root_tilt: np.ndarray) -> np.ndarray:
    """Heel, ball and toe of both feet, (T, 2 sides, 3 points, 3) m relative to the pelvis, for the mean body."""
    body = load_generated_body()
    rotations = axis_angle_to_matrix(np.concatenate([root_tilt[:, None], body_pose], axis=1))
    rest = np.broadcast_to(body.joints_template, (len(body_pose), 24, 3))
    joints, transforms = forward_kinematics(rotations, rest, body.parents)
    ground = body.v_template[:, 1].min()
    points = np.empty((len(body_pose), 2, len(_SOLE), 3))
    for s, (side, sign) in enumerate(zip(SIDES, (1, -1))):
        for p, (joint, place) in enumerate(_SOLE):
            transform = transforms[:, JOINT_INDEX[f'{side}_{joint}']]
            points[:, s, p] = transform[..., :3] @ (np.array(place) * [sign, 1, 1] + [0, ground, 0]) + transform[..., 3]
    return points - joints[:, :1, None]


def _gait_motion(rng: Rng, times: np.ndarray, gait: Gait) -> dict:
    phase = rng.uniform(0, 2 * np.pi) + 2 * np.pi * gait.cycles_per_s * times
    angles, hip_height = gait_cycle(gait, phase)
    bend = rng.normal(0, 0.25) / (1 + gait.speed / 2)  # rad/s: most people walk nearly straight
    yaw = bend * times + rng.normal(0, 0.06) * (np.sin(1.3 * times + 0.5) - np.sin(0.5))
    heading = np.stack([np.sin(yaw), np.cos(yaw)], axis=1)
    steps = gait.speed * np.diff(times, prepend=times[0])[:, None] * heading
    still = np.zeros((len(times), 3))
    lift = np.zeros(len(times))
    if gait.stance < 0.5:  # a run flies in between
        body = load_generated_body()
        hip_under_pelvis = body.joints_template[0, 1] - body.joints_template[1, 1]
        soles = _sole_points(pose_from_angles(angles), still)[..., 1].min(axis=(1, 2))
        lift = (hip_height + hip_under_pelvis + soles).clip(0)
    return dict(angles=angles, root_tilt=still, yaw=yaw, path=np.cumsum(steps, axis=0), lift_m=lift)


def _walk(rng: Rng, times: np.ndarray) -> dict:
    motion = _gait_motion(rng, times, walking(rng.uniform(0.7, 1.8), rng.uniform(0.7, 1.3)))
    if rng.random() < 0.3:  # one arm is busy: a telephone, a wave, a hand in the side
        busy = stack_angles(arm_at_work(rng, str(rng.choice(SIDES))))
        chosen = busy.any(axis=1)
        motion['angles'][:, chosen] = busy[chosen]
    return motion


def _run(rng: Rng, times: np.ndarray) -> dict:
    return _gait_motion(rng, times, running(rng.uniform(2.2, 4.0), rng.uniform(0.8, 1.2)))


def _turn(rng: Rng, times: np.ndarray) -> dict:
    """Steps on the spot while the body turns."""
    rate = rng.choice([-1, 1]) * rng.uniform(0.8, 1.8)
    angles, _ = gait_cycle(stepping(), rng.uniform(0, 2 * np.pi) + 2 * np.pi * 0.9 * times)
    ease = 0.5 * rate * (times + np.sin(2.2 * times) / 2.2 * 0.5)
    look = np.clip(rate * 12, -20, 20)  # the head goes ahead
    for name in ('neck', 'head'):
        angles[:, JOINT_INDEX[name] - 1, 1] += look
    return dict(
        angles=angles,
        root_tilt=np.zeros((len(times), 3)),
        yaw=2 * (ease - ease[0]),
        path=np.zeros((len(times), 2)),
        lift_m=np.zeros(len(times)),
    )


Keyframe = tuple[np.ndarray, float]  # angles (23, 3) degrees, tilt of the pelvis in degrees


def _play(rng: Rng, times: np.ndarray, keys: list[Keyframe], holds_s: list[float], pace: float) -> dict:
    """Blend keyframes one after the other with minimum jerk; the last one is held.

    ``holds_s`` is how long each key is held; ``pace`` stretches the time between keys (1 is brisk). A clip shorter than
    the action shows a part of it.
    """
    starts, ends = [0.0], [holds_s[0]]
    for previous, key, hold in zip(keys, keys[1:], holds_s[1:]):
        change = max(np.abs(key[0] - previous[0]).max(), abs(key[1] - previous[1]))
        starts.append(ends[-1] + max(0.25, pace * change / _FASTEST_DEG_S))
        ends.append(starts[-1] + hold)
    clip = times[-1] - times[0]
    moment = times - times[0] + rng.uniform(0, max(ends[-1] - clip, 0) or 1e-9)
    angles = np.tile(keys[0][0], (len(times), 1, 1))
    tilt = np.full(len(times), float(keys[0][1]))
    for previous, key, begin, end in zip(keys, keys[1:], ends, starts[1:]):
        t = np.clip((moment - begin) / (end - begin), 0, 1)
        t = t**3 * (10 - 15 * t + 6 * t * t)
        angles += t[:, None, None] * (key[0] - previous[0])
        tilt += t * (key[1] - previous[1])
    return _standing(angles, tilt)


def _standing(angles: np.ndarray, tilt_deg: np.ndarray) -> dict:
    """A motion whose feet stay where they are: the pelvis goes where that takes it."""
    tilt = np.zeros((len(angles), 3))
    tilt[:, 0] = np.radians(tilt_deg)
    feet = _sole_points(pose_from_angles(clip_angles(angles)), tilt).mean(axis=(1, 2))[:, [0, 2]]
    return dict(
        angles=angles, root_tilt=tilt, yaw=np.zeros(len(angles)), path=feet[0] - feet, lift_m=np.zeros(len(angles))
    )


def _key(rng: Rng, builder: Callable, base: Angles | None = None, arms_only: bool = False) -> Keyframe:
    """One keyframe from a pose builder; with ``arms_only`` the rest of the body stays as in ``base``."""
    angles, tilt = builder(rng)
    base = base or {}
    if arms_only:
        free = ARM_PARTS + ('neck', 'head')
        kept = {name: base[name] for name in base if not any(part in name for part in free)}
        return clip_angles(stack_angles({**angles, **kept})), 0.0
    return clip_angles(stack_angles({**base, **angles})), tilt


def _stand(rng: Rng, times: np.ndarray) -> dict:
    base = BUILDERS['stand'](rng)[0]
    rest = clip_angles(stack_angles(base)), 0.0
    later = [_key(rng, BUILDERS['stand'], base, arms_only=True) for _ in range(2)]
    return _play(rng, times, [rest, *later], list(rng.uniform(0.3, 1.5, 3)), rng.uniform(1.5, 2.5))


def _arm_action(activity: str) -> Callable[[Rng, np.ndarray], dict]:
    def action(rng: Rng, times: np.ndarray) -> dict:
        base = relaxed(rng)
        rest = clip_angles(stack_angles(base)), 0.0
        done = _key(rng, BUILDERS[activity], base, arms_only=True)
        return _play(
            rng, times, [rest, done, rest], [rng.uniform(0, 0.4), rng.uniform(0.3, 0.8), 0.3], rng.uniform(1.2, 2.2)
        )

    return action


def _sit_down(rng: Rng, times: np.ndarray) -> dict:
    base = relaxed(rng)
    low, tilt = _key(rng, BUILDERS['sit'])
    rest = clip_angles(stack_angles(base))
    lean = 0.45 * rest + 0.55 * low  # half-way the trunk leans forward over the feet
    lean[JOINT_INDEX['spine1'] - 1, 0] += 14
    hips = [JOINT_INDEX[f'{side}_hip'] - 1 for side in SIDES]
    lean[hips, 0] -= 24
    keys = [(rest, 0.0), (clip_angles(lean), 24.0), (low, tilt)]
    if rng.random() < 0.4:
        keys = keys[::-1]  # gets up
    return _play(rng, times, keys, [rng.uniform(0, 0.3), 0.0, 0.8], rng.uniform(1.5, 2.2))


def _oscillate(motion: dict, times: np.ndarray, side: str, joint: str, axis: int, degrees: float, hertz: float) -> dict:
    """Add a to and fro of one joint where the arm is raised; mirrored sign for the right side."""
    row = JOINT_INDEX[f'{side}_{joint}'] - 1
    shoulder = motion['angles'][:, JOINT_INDEX[f'{side}_shoulder'] - 1]
    raised = np.linalg.norm(shoulder - shoulder[0], axis=1)
    share = raised / max(raised.max(), 30.0)
    sign = 1 if side == 'left' or axis == 0 else -1
    motion['angles'][:, row, axis] += sign * share * degrees * np.sin(2 * np.pi * hertz * times)
    return motion


def _wave(rng: Rng, times: np.ndarray) -> dict:
    motion = _arm_action('wave')(rng, times)
    moved = {side: np.ptp(motion['angles'][:, JOINT_INDEX[f'{side}_shoulder'] - 1], axis=0).max() for side in SIDES}
    side = max(moved, key=lambda name: moved[name])
    return _oscillate(motion, times, side, 'elbow', 1, 18, rng.uniform(1.2, 1.9))


def _interact(rng: Rng, times: np.ndarray) -> dict:
    """Shakes hands with somebody who stands in front, or embraces them; ``partner`` is that person's motion."""
    kind = str(rng.choice(['handshake', 'handshake', 'hug']))
    both = []
    timing = int(rng.integers(2**31))
    for _ in range(2):
        base = relaxed(rng) | upright(rng)
        rest = clip_angles(stack_angles(base)), 0.0
        done = _key(rng, BUILDERS[kind], base, arms_only=True)
        together = np.random.default_rng(timing)  # both begin and end at the same moments
        motion = _play(together, times, [rest, done, rest], [0.2, 1.2, 0.3], 2.2)
        if kind == 'handshake':
            motion = _oscillate(motion, times, 'right', 'elbow', 1, 7, 2.0)
        both.append(motion)
    first, second = both
    first['partner'] = dict(motion=second, distance_m=PARTNER_DISTANCE_M[kind], yaw=np.pi)
    return first


_ACTIONS: dict[str, Callable[[Rng, np.ndarray], dict]] = {
    'walk': _walk,
    'run': _run,
    'turn': _turn,
    'stand': _stand,
    'sit_down': _sit_down,
    'reach': _arm_action('reach'),
    'wave': _wave,
    'interact': _interact,
}
_SHARES = {
    'walk': 0.38,
    'run': 0.1,
    'turn': 0.08,
    'stand': 0.12,
    'sit_down': 0.1,
    'reach': 0.1,
    'wave': 0.06,
    'interact': 0.06,
}

#: what ``sample_motion`` can be asked for
MOTION_ACTIVITIES: tuple[str, ...] = tuple(_ACTIONS)


def _sway(rng: Rng, times: np.ndarray) -> np.ndarray:
    """Slow noise of every joint of trunk and arms, (T, 23, 3) degrees; feet and hands stay out of it."""
    total = np.zeros((len(times), 23, 3))
    for hertz in (0.23, 0.61):
        turns = hertz * times[:, None, None] + rng.random((23, 3))
        total += rng.normal(0, _SWAY_DEG, (23, 3)) * np.sin(2 * np.pi * turns)
    legs_and_hands = ('foot', 'hand', 'ankle', 'knee', 'hip')
    still = [i - 1 for name, i in JOINT_INDEX.items() if name.rpartition('_')[2] in legs_and_hands]
    total[:, still] = 0
    for side in SIDES:
        total[:, JOINT_INDEX[f'{side}_elbow'] - 1, 2] = 0
    return total


def sample_motion(rng: Rng, num_frames: int, fps: float, activity: str | None = None, stature_m: float = 1.70) -> dict:
    """One motion.

    Args:
        rng: Source of all chance.
        num_frames: T >= 1.
        fps: Frames a second.
        activity: One of ``MOTION_ACTIVITIES``; drawn where it is None.
        stature_m: Height of the person: paths are as long as its legs allow.

    Returns:
        ``body_pose`` (T, 23, 3) axis-angle, rad, within the limits; ``root_tilt`` (T, 3) axis-angle, rad, of the pelvis
        before the yaw; ``global_orient_yaw`` (T,) rad about y, 0 in the first frame; ``ground_path`` (T, 2) m, where
        the pelvis is in (x, z), 0 in the first frame; ``lift_m`` (T,) height of the lowest vertex over the ground (not
        0 only in the flight of a run); ``needs_seat`` bool (the last or first frames sit); ``activity``. For
        ``interact`` also ``partner``: the same arrays of the other person, its ``distance_m`` along the first one's
        forward direction and its ``yaw`` relative to the first (pi: face to face).

    Raises:
        KeyError: for an unknown activity.
        ValueError: for num_frames < 1 or fps <= 0.
    """
    if num_frames < 1 or fps <= 0:
        raise ValueError(f'a motion needs at least one frame and a positive rate, not {num_frames} frames at {fps}')
    if activity is None:
        activity = str(rng.choice(list(_SHARES), p=np.array(list(_SHARES.values()))))
    times = np.arange(num_frames) / fps
    return _finish(rng, times, _ACTIONS[activity](rng, times), activity, stature_m / 1.70)


def _finish(rng: Rng, times: np.ndarray, motion: dict, activity: str, scale: float) -> dict:
    angles = clip_angles(motion['angles'] + _sway(rng, times))
    path = motion['path'] - motion['path'][0]
    result: dict = dict(
        body_pose=pose_from_angles(angles),
        root_tilt=motion['root_tilt'],
        global_orient_yaw=motion['yaw'] - motion['yaw'][0],
        ground_path=scale * path,
        lift_m=scale * motion['lift_m'],
        needs_seat=activity == 'sit_down',
        activity=activity,
    )
    if 'partner' in motion:
        partner = motion['partner']
        result['partner'] = _finish(rng, times, partner['motion'], activity, scale) | dict(
            distance_m=scale * partner['distance_m'], yaw=partner['yaw']
        )
    return result
