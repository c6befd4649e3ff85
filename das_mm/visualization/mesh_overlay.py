"""Shaded bodies over their image: one ray a pixel against all people at once, four more where an edge runs through it.

Rays settle who hides whom, also inside one body, and what lies behind the camera or around it needs no clipping. The
lens is undone along each ray, so that meshes lie where the image has the people. Letters: n people, V vertices, F faces
of one body, P rays.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from scipy import sparse

from das_mm.rendering.ray_tracer import build_tracer
from das_mm.structures import back_project, project, transform_intrinsics

from .overlay import enlarged
from .palette import bgr, person_color

_NEAR_MM = 50.0  # what is nearer is not drawn: the camera may stand inside a person
# a rotated grid: no two samples share a row or a column
_SAMPLES_PX = np.array([[-0.125, -0.375], [0.375, -0.125], [0.125, 0.375], [-0.375, 0.125]])
_EDGE_DEPTH = 0.02  # relative jump of depth between neighbours that is an edge inside one person
_LIGHT = np.array([-0.45, -0.65, -0.61], np.float32)  # towards the light: over the left shoulder of who took the image


def draw_meshes(
    image_bgr: np.ndarray,
    vertices_mm: np.ndarray,
    faces: np.ndarray,
    K: np.ndarray,
    dist: np.ndarray | None = None,
    *,
    identities: Sequence[int] | None = None,
    opacity: float = 0.9,
    scale: float = 1.0,
) -> np.ndarray:
    """Draw people's surfaces on a copy of an image, each hidden where another is in front.

    Args:
        image_bgr: (H, W, 3) uint8.
        vertices_mm: (n, V, 3) camera frame (x right, y down, z forward). A person whose vertices are not all finite, or
            who is wholly behind the camera, is left out.
        faces: (F, 3) vertex indices, counter-clockwise seen from outside, the same for all.
        K: (3, 3) intrinsics of the image, px.
        dist: (5,) lens distortion (OpenCV's k1, k2, p1, p2, k3) of the image.
        identities: (n,) numbers that choose the colours (track ids); the row where not given.
        opacity: Of the meshes over the image.
        scale: Enlarges the picture before drawing, so that small images stay readable.

    Returns:
        (round(scale * H), round(scale * W), 3) uint8 BGR.

    Raises:
        UserError: Not an 8-bit colour image.
        ValueError: Arrays that do not fit each other.
    """
    vertices_mm, faces, K = np.asarray(vertices_mm, float), np.asarray(faces), np.asarray(K, float)
    numbers = np.arange(len(vertices_mm)) if identities is None else np.asarray(identities)
    if vertices_mm.ndim != 3 or len(numbers) != len(vertices_mm):
        raise ValueError(f'vertices of shape {vertices_mm.shape} and {len(numbers)} identities, not (n, V, 3) and n')
    picture = enlarged(image_bgr, scale)
    K = transform_intrinsics(K, np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]]))
    shown = np.isfinite(vertices_mm).all((1, 2)) & (vertices_mm[..., 2] > _NEAR_MM).any(1)
    if not shown.any():
        return picture
    scene = _MeshScene(vertices_mm[shown], faces, numbers[shown])
    height, width = picture.shape[:2]
    inside = _region(vertices_mm[shown], K, dist, width, height)
    rows, columns = np.nonzero(inside)
    colors, owner, depth = scene.look(np.stack([columns, rows], 1), K, dist)
    cover = (owner >= 0).astype(np.float32)

    edges = _edges(_on_image(inside, owner, -1), _on_image(inside, depth, np.inf))[inside]
    pixels = np.stack([columns, rows], 1)[edges]
    samples = (pixels[:, None] + _SAMPLES_PX).reshape(-1, 2)
    fine_colors, fine_owner, _ = scene.look(samples, K, dist)
    hits = (fine_owner >= 0).reshape(-1, len(_SAMPLES_PX))
    cover[edges] = hits.mean(1)
    colors[edges] = (fine_colors.reshape(*hits.shape, 3) * hits[..., None]).sum(1) / np.maximum(hits.sum(1), 1)[:, None]

    alpha = opacity * cover[:, None]
    picture[inside] = np.round((1 - alpha) * picture[inside] + alpha * colors).astype(np.uint8)
    return picture


class _MeshScene:
    """The surfaces of all people as one mesh, ready to be looked at."""

    def __init__(self, vertices_mm: np.ndarray, faces: np.ndarray, identities: np.ndarray) -> None:
        count, size = vertices_mm.shape[:2]
        self._num_faces = len(faces)
        self._corners = (faces[None] + size * np.arange(count)[:, None, None]).reshape(-1, 3)  # (nF, 3)
        self._normals = vertex_normals(vertices_mm, faces).reshape(-1, 3)
        self._colors = np.array([bgr(person_color(identity)) for identity in identities], np.float32)
        self._tracer = build_tracer(vertices_mm.reshape(-1, 3) / 1000, self._corners)

    def look(
        self, points_px: np.ndarray, K: np.ndarray, dist: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Colours (P, 3) BGR, row of the person (P,) or -1, and depth (P,) m or inf along the rays of (P, 2) pixels."""
        rays = back_project(points_px.astype(float), np.ones(len(points_px)), K, dist).astype(np.float32)  # z = 1
        near = np.float32(_NEAR_MM / 1000)
        hits = self._tracer.first_hits(rays * near, rays)
        hit = hits.face >= 0
        owner = np.where(hit, hits.face // self._num_faces, -1)
        colors = np.zeros((len(rays), 3), np.float32)
        weights = np.concatenate([1 - hits.bary[hit].sum(1, keepdims=True), hits.bary[hit]], axis=1)
        normals = np.einsum('pk,pkc->pc', weights, self._normals[self._corners[hits.face[hit]]])
        colors[hit] = _shade(self._colors[owner[hit]], normals, rays[hit])
        return colors, owner, hits.t + near


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals (n, V, 3) float32: the means of the adjoining faces' normals, weighted by their areas."""
    corners = vertices[:, faces]  # (n, F, 3, 3)
    of_faces = np.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])
    touches = sparse.csr_matrix(
        (np.ones(faces.size), (faces.ravel(), np.repeat(np.arange(len(faces)), 3))),
        shape=(vertices.shape[1], len(faces)),
    )
    normals = np.stack([touches @ normal for normal in of_faces])
    return (normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)).astype(np.float32)


def _shade(colors: np.ndarray, normals: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Lit colours (P, 3): a light from above, some of it from the sky, a faint gloss, and darker at grazing angles."""
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    to_eye = -rays / np.linalg.norm(rays, axis=1, keepdims=True)
    facing = (normals * to_eye).sum(1, keepdims=True)
    normals, facing = normals * np.where(facing < 0, -1, 1), np.abs(facing)  # seen from inside
    light = normals @ (_LIGHT / np.linalg.norm(_LIGHT))[:, None]
    sky = 0.5 - 0.5 * normals[:, 1:2]  # y points down
    half = _LIGHT / np.linalg.norm(_LIGHT) + to_eye
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    gloss = np.clip((normals * half).sum(1, keepdims=True), 0, 1) ** 30
    # the light wraps around: no side is so dark that its shape is lost
    brightness = (0.38 + 0.17 * sky + 0.62 * np.clip(0.8 * light + 0.2, 0, 1)) * (0.55 + 0.45 * facing**0.7)
    return np.clip(colors * brightness + 255 * 0.12 * gloss, 0, 255)


def _region(vertices_mm: np.ndarray, K: np.ndarray, dist: np.ndarray | None, width: int, height: int) -> np.ndarray:
    """(H, W) bool: the boxes about the people; everything where somebody reaches past the camera."""
    inside = np.zeros((height, width), bool)
    for vertices in vertices_mm:
        if vertices[:, 2].min() <= _NEAR_MM:
            inside[:] = True
            break
        points = np.clip(project(vertices, K, dist), -1e6, 1e6)
        (x1, y1), (x2, y2) = np.floor(points.min(0)).astype(int), np.ceil(points.max(0)).astype(int)
        inside[max(y1, 0) : max(y2 + 1, 0), max(x1, 0) : max(x2 + 1, 0)] = True
    return inside


def _on_image(inside: np.ndarray, values: np.ndarray, elsewhere: float) -> np.ndarray:
    image = np.full(inside.shape, elsewhere, values.dtype)
    image[inside] = values
    return image


def _edges(owner: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """(H, W) bool: pixels where the person changes, or the depth of one jumps, against one of the eight neighbours."""
    kernel = np.ones((3, 3), np.uint8)
    spread = lambda image: (cv2.erode(image, kernel), cv2.dilate(image, kernel))
    low, high = spread(owner.astype(np.float32))
    near, far = spread(np.where(np.isfinite(depth), depth, 0).astype(np.float32))
    return (low != high) | (far - near > _EDGE_DEPTH * np.maximum(near, 0.1))
