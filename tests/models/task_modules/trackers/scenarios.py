"""Hand-made scenes for trackers: people as places along a path, one row a frame; no network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from das_mm.structures.people import People

SIZE = (40.0, 90.0)  # px: a radius of 60

# four keypoints about the root, px
POSE_PX = np.array([[0.0, -40.0], [-15.0, 0.0], [15.0, 0.0], [0.0, 40.0]])
MM_PER_PX = 20.0


def boxes_about(places, sizes) -> np.ndarray:
    """(n, 4) of (n, 2) middles and sizes px."""
    return np.concatenate([places - np.asarray(sizes) / 2, places + np.asarray(sizes) / 2], axis=1)


def people(places, *, moved=None, scores=None, sizes=None) -> People:
    """People at ``places`` (n, 2) px who moved there by ``moved`` (n, 2) px since the previous frame (0 by default)."""
    places = np.asarray(places, float).reshape(-1, 2)
    moved = np.zeros_like(places) if moved is None else np.asarray(moved, float).reshape(-1, 2)
    return People(
        roots_px=places,
        bboxes_px=boxes_about(places, np.tile(SIZE, (len(places), 1)) if sizes is None else sizes),
        scores=np.linspace(0.9, 0.8, len(places)) if scores is None else np.asarray(scores, float),
        keypoints_px=places[:, None] + POSE_PX,
        data=dict(displacements_px=-moved),
    )


def without_displacements(found: People) -> People:
    return replace(found, data={})


def people_3d(roots_mm, *, scale=1.0, sigma_mm=None, scores=None) -> People:
    """People in camera space before a lens of 1000 px; ``scale`` (n,) stretches their poses."""
    roots = np.asarray(roots_mm, float).reshape(-1, 3)
    pose = np.concatenate([POSE_PX * MM_PER_PX, [[0.0], [50.0], [-50.0], [0.0]]], axis=1)
    relative = pose * np.broadcast_to(scale, len(roots))[:, None, None]
    points = roots[:, None] + relative
    px = points[..., :2] / points[..., 2:] * 1000
    data = dict(roots_cam_mm=roots)
    if sigma_mm is not None:
        data['keypoints_sigma_mm'] = np.broadcast_to(np.asarray(sigma_mm, float), relative.shape)
    return People(
        roots_px=roots[:, :2] / roots[:, 2:] * 1000,
        bboxes_px=np.concatenate([px.min(1), px.max(1)], axis=1),
        scores=np.linspace(0.9, 0.8, len(roots)) if scores is None else np.asarray(scores, float),
        keypoints_px=px,
        keypoints_cam_mm=points,
        data=data,
    )


NOBODY = people(np.zeros((0, 2)))
