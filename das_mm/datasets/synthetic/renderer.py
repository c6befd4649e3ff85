"""Draws a scene by rays: colours, depth and owner of every pixel.

Every pixel gets one ray through its centre; depth and masks are read there. Pixels on an edge get four more, so that
outlines are smooth. Light is one lamp with soft shadows, a bright and a dark half of the surroundings, and short
occlusion rays that darken corners and the ground under feet.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .lighting import Light, Sky, to_linear
from .surfaces import BACKGROUND, Surface
from .tracer import Hits, build_tracer
from .viewpoint import Viewpoint

NOTHING = -2  # owner of a pixel whose ray leaves the scene
_OFFSET_M = 0.006  # secondary rays start this far off the surface, not to hit the triangle they come from
_OCCLUSION_REACH_M = 0.7
_EDGE_SAMPLES = np.array([[-.125, -.375], [.375, -.125], [.125, .375], [-.375, .125]])  # rotated grid in the pixel
_MOST_EDGE_PIXELS = 0.25


@dataclass(frozen=True)
class Rendered:
    """What the camera sees.

    Attributes:
        radiance (H, W, 3) float32: Linear RGB, not exposed yet.
        depth_m (H, W) float32: z at the pixel centres, 0 where nothing is hit.
        owner (H, W) int16: Index of the person, ``BACKGROUND`` or ``NOTHING``.
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
        self.face_surface = np.repeat(np.arange(len(surfaces)), [len(s.faces) for s in surfaces]).astype(np.int32)
        self.tracer = build_tracer(self.vertices, self.faces)

    def interpolate(self, hits: Hits) -> tuple[np.ndarray, np.ndarray]:
        """Normals (N, 3) towards the viewer's side as modelled, and material coordinates (N, 3), at N real hits."""
        corners = self.faces[hits.face]
        second, third = hits.bary[:, :1], hits.bary[:, 1:]
        values = self.attributes[corners[:, 0]] * (1 - second - third)
        values += self.attributes[corners[:, 1]] * second
        values += self.attributes[corners[:, 2]] * third
        return values[:, :3], values[:, 3:]


@dataclass
class _Points:
    """N points that pixels see: place and unit normal in the camera frame, colour in linear light."""
    place: np.ndarray
    normal: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray
    glow: np.ndarray


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.sqrt(np.einsum('nc,nc->n', vectors, vectors))[:, None], 1e-9)


def _look(scene: _Scene, hits: Hits, rays: np.ndarray) -> _Points:
    """Material and geometry at N real hits of (N, 3) rays with z = 1."""
    place = rays * hits.t[:, None]
    normal, coords = scene.interpolate(hits)
    # a ray that meets the back of an open sheet sees it from behind
    away = np.einsum('nc,nc->n', normal, rays) > 0
    normal = _unit(np.where(away[:, None], -normal, normal))
    slant = np.maximum(-np.einsum('nc,nc->n', normal, _unit(rays)), .15)
    footprint = hits.t / np.float32(scene.view.K[0, 0]) / np.sqrt(slant)
    surface = scene.face_surface[hits.face]
    albedo = np.empty_like(place)
    gloss, glow = np.empty(len(place), np.float32), np.empty(len(place), np.float32)
    order = np.argsort(surface, kind='stable')
    for rows in np.split(order, np.flatnonzero(np.diff(surface[order])) + 1):
        material = scene.materials[surface[rows[0]]]
        albedo[rows] = to_linear(material.colour(coords[rows], footprint[rows]))
        gloss[rows], glow[rows] = material.gloss, material.glow
        bump = material.bump(coords[rows], footprint[rows])
        if bump is not None:
            normal[rows] = _unit(normal[rows] + bump)
    return _Points(place, normal, albedo, gloss, glow)


def _lamp(scene: _Scene, light: Light) -> np.ndarray:
    return scene.view.to_camera(light.position).astype(np.float32)


def _shadow(scene: _Scene, points: _Points, light: Light, rng: np.random.Generator) -> np.ndarray:
    """(N,) float32: 1 where the lamp is seen, 0 in shadow; a random place on the lamp for each point."""
    lamp = _lamp(scene, light)
    spread = light.softness * np.linalg.norm(lamp - points.place.mean(0))
    towards = lamp + np.float32(spread) * rng.standard_normal(points.place.shape, np.float32) - points.place
    lit = np.einsum('nc,nc->n', points.normal, towards) > 0
    start = points.place[lit] + _OFFSET_M * points.normal[lit]
    out = np.zeros(len(lit), np.float32)
    out[lit] = ~scene.tracer.blocked(start, towards[lit], np.ones(len(start), np.float32))
    return out


def _openness(scene: _Scene, points: _Points, rng: np.random.Generator) -> np.ndarray:
    """(N,) float32: share of short rays (two a point) that leave the surface freely."""
    start = points.place + _OFFSET_M * points.normal
    free = np.zeros(len(start), np.float32)
    for _ in range(2):
        around = _unit(rng.standard_normal(start.shape, np.float32))
        directions = points.normal + np.float32(.95) * around  # cosine-distributed about the normal
        reach = np.full(len(start), _OCCLUSION_REACH_M, np.float32)
        free += .5 * ~scene.tracer.blocked(start, directions, reach)
    return free


def _smooth_like(values: np.ndarray, depth: np.ndarray, radius: int) -> np.ndarray:
    """Mean of (H, W) values over a (2r+1)² window, of neighbours at a similar depth only."""
    inverse = 1 / np.maximum(depth, .05)
    total, weight = np.zeros_like(values), np.full_like(values, 1e-6)
    height, width = values.shape
    padded = cv2.copyMakeBorder(np.dstack([values, inverse]), radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    for dy in range(2 * radius + 1):
        for dx in range(2 * radius + 1):
            other = padded[dy:dy + height, dx:dx + width]
            near = (np.abs(other[..., 1] - inverse) < .04 * inverse).astype(np.float32)
            total += near * other[..., 0]
            weight += near
    return total / weight


def _shade(scene: _Scene, points: _Points, light: Light, shadow: np.ndarray, openness: np.ndarray) -> np.ndarray:
    """(N, 3) linear radiance."""
    towards = _unit(_lamp(scene, light) - points.place)
    facing = np.maximum(np.einsum('nc,nc->n', points.normal, towards), 0) * shadow
    up = points.normal @ scene.view.rotation[:, 1].astype(np.float32)
    around = light.below + (.5 + .5 * up)[:, None] * (light.above - light.below)
    out = points.albedo * (facing[:, None] * light.colour + around * openness[:, None] + points.glow[:, None])
    shiny = np.flatnonzero(points.gloss * facing > 0)
    if len(shiny):
        half = _unit(towards[shiny] - _unit(points.place[shiny]))
        highlight = np.maximum(np.einsum('nc,nc->n', half, points.normal[shiny]), 0)**24
        out[shiny] += (points.gloss[shiny] * highlight * shadow[shiny])[:, None] * light.colour
    return out.astype(np.float32)


def _sky(view: Viewpoint, sky: Sky, rays: np.ndarray) -> np.ndarray:
    return to_linear(sky.colour(rays @ view.rotation.astype(np.float32)))


def _edges(hits: Hits, points_normal: np.ndarray, surface: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Indices of pixels beside a change of surface, a jump in depth or a fold."""
    inverse = np.where(depth > 0, 1 / np.maximum(depth, 1e-3), 0).astype(np.float32)
    normal = points_normal.reshape(*depth.shape, 3)
    edge = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        near = [slice(None)] * 2
        far = [slice(None)] * 2
        near[axis], far[axis] = slice(0, -1), slice(1, None)
        near, far = tuple(near), tuple(far)
        jump = np.abs(inverse[near] - inverse[far]) > .03 * np.maximum(inverse[near], inverse[far])
        fold = np.einsum('hwc,hwc->hw', normal[near], normal[far]) < .6
        change = (surface[near] != surface[far]) | jump | fold
        edge[near] |= change
        edge[far] |= change
    found = np.flatnonzero(edge)
    most = int(_MOST_EDGE_PIXELS * edge.size)
    return found if len(found) <= most else found[:: -(-len(found) // most)]


def render(surfaces: list[Surface], view: Viewpoint, light: Light, sky: Sky, rng: np.random.Generator) -> Rendered:
    """Draw the scene.

    Args:
        surfaces: Everything in it, world frame.
        view: The camera.
        light, sky: Light and what lies behind everything.
        rng: For the places on the lamp and the occlusion rays.
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
    shadow = np.ones(height * width, np.float32)
    shadow[hit] = _shadow(scene, points, light, rng)
    shadow = _smooth_like(shadow.reshape(height, width), depth, 1).ravel()
    openness = _half_size_openness(scene, points, hit, depth, rng)
    radiance[hit] = _shade(scene, points, light, shadow[hit], openness[hit])

    surface = np.where(hits.face >= 0, scene.face_surface[hits.face], NOTHING).reshape(height, width)
    normals = np.zeros_like(rays)
    normals[hit] = points.normal
    edge = _edges(hits, normals, surface, depth)
    radiance[edge] = _supersampled(scene, grid[edge], light, sky, shadow[edge], openness[edge], rng)
    owner = np.where(surface == NOTHING, NOTHING, scene.owners[surface]).astype(np.int16)
    return Rendered(radiance.reshape(height, width, 3), depth, owner)


def _half_size_openness(scene: _Scene, points: _Points, hit: np.ndarray, depth: np.ndarray,
                        rng: np.random.Generator) -> np.ndarray:
    """(H·W,) openness, traced at every second pixel both ways and smoothed."""
    height, width = depth.shape
    small = np.ones(depth.shape, np.float32)
    keep = np.flatnonzero((hit // width % 2 == 0) & (hit % width % 2 == 0))
    chosen = _Points(*(value[keep] for value in vars(points).values()))
    small.ravel()[hit[keep]] = _openness(scene, chosen, rng)
    smooth = _smooth_like(np.ascontiguousarray(small[::2, ::2]), depth[::2, ::2], 3)
    return cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR).ravel()


def _supersampled(scene: _Scene, pixel: np.ndarray, light: Light, sky: Sky, shadow: np.ndarray, openness: np.ndarray,
                  rng: np.random.Generator) -> np.ndarray:
    """(N, 3) radiance of N pixels as the mean of four rays each; their shadows are traced, openness is the centre's."""
    count = len(_EDGE_SAMPLES)
    rays = scene.view.rays((pixel[:, None] + _EDGE_SAMPLES).reshape(-1, 2))
    hits = scene.tracer.first_hits(np.zeros_like(rays), rays)
    hit, missed = np.flatnonzero(hits.face >= 0), np.flatnonzero(hits.face < 0)
    out = np.empty_like(rays)
    out[missed] = _sky(scene.view, sky, rays[missed])
    points = _look(scene, Hits(hits.face[hit], hits.t[hit], hits.bary[hit]), rays[hit])
    out[hit] = _shade(scene, points, light, _shadow(scene, points, light, rng), np.repeat(openness, count)[hit])
    # highlights are clipped before the mean: one very bright ray would give the outline steps again
    return np.minimum(out, 4).reshape(-1, count, 3).mean(1)
