"""Draws a scene by rays: colours, depth and owner of every pixel.

Every pixel gets one ray through its centre; depth and masks are read there. Pixels on an edge get four more: smooth
outlines. Light is a lamp with soft shadows, two halves of surroundings, and short rays of occlusion (corners, feet).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from das_mm.rendering.ray_tracer import Hits, build_tracer

from .lighting import Light, Sky, to_linear
from .surfaces import Surface
from .viewpoint import Viewpoint

NOTHING = -2  # owner of a pixel whose ray leaves the scene
_OFFSET_M = 0.006  # secondary rays start this far off the surface, not to hit the triangle they come from
_OCCLUSION_REACH_M = 0.7
# rotated grid in the pixel
_EDGE_SAMPLES = np.array([[-0.125, -0.375], [0.375, -0.125], [0.125, 0.375], [-0.375, 0.125]])
_MOST_EDGE_PIXELS = 0.12
_SPREAD = 40503  # golden ratio of 2^16: its multiples lie evenly in 0 … 2^16 - 1
_BEND = 0.02  # of the inverse depth from pixel to pixel
_SOFT = 0.025  # lamps wider than this, over their distance, cast shadows without sharp rims


def _sunflower(count: int) -> np.ndarray:
    """(count, 2) points spread evenly over the unit disc."""
    n = np.arange(count) + 0.5
    return np.stack([np.sqrt(n / count) * np.cos(2.39996 * n), np.sqrt(n / count) * np.sin(2.39996 * n)], 1)


def _fibonacci_sphere(count: int) -> np.ndarray:
    """(count, 3) directions spread evenly, in an order that mixes them."""
    n = np.arange(count) + 0.5
    z = 1 - 2 * n / count
    ring = np.sqrt(1 - z * z)
    return np.stack([ring * np.cos(2.39996 * n), ring * np.sin(2.39996 * n), z], 1)[np.arange(count) * 7 % count]


# Neighbouring pixels trace different rays out of a fixed set, and a window that covers the set once smooths them: soft
# shadows and dark corners without grain, for one ray a pixel.
_DISC = _sunflower(9)  # 3x3 pixels
_SPHERE = (0.95 * _fibonacci_sphere(25)).astype(np.float32)  # 5x5 pixels


@dataclass(frozen=True)
class Rendered:
    """What the camera sees.

    Attributes:
        radiance (H, W, 3) float32: Linear RGB, not exposed yet.
        depth_m (H, W) float32: z at the pixel centres, 0 where nothing is hit.
        owner (H, W) int16: Index of the person, ``surfaces.BACKGROUND`` or ``NOTHING``.
    """

    radiance: np.ndarray
    depth_m: np.ndarray
    owner: np.ndarray


class _Scene:
    """All surfaces of a scene as one mesh in the camera frame, with what shading needs per vertex."""

    def __init__(self, surfaces: list[Surface], view: Viewpoint):
        self.view = view
        self.materials = [s.material for s in surfaces]
        self.owners = np.array([s.owner for s in surfaces], np.int16)
        counts = np.cumsum([0] + [len(s.vertices) for s in surfaces])
        self.vertices = np.concatenate([view.to_camera(s.vertices) for s in surfaces]).astype(np.float32)
        normals = np.concatenate([s.normals for s in surfaces]) @ view.rotation.T
        coords = np.concatenate([s.coords for s in surfaces])
        self.attributes = np.concatenate([normals, coords], axis=1).astype(np.float32)  # (V, 6)
        self.faces = np.concatenate([s.faces + start for s, start in zip(surfaces, counts)]).astype(np.int32)
        self.face_surface = np.repeat(np.arange(len(surfaces)), [len(s.faces) for s in surfaces]).astype(np.int16)
        self.tracer = build_tracer(self.vertices, self.faces)

    def interpolate(self, hits: Hits) -> tuple[np.ndarray, np.ndarray]:
        """Normals (N, 3) towards the viewer's side as modelled, and material coordinates (N, 3), at N real hits."""
        corners = np.take(self.faces, hits.face, axis=0, mode='clip')  # 'clip' skips the check of bounds
        second, third = hits.bary[:, :1], hits.bary[:, 1:]
        values = np.take(self.attributes, corners[:, 0], axis=0, mode='clip')
        values *= 1 - second - third
        for corner, weight in ((1, second), (2, third)):
            part = np.take(self.attributes, corners[:, corner], axis=0, mode='clip')
            part *= weight
            values += part
        return values[:, :3], values[:, 3:]


@dataclass
class _Points:
    """N points that pixels see: place and unit normal in the camera frame, colour in linear light."""

    place: np.ndarray
    normal: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray
    glow: np.ndarray


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N,) row by row; by columns, which numpy does three times faster than along rows of three."""
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.sqrt(_dot(vectors, vectors)), 1e-9)[:, None]


def _look(scene: _Scene, hits: Hits, rays: np.ndarray) -> _Points:
    """Material and geometry at N real hits of (N, 3) rays with z = 1."""
    place = rays * hits.t[:, None]
    normal, coords = scene.interpolate(hits)
    length = np.sqrt(_dot(normal, normal))
    along = _dot(normal, rays)
    # a ray that meets the back of an open sheet sees it from behind
    normal /= np.copysign(np.maximum(length, np.float32(1e-6)), -along)[:, None]
    slant = np.abs(along) / (length * np.sqrt(_dot(rays, rays)) + np.float32(1e-9))
    footprint = hits.t / np.float32(scene.view.K[0, 0]) / np.sqrt(np.maximum(slant, np.float32(0.15)))
    surface = scene.face_surface[hits.face]
    albedo = np.empty_like(place)
    gloss, glow = np.empty(len(place), np.float32), np.empty(len(place), np.float32)
    order = np.argsort(surface, kind='stable')  # of 16-bit numbers: a radix sort
    for rows in np.split(order, np.flatnonzero(np.diff(surface[order])) + 1) if len(order) else ():
        material = scene.materials[surface[rows[0]]]
        albedo[rows] = to_linear(material.colour(coords[rows], footprint[rows]))
        gloss[rows], glow[rows] = material.gloss, material.glow
        bump = material.bump(coords[rows], footprint[rows])
        if bump is not None:
            normal[rows] = _unit(normal[rows] + bump)
    return _Points(place, normal, albedo, gloss, glow)


def _lamp(scene: _Scene, light: Light) -> np.ndarray:
    return scene.view.to_camera(light.position).astype(np.float32)


def _shadow(scene: _Scene, light: Light, points: _Points, turn: np.ndarray) -> np.ndarray:
    """(N,) float32: 1 where the lamp is seen, 0 in shadow; point n looks at place ``turn[n]`` of nine on the lamp."""
    lamp = _lamp(scene, light)
    spread = light.softness * np.linalg.norm(lamp - points.place.mean(0)) if len(points.place) else 0.0
    # lamps are level discs: under a ceiling, a ball would reach through it
    places = (lamp + spread * _DISC @ scene.view.rotation[:, [0, 2]].T).astype(np.float32)
    towards = places[turn] - points.place
    lit = np.flatnonzero(_dot(points.normal, towards) > 0)
    start = points.place[lit] + _OFFSET_M * points.normal[lit]
    out = np.zeros(len(towards), np.float32)
    out[lit] = ~scene.tracer.blocked(start, towards[lit], np.ones(len(start), np.float32))
    return out


def _openness(scene: _Scene, points: _Points, turn: np.ndarray) -> np.ndarray:
    """(N,) float32: 1 where a short ray leaves the surface freely, else 0; ``turn`` (0…24) chooses its direction."""
    start = points.place + _OFFSET_M * points.normal
    reach = np.full(len(start), _OCCLUSION_REACH_M, np.float32)
    directions = points.normal + _SPHERE[turn]  # cosine-distributed about the normal
    return (~scene.tracer.blocked(start, directions, reach)).astype(np.float32)


def _smooth_like(values: np.ndarray, depth: np.ndarray, radius: int) -> np.ndarray:
    """Mean of (H, W) values over a (2r+1)² window, of neighbours at a similar depth only."""
    inverse = 1 / np.maximum(depth, np.float32(0.05))
    limit = np.float32(0.04) * inverse
    height, width = values.shape
    around = [cv2.copyMakeBorder(a, radius, radius, radius, radius, cv2.BORDER_REPLICATE) for a in (values, inverse)]
    total, weight = np.zeros_like(values), np.full_like(values, 1e-6)
    for dy in range(2 * radius + 1):
        for dx in range(2 * radius + 1):
            value, other = (a[dy : dy + height, dx : dx + width] for a in around)
            near = (np.abs(other - inverse) < limit).astype(np.float32)
            total += near * value
            weight += near
    return total / weight


def _shade(
    scene: _Scene, points: _Points, light: Light, sky: Sky, shadow: np.ndarray, openness: np.ndarray
) -> np.ndarray:
    """(N, 3) linear radiance."""
    towards = _unit(_lamp(scene, light) - points.place)
    facing = np.maximum(_dot(points.normal, towards), 0) * shadow
    up = 0.5 + 0.5 * (points.normal @ scene.view.rotation[:, 1].astype(np.float32))
    amounts = np.stack([facing, openness * up, openness * (1 - up), points.glow], 1)
    out = points.albedo * (amounts @ np.stack([light.colour, light.above, light.below, np.ones(3, np.float32)]))
    shiny = np.flatnonzero(points.gloss * facing > 0)
    if len(shiny):
        half = _unit(towards[shiny] - _unit(points.place[shiny]))
        highlight = np.maximum(_dot(half, points.normal[shiny]), 0) ** 24
        out[shiny] += (points.gloss[shiny] * highlight * shadow[shiny])[:, None] * light.colour
    if sky.haze_m:
        clear = np.float32(0.05 * sky.haze_m)  # near things keep their colours, and need no computing
        far = np.flatnonzero(points.place[:, 2] > clear)
        kept = np.exp((clear - points.place[far, 2]) / np.float32(sky.haze_m))[:, None]
        out[far] = kept * out[far] + (1 - kept) * to_linear(sky.horizon)
    return out.astype(np.float32, copy=False)


def _sky(view: Viewpoint, sky: Sky, rays: np.ndarray) -> np.ndarray:
    return to_linear(sky.colour(rays @ view.rotation.astype(np.float32)))


def _edges(surface: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Indices of pixels at a change of surface or a bend of depth; (H, W) surface numbers and depth (0 = nothing)."""
    inverse = 1 / np.maximum(depth, np.float32(0.05))  # linear over a plane, so that only bends and jumps show
    edge = np.zeros(depth.shape, bool)
    edge[:-1] |= surface[:-1] != surface[1:]
    edge[1:] |= surface[:-1] != surface[1:]
    edge[:, :-1] |= surface[:, :-1] != surface[:, 1:]
    edge[:, 1:] |= surface[:, :-1] != surface[:, 1:]
    edge[1:-1] |= np.abs(inverse[2:] + inverse[:-2] - 2 * inverse[1:-1]) > _BEND * inverse[1:-1]
    edge[:, 1:-1] |= np.abs(inverse[:, 2:] + inverse[:, :-2] - 2 * inverse[:, 1:-1]) > _BEND * inverse[:, 1:-1]
    found = np.flatnonzero(edge)
    step = -(-len(found) // max(1, int(_MOST_EDGE_PIXELS * edge.size)))
    # of too many, those that their place chooses: an edge that rounding adds or takes away moves no other
    return found if step <= 1 else found[found * _SPREAD % 2**16 < 2**16 // step]


def render(surfaces: list[Surface], view: Viewpoint, light: Light, sky: Sky) -> Rendered:
    """Draw the scene.

    Args:
        surfaces: Everything in it, world frame.
        view: The camera.
        light, sky: Light and what lies behind everything.
    """
    scene = _Scene(surfaces, view)
    height, width = view.height, view.width
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2)
    rays = view.rays(grid)
    hits = scene.tracer.first_hits(np.zeros_like(rays), rays)
    hit = np.flatnonzero(hits.face >= 0)
    radiance = np.empty_like(rays)
    missed = np.flatnonzero(hits.face < 0)
    radiance[missed] = _sky(view, sky, rays[missed])

    points = _look(scene, Hits(hits.face[hit], hits.t[hit], hits.bary[hit]), rays[hit])
    depth = np.where(hits.face >= 0, hits.t, 0).reshape(height, width)
    # soft shadows have no detail that every second pixel would miss
    shadow = _over_image(partial(_shadow, scene, light), points, hit, depth, 3, 2 if light.softness > _SOFT else 1)
    openness = _over_image(partial(_openness, scene), points, hit, depth, 5, 2)
    radiance[hit] = _shade(scene, points, light, sky, shadow[hit], openness[hit])

    surface = np.where(hits.face >= 0, scene.face_surface[hits.face], NOTHING).reshape(height, width)
    edge = _edges(surface, depth)
    radiance[edge] = _supersampled(scene, grid[edge], light, sky, shadow[edge], openness[edge])
    owner = np.where(surface == NOTHING, NOTHING, scene.owners[np.maximum(surface, 0)]).astype(np.int16)
    return Rendered(radiance.reshape(height, width, 3), depth, owner)


def _over_image(
    sample: Callable[[_Points, np.ndarray], np.ndarray],
    points: _Points,
    hit: np.ndarray,
    depth: np.ndarray,
    cells: int,
    step: int,
) -> np.ndarray:
    """(H·W,) a quantity that is sampled with ray number (x % cells, y % cells) at pixel (x, y), and smoothed.

    Args:
        sample: Gives it at some points, from their ray numbers (N,) in 0 … cells² - 1.
        points, hit: What pixels see, and the (N,) numbers of these pixels.
        depth (H, W): 0 = nothing.
        cells: Rays out of a window of cells x cells pixels make one mean.
        step: 2 samples every second pixel both ways only.
    """
    height, width = depth.shape
    row, column = np.divmod(hit, width)
    out = np.ones(depth.shape, np.float32)
    if step > 1:
        keep = np.flatnonzero((row % step == 0) & (column % step == 0))
        points = _Points(*(value[keep] for value in vars(points).values()))
        hit, row, column = hit[keep], row[keep] // step, column[keep] // step
    out.ravel()[hit] = sample(points, column % cells + cells * (row % cells))
    values, depths = (np.ascontiguousarray(a[::step, ::step]) for a in (out, depth))
    smooth = _smooth_like(values, depths, cells // 2)
    return (smooth if step == 1 else cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR)).ravel()


def _supersampled(
    scene: _Scene, pixel: np.ndarray, light: Light, sky: Sky, shadow: np.ndarray, openness: np.ndarray
) -> np.ndarray:
    """(N, 3) radiance of N pixels as the mean of four rays each, with the shadow and openness of the pixel's centre."""
    count = len(_EDGE_SAMPLES)
    rays = scene.view.rays((pixel[:, None] + _EDGE_SAMPLES).reshape(-1, 2))
    hits = scene.tracer.first_hits(np.zeros_like(rays), rays)
    hit, missed = np.flatnonzero(hits.face >= 0), np.flatnonzero(hits.face < 0)
    out = np.empty_like(rays)
    out[missed] = _sky(scene.view, sky, rays[missed])
    points = _look(scene, Hits(hits.face[hit], hits.t[hit], hits.bary[hit]), rays[hit])
    out[hit] = _shade(scene, points, light, sky, np.repeat(shadow, count)[hit], np.repeat(openness, count)[hit])
    # highlights are clipped before the mean: one very bright ray would give the outline steps again
    return np.minimum(out, 4).reshape(-1, count, 3).mean(1)
