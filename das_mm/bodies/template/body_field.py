"""The surface of the generated body as an implicit function: tables of measures, smoothly joined.

Each limb is a *loft*: cross-sections (superellipses with a radius of their own in each of four directions) given at
stations along one axis and interpolated in between. Hands, ears and face are rounded cones and ellipsoids. All are
joined by a smooth minimum. Measures are those of a person of 1.70 m, taken from common anthropometric tables (breadths,
depths, girths) and rounded to what looked right; y is measured from the ground here. Only x >= 0, the left half, is
described.

Values are negative inside and near the surface roughly the distance in metres. Used when the template is made, never
when it is loaded.
"""

from __future__ import annotations

import numpy as np

from .field_primitives import Field, cone, ellipsoid, loft, smooth_max, smooth_min, union


def _section(station, centre1, centre2, half1, low2, high2):
    """Row of a loft whose sections are symmetric in direction 1."""
    return station, centre1, centre2, half1, half1, low2, high2


def _torso() -> Field:
    #               y        cx   cz     half   back   front
    trunk = loft(
        1,
        [
            _section(*row)
            for row in (
                (0.825, 0, -0.012, 0.060, 0.060, 0.055),
                (0.850, 0, -0.012, 0.118, 0.088, 0.082),
                (0.880, 0, -0.012, 0.150, 0.100, 0.098),
                (0.920, 0, -0.010, 0.163, 0.108, 0.108),
                (0.960, 0, -0.008, 0.162, 0.103, 0.110),
                (1.000, 0, -0.006, 0.153, 0.093, 0.112),
                (1.040, 0, -0.004, 0.142, 0.082, 0.112),
                (1.080, 0, -0.003, 0.135, 0.076, 0.108),
                (1.120, 0, -0.004, 0.135, 0.079, 0.105),
                (1.170, 0, -0.008, 0.142, 0.088, 0.107),
                (1.230, 0, -0.012, 0.151, 0.098, 0.115),
                (1.290, 0, -0.018, 0.158, 0.102, 0.116),
                (1.340, 0, -0.024, 0.158, 0.098, 0.102),
                (1.380, 0, -0.030, 0.146, 0.088, 0.080),
                (1.415, 0, -0.036, 0.112, 0.070, 0.057),
                (1.440, 0, -0.038, 0.072, 0.052, 0.050),
            )
        ],
        exponent=2.35,
        caps=(0.02, 0.02),
    )
    # off the midline: the slopes of the shoulders, breast, shoulder blade, buttock
    trapezius = union(
        cone((0.022, 1.462, -0.045), (0.150, 1.394, -0.035), 0.026, 0.036),
        cone((0.020, 1.428, -0.022), (0.150, 1.382, -0.012), 0.026, 0.032),
        width=0.03,
    )
    breast = ellipsoid((0.078, 1.285, 0.066), (0.064, 0.060, 0.040), (-12, 12, 0))
    blade = ellipsoid((0.080, 1.310, -0.089), (0.066, 0.100, 0.024), (0, 10, 8))
    buttock = ellipsoid((0.072, 0.890, -0.070), (0.072, 0.088, 0.060), (0, 8, 0))
    return union(union(trunk, trapezius, width=0.05), breast, blade, buttock, width=0.07)


def _leg() -> Field:
    #    y        cx     cz      inner  outer  back   front
    rows = (
        (0.940, 0.088, -0.008, 0.070, 0.078, 0.085, 0.075),
        (0.880, 0.090, -0.008, 0.080, 0.082, 0.088, 0.084),
        (0.820, 0.092, -0.006, 0.084, 0.083, 0.086, 0.087),
        (0.760, 0.094, -0.005, 0.081, 0.079, 0.082, 0.085),
        (0.680, 0.097, -0.003, 0.072, 0.071, 0.075, 0.079),
        (0.600, 0.099, -0.002, 0.063, 0.063, 0.067, 0.070),
        (0.540, 0.100, -0.002, 0.056, 0.056, 0.060, 0.062),
        (0.500, 0.100, -0.001, 0.054, 0.054, 0.056, 0.060),
        (0.470, 0.100, -0.001, 0.052, 0.053, 0.055, 0.060),
        (0.430, 0.100, -0.006, 0.049, 0.051, 0.058, 0.052),
        (0.390, 0.101, -0.010, 0.050, 0.053, 0.064, 0.048),
        (0.345, 0.101, -0.013, 0.051, 0.053, 0.067, 0.045),
        (0.290, 0.101, -0.016, 0.047, 0.048, 0.061, 0.043),
        (0.230, 0.101, -0.020, 0.040, 0.040, 0.050, 0.040),
        (0.170, 0.101, -0.024, 0.034, 0.034, 0.040, 0.037),
        (0.120, 0.101, -0.027, 0.031, 0.031, 0.037, 0.036),
        (0.080, 0.102, -0.029, 0.034, 0.034, 0.039, 0.041),
        (0.050, 0.103, -0.028, 0.032, 0.033, 0.040, 0.045),
    )
    limb = loft(1, rows, exponent=2.1, caps=(0.02, 0.08))
    foot_rows = []
    #    z              cx     inner  outer  height of the back of the foot
    for z, cx, inner, outer, height in (
        (-0.076, 0.103, 0.022, 0.022, 0.056),
        (-0.060, 0.103, 0.028, 0.028, 0.072),
        (-0.030, 0.103, 0.033, 0.033, 0.085),
        (0.000, 0.104, 0.033, 0.034, 0.088),
        (0.030, 0.106, 0.034, 0.036, 0.078),
        (0.060, 0.109, 0.038, 0.040, 0.062),
        (0.095, 0.112, 0.043, 0.045, 0.046),
        (0.125, 0.113, 0.043, 0.043, 0.035),
        (0.150, 0.113, 0.037, 0.034, 0.027),
        (0.162, 0.112, 0.028, 0.022, 0.022),
    ):
        foot_rows.append((z, cx, 0.018, inner, outer, 0.030, height - 0.018))
    foot = loft(2, foot_rows, exponent=2.5, caps=(0.018, 0.012))
    malleoli = union(
        ellipsoid((0.073, 0.085, -0.024), (0.009, 0.016, 0.014)),
        ellipsoid((0.133, 0.076, -0.032), (0.009, 0.016, 0.014)),
        width=0.01,
    )
    kneecap = ellipsoid((0.099, 0.487, 0.046), (0.026, 0.030, 0.018))
    shape = union(union(limb, foot, width=0.045), union(malleoli, kneecap, width=0.01), width=0.025)
    return lambda points: smooth_max(shape(points), -points[:, 1], 0.012)  # a flat sole on the ground


def _arm() -> Field:
    #    x       cy     cz      down   up     back   front
    rows = (
        (0.140, 1.378, -0.024, 0.046, 0.036, 0.050, 0.048),
        (0.180, 1.383, -0.025, 0.053, 0.046, 0.053, 0.053),
        (0.215, 1.385, -0.026, 0.054, 0.046, 0.053, 0.054),
        (0.255, 1.386, -0.027, 0.050, 0.044, 0.050, 0.051),
        (0.300, 1.384, -0.028, 0.046, 0.041, 0.047, 0.049),
        (0.345, 1.382, -0.029, 0.043, 0.039, 0.044, 0.046),
        (0.390, 1.380, -0.030, 0.038, 0.036, 0.041, 0.041),
        (0.425, 1.378, -0.030, 0.035, 0.035, 0.041, 0.039),
        (0.460, 1.377, -0.028, 0.037, 0.037, 0.042, 0.044),
        (0.500, 1.376, -0.026, 0.036, 0.036, 0.041, 0.043),
        (0.550, 1.374, -0.024, 0.032, 0.031, 0.037, 0.038),
        (0.600, 1.371, -0.022, 0.026, 0.026, 0.033, 0.033),
        (0.645, 1.369, -0.020, 0.021, 0.022, 0.029, 0.029),
        (0.675, 1.368, -0.020, 0.019, 0.021, 0.028, 0.028),
        (0.695, 1.367, -0.019, 0.018, 0.018, 0.029, 0.031),
    )
    return loft(0, rows, exponent=2.1, caps=(0.035, 0.035))


def _hand() -> Field:
    #    x       cy     cz      down   up     back   front
    rows = (
        (0.668, 1.368, -0.020, 0.018, 0.019, 0.026, 0.027),
        (0.690, 1.366, -0.019, 0.018, 0.016, 0.031, 0.034),
        (0.715, 1.365, -0.018, 0.018, 0.015, 0.036, 0.039),
        (0.740, 1.364, -0.017, 0.016, 0.014, 0.039, 0.041),
        (0.758, 1.363, -0.017, 0.013, 0.012, 0.040, 0.041),
    )
    palm = loft(0, rows, exponent=2.6, caps=(0.012, 0.012))
    fingers = []
    # base z, tip x, tip z, radius: index, middle, ring, little finger; spread, so that no two grow together half-way
    for base_z, tip_x, tip_z, radius in (
        (0.0150, 0.838, 0.033, 0.0090),
        (-0.0060, 0.851, 0.005, 0.0092),
        (-0.0270, 0.842, -0.024, 0.0088),
        (-0.0470, 0.818, -0.053, 0.0080),
    ):
        middle = (0.5 * (0.755 + tip_x), 1.362, 0.5 * (base_z + tip_z))
        fingers.append(
            union(
                cone((0.750, 1.363, base_z), middle, radius + 0.0005, radius),
                cone(middle, (tip_x - 0.006, 1.355, tip_z), radius, radius - 0.0016),
                width=0.004,
            )
        )
    thumb = union(
        cone((0.692, 1.360, 0.004), (0.730, 1.354, 0.042), 0.016, 0.0125),
        cone((0.730, 1.354, 0.042), (0.770, 1.350, 0.062), 0.0120, 0.0090),
        width=0.008,
    )
    return union(union(palm, union(*fingers, width=0.001), width=0.006), thumb, width=0.012)


def _head() -> Field:
    #    y        cx  cz     half   back   front
    skull = loft(
        1,
        [
            _section(*row)
            for row in (
                (1.490, 0, 0.020, 0.034, 0.035, 0.062),
                (1.505, 0, 0.018, 0.043, 0.046, 0.070),
                (1.522, 0, 0.014, 0.050, 0.062, 0.078),
                (1.545, 0, 0.010, 0.057, 0.080, 0.084),
                (1.570, 0, 0.008, 0.063, 0.092, 0.087),
                (1.595, 0, 0.006, 0.068, 0.099, 0.088),
                (1.620, 0, 0.004, 0.0715, 0.101, 0.091),
                (1.640, 0, 0.003, 0.0710, 0.0985, 0.0900),
            )
        ],
        exponent=2.05,
        caps=(0.004, 0.061),
    )
    chin = ellipsoid((0.0, 1.493, 0.074), (0.024, 0.016, 0.020))
    jaw = cone((0.044, 1.530, 0.014), (0.020, 1.497, 0.066), 0.012, 0.012)
    neck = union(
        cone((0.0, 1.400, -0.040), (0.0, 1.550, -0.016), 0.050, 0.047),
        cone((0.010, 1.425, -0.004), (0.034, 1.530, -0.016), 0.030, 0.020),
        width=0.03,
    )
    brow = cone((0.012, 1.609, 0.084), (0.042, 1.610, 0.067), 0.0085, 0.0080)
    cheek = ellipsoid((0.036, 1.560, 0.060), (0.022, 0.026, 0.018))
    base = union(union(skull, jaw, chin, width=0.025), union(brow, cheek, width=0.012), width=0.022)
    socket = ellipsoid((0.032, 1.591, 0.101), (0.0165, 0.0095, 0.018))
    eye = ellipsoid((0.031, 1.590, 0.0755), (0.0120, 0.0105, 0.0125))
    nose = union(
        cone((0.0, 1.600, 0.086), (0.0, 1.560, 0.104), 0.0070, 0.0100),
        ellipsoid((0.009, 1.556, 0.095), (0.0080, 0.0075, 0.012)),
        width=0.012,
    )
    mouth = ellipsoid((0.0, 1.527, 0.079), (0.024, 0.017, 0.017))  # the teeth behind the lips
    lips = union(
        cone((0.0, 1.5305, 0.0945), (0.021, 1.5275, 0.083), 0.0060, 0.0035),
        cone((0.0, 1.5210, 0.0935), (0.018, 1.5240, 0.083), 0.0065, 0.0035),
        width=0.003,
    )
    ear = union(
        ellipsoid((0.0720, 1.580, -0.010), (0.0065, 0.028, 0.016), (-12, 20, 4)),
        ellipsoid((0.0640, 1.563, -0.001), (0.0085, 0.014, 0.011)),
        width=0.006,
    )

    def field(points: np.ndarray) -> np.ndarray:
        face = smooth_max(smooth_min(base(points), mouth(points), 0.022), -socket(points), 0.016)
        face = smooth_min(face, eye(points), 0.005)
        face = smooth_min(face, nose(points), 0.014)
        face = smooth_min(face, lips(points), 0.006)
        face = smooth_min(face, neck(points), 0.025)
        return smooth_min(face, ear(points), 0.006)

    return field


def left_half_field() -> Field:
    """The left half of the body, ground frame (y from the ground). Meaningful for x >= 0."""
    torso, leg, arm, hand, head = _torso(), _leg(), _arm(), _hand(), _head()

    def field(points: np.ndarray) -> np.ndarray:
        # rounding |x| keeps parts that cross the midline from meeting their mirror image in a crease
        rounded = points.copy()
        rounded[:, 0] = np.sqrt(points[:, 0] ** 2 + 0.006**2) - 0.006
        upper = smooth_min(torso(rounded), head(points), 0.035)
        upper = smooth_min(upper, smooth_min(arm(points), hand(points), 0.012), 0.045)
        return smooth_min(upper, leg(points), 0.035)

    return field
