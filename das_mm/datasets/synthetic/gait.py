"""Walking and running by the feet: where each foot is in the cycle is given, the legs are solved for it.

A standing foot travels backward under the body at the speed of the walk (it stands still on the ground): the heel
lands, the sole lies flat, the heel rises over the ball. In between the foot swings forward. The hip moves on a smooth
curve as high as the legs allow. Thigh and shank follow by the law of cosines, in the sagittal plane. So feet neither
slide nor sink.

Lengths are those of the mean body of 1.70 m; z forward, y up, metres. Phase in radians: at 0 the left foot lands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from das_mm.bodies.joint_limits import about, angles_of_rotation, clip_angles
from das_mm.bodies.skeleton import GROUND_Y_M, JOINT_INDEX, rest_joints

_REST = rest_joints()


def _side_view(joint: str) -> np.ndarray:
    """(z, y) of a joint of the left leg at rest, y from the ground."""
    return np.array([_REST[JOINT_INDEX[f'left_{joint}'], 2], _REST[JOINT_INDEX[f'left_{joint}'], 1] - GROUND_Y_M])


_THIGH, _SHANK = _side_view('knee') - _side_view('hip'), _side_view('ankle') - _side_view('knee')
_ANKLE = _side_view('ankle')
# where the foot turns over the ground, relative to the ankle, foot flat
_HEEL, _BALL = np.array([-0.080, 0.0]) - _ANKLE, np.array([0.105, 0.0]) - _ANKLE
_REACH = 0.996 * (np.linalg.norm(_THIGH) + np.linalg.norm(_SHANK))  # never quite straight


@dataclass(frozen=True)
class Gait:
    """One person's way of walking.

    Attributes:
        speed: m/s.
        cycle_m: Way in one cycle (two steps), m.
        stance: Share of the cycle that a foot stands.
        land_deg, push_deg: Pitch of the foot when it lands (toes up is negative) and when it leaves (heel up).
        flat: Shares of the stance at which the sole is down and at which the heel rises.
        clearance_m: How high the ankle is lifted in the swing.
        bob_m: Amplitude of the pelvis height.
        lean_deg, elbow_deg, arm_swing_deg: Trunk forward, bend of the elbows, swing of the arms.
    """

    speed: float
    cycle_m: float
    stance: float
    land_deg: float
    push_deg: float
    flat: tuple[float, float]
    clearance_m: float
    bob_m: float
    lean_deg: float
    elbow_deg: float
    arm_swing_deg: float

    @property
    def cycles_per_s(self) -> float:
        return self.speed / self.cycle_m


def walking(speed: float, arms: float = 1.0) -> Gait:
    """Walk at 0.3 to 2 m/s: people lengthen their steps and quicken them alike (constant walk ratio)."""
    pace = speed / 1.35
    return Gait(
        speed=speed,
        cycle_m=2 * np.sqrt(0.35 * speed),
        stance=0.63 - 0.02 * pace,
        land_deg=-18 * min(pace, 1.2) ** 0.5,
        push_deg=54 * min(pace, 1.3) ** 0.5,
        flat=(0.14, 0.50),
        clearance_m=0.035 + 0.02 * pace,
        bob_m=0.024 * min(pace, 1.2),
        lean_deg=3.0,
        elbow_deg=16.0,
        arm_swing_deg=22 * arms * pace,
    )


def running(speed: float, arms: float = 1.0) -> Gait:
    """Run at 2 to 4.5 m/s."""
    pace = speed / 3.0
    return Gait(
        speed=speed,
        cycle_m=speed / (1.30 + 0.08 * pace),
        stance=0.42 - 0.09 * pace,
        land_deg=-8.0,
        push_deg=52.0,
        flat=(0.15, 0.50),
        clearance_m=0.14 + 0.10 * pace,
        bob_m=0.035,
        lean_deg=8 + 4 * pace,
        elbow_deg=82.0,
        arm_swing_deg=26 * arms * pace,
    )


def stepping(arms: float = 0.6) -> Gait:
    """Steps on the spot."""
    return Gait(
        speed=0.0,
        cycle_m=1.0,
        stance=0.62,
        land_deg=0.0,
        push_deg=12.0,
        flat=(0.05, 0.85),
        clearance_m=0.07,
        bob_m=0.010,
        lean_deg=1.0,
        elbow_deg=14.0,
        arm_swing_deg=6 * arms,
    )


def gait_cycle(gait: Gait, phase: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joint angles and pelvis height.

    Args:
        gait: The way of walking.
        phase: (T,) rad.

    Returns:
        angles (T, 23, 3) degrees within the limits, and the height (T,) of the hip joints over the ground, m.
    """
    phase = np.asarray(phase, float)
    angles = np.zeros((len(phase), 23, 3))
    height = _hip_height(gait, phase)
    for side, shift in (('left', 0.0), ('right', 0.5)):
        ankle, pitch = _foot(gait, phase / (2 * np.pi) + shift)
        _solve_leg(angles, side, ankle - np.stack([np.zeros_like(height), height], axis=1), pitch)
        # the toes stay flat while the heel rises, and straighten in the air
        grounded = _ease(1 - (ankle[:, 1] - _ANKLE[1]) / 0.25)
        angles[:, JOINT_INDEX[f'{side}_foot'] - 1, 0] = -0.8 * np.clip(pitch, 0, None) * grounded
        _swing_arm(angles, gait, side, phase + 2 * np.pi * shift)
    # shoulders turn against the hips, the head looks ahead
    turn = 0.35 * gait.arm_swing_deg * np.cos(phase)
    for name, share in (('spine1', 0.4), ('spine2', 0.4), ('spine3', 0.2)):
        angles[:, JOINT_INDEX[name] - 1, 1] = share * turn
        angles[:, JOINT_INDEX[name] - 1, 0] = share * gait.lean_deg
    angles[:, JOINT_INDEX['neck'] - 1, 1] = -0.7 * turn
    angles[:, JOINT_INDEX['neck'] - 1, 0] = -0.5 * gait.lean_deg
    return clip_angles(angles), height


def _turned(vector: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """(z, y) vectors of the foot pitched by degrees, positive with the heel up (rotation about +x)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.stack([c * vector[0] + s * vector[1], c * vector[1] - s * vector[0]], axis=-1)


def _stance_ankle(gait: Gait, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ankle (z, y) relative to the point under the hip and pitch of the foot, at shares u of the stance."""
    travel = gait.cycle_m * gait.stance * (gait.speed > 0)
    flat = np.stack([travel * (0.39 - u), np.full_like(u, _ANKLE[1])], axis=-1)  # the ankle, were the foot flat
    down, rise = gait.flat
    land = gait.land_deg * _ease(1 - u / down)
    push = gait.push_deg * np.clip((u - rise) / (1 - rise), 0, None) ** 1.7
    about_heel, about_ball = _HEEL - _turned(_HEEL, land), _BALL - _turned(_BALL, push)
    return flat + about_heel + about_ball, land + push


def _ease(t: np.ndarray) -> np.ndarray:
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def _foot(gait: Gait, cycles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ankle (T, 2) relative to the ground under the hip, pitch (T,) degrees, at shares of the cycle since landing."""
    share = np.mod(cycles, 1.0)
    ankle, pitch = _stance_ankle(gait, np.minimum(share / gait.stance, 1.0))
    swing = share > gait.stance
    u = (share[swing] - gait.stance) / (1 - gait.stance)
    edge, step = np.array([1.0, 0.0]), 1e-3
    (place, turn), (before, turn_before) = _stance_ankle(gait, edge), _stance_ankle(gait, edge + [-step, step])
    # velocities at take-off and landing, in units of the swing's duration: the foot leaves and lands without a jerk
    scale = (1 - gait.stance) / gait.stance / step
    leave, land = (place[0] - before[0]) * scale, (before[1] - place[1]) * scale
    ankle[swing] = _hermite(u, place[0], place[1], leave, land)
    ankle[swing, 1] += gait.clearance_m * (16 * u**2 * (1 - u) ** 2) * (1.5 - u)
    pitch[swing] = _hermite(u, turn[0], turn[1], (turn[0] - turn_before[0]) * scale, (turn_before[1] - turn[1]) * scale)
    return ankle, pitch


def _hermite(u: np.ndarray, start, end, start_slope, end_slope) -> np.ndarray:
    u = u.reshape(-1, *(1,) * np.ndim(start))
    return (
        (2 * u**3 - 3 * u**2 + 1) * start
        + (u**3 - 2 * u**2 + u) * start_slope
        + (3 * u**2 - 2 * u**3) * end
        + (u**3 - u**2) * end_slope
    )


def _hip_height(gait: Gait, phase: np.ndarray) -> np.ndarray:
    """Smooth height of the hips: walking lowest when both feet stand, running lowest in mid-stance."""

    def wave(p):
        lowest = 2 * np.pi * (0.03 if gait.stance > 0.5 else 0.5 * gait.stance)
        return -gait.bob_m * np.cos(2 * (p - lowest))

    cycle = np.arange(128) / 128
    u = cycle[cycle <= gait.stance] / gait.stance
    ankle, _ = _stance_ankle(gait, u)
    limit = ankle[:, 1] + np.sqrt(np.maximum(_REACH**2 - ankle[:, 0] ** 2, 0.01))
    return (limit - wave(2 * np.pi * u * gait.stance)).min() + wave(phase)


def _from_down(vector: np.ndarray) -> np.ndarray:
    return np.arctan2(vector[0], -vector[1])


def _solve_leg(angles: np.ndarray, side: str, ankle: np.ndarray, pitch: np.ndarray) -> None:
    """Hip, knee and ankle for ankles (T, 2) relative to the hip joint."""
    thigh, shank = np.linalg.norm(_THIGH), np.linalg.norm(_SHANK)
    distance = np.clip(np.linalg.norm(ankle, axis=1), 0.35, _REACH)
    inner = np.arccos(np.clip((thigh**2 + shank**2 - distance**2) / (2 * thigh * shank), -1, 1))
    # angles from straight down, forward positive; the rest pose bends the knee a little, too
    knee = np.pi - inner + _from_down(_SHANK) - _from_down(_THIGH)
    forward = _from_down(ankle.T)
    thigh_ahead = np.arccos(np.clip((thigh**2 + distance**2 - shank**2) / (2 * thigh * distance), -1, 1))
    lift = forward + thigh_ahead - _from_down(_THIGH)
    lift, knee = np.degrees(lift), np.degrees(knee)
    angles[:, JOINT_INDEX[f'{side}_hip'] - 1, 0] = -lift
    angles[:, JOINT_INDEX[f'{side}_knee'] - 1, 0] = knee
    angles[:, JOINT_INDEX[f'{side}_ankle'] - 1, 0] = pitch + lift - knee


def _swing_arm(angles: np.ndarray, gait: Gait, side: str, phase: np.ndarray) -> None:
    """Each arm goes against the leg of its side; the elbow bends on the way forward."""
    sign = 1.0 if side == 'left' else -1.0
    mirror = np.array([1.0, sign, sign])
    bent = gait.elbow_deg > 45
    swing = -gait.arm_swing_deg * np.cos(phase) + (4 if not bent else -4)
    turn = about('x', -swing) * about('z', -75 + 8 * bent) * about('x', 6 - 30 * bent)
    angles[:, JOINT_INDEX[f'{side}_shoulder'] - 1] = angles_of_rotation('left_shoulder', turn) * mirror
    elbow = gait.elbow_deg + 0.5 * gait.arm_swing_deg * (1 - np.cos(phase)) / 2
    angles[:, JOINT_INDEX[f'{side}_elbow'] - 1, 1] = -elbow * sign
    angles[:, JOINT_INDEX[f'{side}_collar'] - 1, 2] = -6 * sign
    angles[:, JOINT_INDEX[f'{side}_hand'] - 1, 2] = -(14 + 14 * bent) * sign
