"""Triangle surfaces of a scene and the simple shapes they are made of.

World frame of a scene: y up, the ground at y = 0, metres. Texture coordinates are metres along the surface.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .materials import Material

BACKGROUND = -1  # owner of everything that is no person


@dataclass(frozen=True)
class Surface:
    """One mesh with one material.

    Attributes:
        vertices (V, 3) m, normals (V, 3) unit, faces (F, 3) int.
        coords (V, 3): what the material reads, interpolated over the triangle: (u, v, 0) in metres for tiles, the
            place in the rest pose for people.
        material: Gives a pixel its colour.
        owner: Index of the person that it belongs to, or ``BACKGROUND``.
    """

    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    coords: np.ndarray
    material: Material
    owner: int = BACKGROUND

    def transformed(self, rotation: np.ndarray, translation: np.ndarray) -> Surface:
        """The same surface at ``rotation @ x + translation``."""
        return replace(self, vertices=self.vertices @ rotation.T + translation, normals=self.normals @ rotation.T)


def yaw_matrix(yaw: float) -> np.ndarray:
    """(3, 3) rotation about the vertical y axis; yaw 0 keeps z, positive yaw turns z towards x."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _surface(vertices, normals, faces, uv, material, owner) -> Surface:
    coords = np.concatenate([uv, np.zeros((len(uv), 1))], axis=1)
    return Surface(
        np.asarray(vertices, np.float64),
        np.asarray(normals, np.float64),
        np.asarray(faces, np.int64),
        coords,
        material,
        owner,
    )


def quad(corner, side_u, side_v, material: Material, owner: int = BACKGROUND) -> Surface:
    """The parallelogram corner + a·side_u + b·side_v; seen from both sides, lit from ``cross(side_u, side_v)``."""
    corner, side_u, side_v = (np.asarray(a, np.float64) for a in (corner, side_u, side_v))
    normal = np.cross(side_u, side_v)
    lengths = np.linalg.norm(side_u), np.linalg.norm(side_v)
    steps = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
    return _surface(
        corner + steps[:, :1] * side_u + steps[:, 1:] * side_v,
        np.tile(normal / np.linalg.norm(normal), (4, 1)),
        [[0, 1, 2], [0, 2, 3]],
        steps * lengths,
        material,
        owner,
    )


def merge(parts: list[Surface]) -> Surface:
    """Several surfaces of one material and owner as one."""
    offsets = np.cumsum([0] + [len(p.vertices) for p in parts[:-1]])
    return Surface(
        np.concatenate([p.vertices for p in parts]),
        np.concatenate([p.normals for p in parts]),
        np.concatenate([p.faces + o for p, o in zip(parts, offsets)]),
        np.concatenate([p.coords for p in parts]),
        parts[0].material,
        parts[0].owner,
    )


def _unit_box() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Corners (24, 3) of a cube of side 1 about 0, normals, faces, and the axes (24,) along which textures run."""
    corners, normals, axes = [], [], []
    for axis in range(3):
        u, v = [(2, 1), (0, 2), (0, 1)][axis]  # horizontal first, so that textures stand upright on vertical sides
        for sign in (-1, 1):
            side = np.zeros((4, 3))
            side[:, axis], side[:, u], side[:, v] = 0.5 * sign, [-0.5, 0.5, 0.5, -0.5], [-0.5, -0.5, 0.5, 0.5]
            corners.append(side)
            normals.append(np.tile(np.eye(3)[axis] * sign, (4, 1)))
            axes.append(np.tile([u, v], (4, 1)))
    faces = (4 * np.arange(6)[:, None, None] + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
    return np.concatenate(corners), np.concatenate(normals), faces, *np.concatenate(axes).T


_BOX = _unit_box()


def box(size, material: Material, centre=(0.0, 0.0, 0.0), owner: int = BACKGROUND) -> Surface:
    """Box of (x, y, z) ``size`` in metres about ``centre``."""
    corners, normals, faces, u, v = _BOX
    placed, rows = corners * size, np.arange(24)
    uv = np.stack([placed[rows, u], placed[rows, v]], 1)
    return _surface(placed + centre, normals, faces, uv, material, owner)


def cylinder(
    radius: float,
    height: float,
    material: Material,
    centre=(0.0, 0.0, 0.0),
    top_radius: float | None = None,
    segments: int = 20,
    owner: int = BACKGROUND,
) -> Surface:
    """Upright (truncated) cone about ``centre``, closed at both ends."""
    top_radius = radius if top_radius is None else top_radius
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    ring = np.stack([np.cos(angle), np.zeros_like(angle), np.sin(angle)], 1)
    up = np.array([0, height / 2, 0])
    slope = ring + [0, (radius - top_radius) / max(height, 1e-6), 0]
    slope /= np.linalg.norm(slope, axis=1, keepdims=True)
    i = np.arange(segments)
    n = segments + 1
    wall = _surface(
        np.concatenate([ring * radius - up, ring * top_radius + up]),
        np.tile(slope, (2, 1)),
        np.concatenate([np.stack([i, i + 1, n + i], 1), np.stack([i + 1, n + i + 1, n + i], 1)]),
        np.concatenate([np.stack([angle * radius, np.zeros(n)], 1), np.stack([angle * radius, np.full(n, height)], 1)]),
        material,
        owner,
    )
    lids = [
        _surface(
            np.concatenate([ring * r + s * up, [s * up]]),
            np.tile([0, s, 0], (n + 1, 1)),
            np.stack([i, i + 1, np.full(segments, n)], 1),
            np.concatenate([ring[:, [0, 2]] * r, [[0, 0]]]),
            material,
            owner,
        )
        for r, s in ((radius, -1), (top_radius, 1))
        if r > 0
    ]
    out = merge([wall, *lids])
    return replace(out, vertices=out.vertices + np.asarray(centre))


def ellipsoid(radii, material: Material, centre=(0.0, 0.0, 0.0), rows: int = 12, owner: int = BACKGROUND) -> Surface:
    """Ellipsoid with half axes ``radii`` (x, y, z) m about ``centre``."""
    radii = np.asarray(radii, np.float64)
    columns = 2 * rows + 1
    polar, azimuth = np.meshgrid(np.linspace(0, np.pi, rows + 1), np.linspace(0, 2 * np.pi, columns), indexing='ij')
    ring = np.sin(polar)
    unit = np.stack([ring * np.cos(azimuth), np.cos(polar), ring * np.sin(azimuth)], -1).reshape(-1, 3)
    first = (np.arange(rows)[:, None] * columns + np.arange(2 * rows)).ravel()
    faces = np.concatenate(
        [
            np.stack([first, first + 1, first + columns], 1),
            np.stack([first + 1, first + columns + 1, first + columns], 1),
        ]
    )
    normals = unit / radii
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    uv = np.stack([azimuth.ravel() * radii[[0, 2]].mean(), polar.ravel() * radii[1]], 1)
    return _surface(unit * radii + np.asarray(centre), normals, faces, uv, material, owner)
