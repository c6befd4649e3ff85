"""Frames of a clip and their times: the rate, and motions at a steady one, for formats that know no other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .clip_motion import ClipMotion, PersonMotion

_USUAL_RATES = (10, 12, 15, 20, 24000 / 1001, 24, 25, 30000 / 1001, 30, 48, 50, 60000 / 1001, 60, 120)
#: of what does not say, and of an image, which formats want one of too
STILL_RATE = 25.0
_SAME_RATE = 2e-4  # relative; 24 and 23.976 differ by five times that
_NEAR = 0.5 + 1e-6  # of a frame: what is observed there
_STEADY = 0.25  # of a frame: how far a frame may lie from its place


def frame_rate(frames: np.ndarray, times_s: np.ndarray) -> tuple[float, bool]:
    """Frames a second and whether every frame lies where that puts it.

    Args:
        frames: (F,) growing numbers. times_s: (F,).
    """
    if len(frames) < 2 or times_s[-1] <= times_s[0]:
        return STILL_RATE, True
    steps = np.diff(times_s) / np.diff(frames)
    mean = (frames[-1] - frames[0]) / (times_s[-1] - times_s[0])
    usual = 1 / np.median(steps) if np.median(steps) > 0 else mean
    for rate in (mean, usual):
        named = min(_USUAL_RATES, key=lambda one: abs(one / rate - 1))
        rate = named if abs(named / rate - 1) < _SAME_RATE else rate
        places = times_s[0] + (frames - frames[0]) / rate
        if np.abs(places - times_s).max() < _STEADY / rate:
            return float(rate), True
    return float(usual), False


@dataclass(frozen=True, eq=False)
class SteadyMotion:
    """A person from the first to the last frame with a body, at a steady rate.

    Attributes:
        frames: (T,) numbers of the video's frames; of a video of varying rate, numbers at the steady one.
        axis_angle: (T, 24, 3) and pelvis_m: (T, 3) as of :class:`.PersonMotion`.
        observed: (T,) there is a body in the clip there; elsewhere it is put in between its neighbours.
    """

    frames: np.ndarray
    axis_angle: np.ndarray
    pelvis_m: np.ndarray
    observed: np.ndarray


def steady_motion(clip: ClipMotion, person: PersonMotion) -> SteadyMotion:
    """Rotations along the shortest arc and places along a line, where there is a gap."""
    from scipy.spatial.transform import Rotation, Slerp  # half a second, for those who export

    fps = clip.fps or STILL_RATE
    known = person.frames.astype(np.float64) if clip.has_steady_rate else person.times_s * fps
    wanted = np.arange(round(known[0]), round(known[-1]) + 1)
    if len(known) == 1:
        return SteadyMotion(wanted, person.axis_angle, person.pelvis_m, np.ones(1, bool))
    within = wanted.clip(known[0], known[-1])
    turned = [Slerp(known, Rotation.from_rotvec(person.axis_angle[:, row]))(within).as_rotvec() for row in range(24)]
    places = np.stack([np.interp(within, known, person.pelvis_m[:, axis]) for axis in range(3)], axis=-1)
    after = np.searchsorted(known, wanted).clip(1, len(known) - 1)
    observed = np.minimum(np.abs(known[after] - wanted), np.abs(known[after - 1] - wanted)) <= _NEAR
    return SteadyMotion(wanted, np.stack(turned, axis=1), places, observed)
