"""Hand-made scenes for trackers: people as places along a path, one row a frame; no network."""

from __future__ import annotations

import numpy as np

from das_mm.models.task_modules.trackers import TrackedPeople

SIZE = (40.0, 90.0)  # px: a radius of 60

# four keypoints about the root, px
POSE_PX = np.array([[0.0, -40.0], [-15.0, 0.0], [15.0, 0.0], [0.0, 40.0]])
MM_PER_PX = 20.0


def people(places, *, moved=None, scores=None, sizes=None) -> TrackedPeople:
    """People at ``places`` (n, 2) px who moved there by ``moved`` (n, 2) px since the previous frame (0 by default)."""
    places = np.asarray(places, float).reshape(-1, 2)
    moved = np.zeros_like(places) if moved is None else np.asarray(moved, float).reshape(-1, 2)
    return TrackedPeople(
        centers_px=places,
        sizes_px=np.tile(SIZE, (len(places), 1)) if sizes is None else np.asarray(sizes, float),
        scores=np.linspace(0.9, 0.8, len(places)) if scores is None else np.asarray(scores, float),
        displacements_px=-moved,
        keypoints_px=places[:, None] + POSE_PX,
    )


def without_displacements(found: TrackedPeople) -> TrackedPeople:
    return TrackedPeople(found.centers_px, found.sizes_px, found.scores, keypoints_px=found.keypoints_px)


def people_3d(roots_mm, *, scale=1.0, sigma_mm=None, scores=None) -> TrackedPeople:
    """People in camera space before a lens of 1000 px; ``scale`` (n,) stretches their poses."""
    roots = np.asarray(roots_mm, float).reshape(-1, 3)
    pose = np.concatenate([POSE_PX * MM_PER_PX, [[0.0], [50.0], [-50.0], [0.0]]], axis=1)
    relative = pose * np.broadcast_to(scale, len(roots))[:, None, None]
    points = roots[:, None] + relative
    px = points[..., :2] / points[..., 2:] * 1000
    low, high = px.min(1), px.max(1)
    return TrackedPeople(
        centers_px=roots[:, :2] / roots[:, 2:] * 1000,
        sizes_px=high - low,
        scores=np.linspace(0.9, 0.8, len(roots)) if scores is None else np.asarray(scores, float),
        keypoints_px=px,
        roots_mm=roots,
        relative_mm=relative,
        sigma_mm=None if sigma_mm is None else np.broadcast_to(np.asarray(sigma_mm, float), relative.shape),
    )


NOBODY = people(np.zeros((0, 2)))
