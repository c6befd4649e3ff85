"""The floor under feet that stood on it, and with it the direction of up: a robust plane through noisy points.

Depths are the weak side of monocular positions, and people differ in size: who is taken for 5 % farther than he is has
all his feet 5 % too far along their rays, that is on a floor 5 % lower but parallel. So every person has a height of
the floor of its own, near that of the others, and the tilt is read from how the heights of one person's feet change
with the place; where feet say little of that, the direction of the standing bodies does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_ROUNDS = 30
_LEAST_SD_MM = 30.0  # of the height of a foot: few may agree by chance
_SIZE_SD = 0.08  # of a person's depth, as a share
_TUKEY = 4.685  # standard deviations from which a foot counts nothing (Tukey's biweight at 95 % efficiency)
_MAD = 1.4826  # of a normal distribution: standard deviation over median absolute deviation


@dataclass(frozen=True)
class FootContacts:
    """Feet that stood still, N of them, and what bodies say of up. Camera frame.

    Attributes:
        points_mm: (N, 3), all at the same height over the floor.
        people: (N,) int, whose: 0 … P - 1.
        weights: (N,) positive, 1 for a foot that was seen well.
        up: (3,) unit vector, the mean direction of the standing bodies.
        up_sd_rad: How far that is to be trusted.
    """

    points_mm: np.ndarray
    people: np.ndarray
    weights: np.ndarray
    up: np.ndarray
    up_sd_rad: float


@dataclass(frozen=True)
class FloorFit:
    """The plane ``up · p = -height_mm`` through the contacts.

    Attributes:
        up: (3,) unit normal, upward.
        height_mm: Of the camera over the plane.
        residual_mm: Robust standard deviation of the contacts' heights, each person's own mean taken away as far as
            people differ in size.
        tilt_sd_deg: Standard error of ``up``.
        used: (N,) bool, those that are no outliers.
    """

    up: np.ndarray
    height_mm: float
    residual_mm: float
    tilt_sd_deg: float
    used: np.ndarray


def fit_floor(contacts: FootContacts) -> FloorFit:
    """Iteratively reweighted least squares (Tukey's biweight) with priors on up and on people's sizes.

    Args:
        contacts: At least one.
    """
    points, up = contacts.points_mm, contacts.up
    seen_sd_mm = sd_mm = _LEAST_SD_MM
    height = float(np.median(points @ up))
    residuals = points @ up - height
    share = np.ones(len(points))
    covariance = np.eye(3)
    for _ in range(_ROUNDS):
        seen_sd_mm = _MAD * float(np.median(np.abs(residuals)))
        sd_mm = max(_LEAST_SD_MM, seen_sd_mm)
        share = np.clip(1 - (residuals / (_TUKEY * sd_mm)) ** 2, 0, None) ** 2
        weights = contacts.weights * share
        right = np.cross(up, [0.0, 0.0, 1.0] if abs(up[2]) < 0.9 else [1.0, 0.0, 0.0])
        right /= np.linalg.norm(right)
        forward = np.cross(right, up)
        columns = np.stack([np.ones(len(points)), points @ right, points @ forward], axis=1)  # of height and slopes
        prior = np.array([0.0, -contacts.up @ right, -contacts.up @ forward]) / max(contacts.up @ up, 0.1)
        stiffness = np.diag([0.0, *2 * [(sd_mm / contacts.up_sd_rad) ** 2]])
        size_sd_mm = max(_SIZE_SD * abs(height), sd_mm)
        normal, rest = _without_people(columns, points @ up, weights, contacts.people, (sd_mm / size_sd_mm) ** 2)
        covariance = np.linalg.inv(normal + stiffness)
        solution = covariance @ (rest + stiffness @ prior)
        residuals = points @ up - columns @ solution
        residuals = residuals - _offsets(residuals, weights, contacts.people, (sd_mm / size_sd_mm) ** 2)
        turned = up - solution[1] * right - solution[2] * forward
        turned /= np.linalg.norm(turned)
        height, moved = float(solution[0] * (turned @ up)), float(np.linalg.norm(turned - up))
        up = turned
        if moved < 1e-7:
            break
    tilt_sd = sd_mm * math.sqrt(float(np.trace(covariance[1:, 1:])))
    return FloorFit(up, -height, seen_sd_mm, math.degrees(tilt_sd), share > 0)


def _without_people(
    columns: np.ndarray, heights: np.ndarray, weights: np.ndarray, people: np.ndarray, stiffness: float
) -> tuple[np.ndarray, np.ndarray]:
    """Normal equations (3, 3) and (3,) of the columns, from which the people's own offsets have been eliminated."""
    count = int(people.max()) + 1
    weighted = columns * weights[:, None]
    total = np.bincount(people, weights, count) + stiffness
    sums = np.stack([np.bincount(people, column, count) for column in weighted.T], axis=1)  # (P, 3)
    of_heights = np.bincount(people, weights * heights, count)
    normal = columns.T @ weighted - sums.T @ (sums / total[:, None])
    return normal, weighted.T @ heights - sums.T @ (of_heights / total)


def _offsets(residuals: np.ndarray, weights: np.ndarray, people: np.ndarray, stiffness: float) -> np.ndarray:
    """(N,) the offset of each one's person."""
    count = int(people.max()) + 1
    sums = np.bincount(people, weights * residuals, count)
    return (sums / (np.bincount(people, weights, count) + stiffness))[people]
