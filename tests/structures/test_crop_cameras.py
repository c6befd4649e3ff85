"""Weak-perspective cameras against the three systems' formulas written out, and against each other."""

import numpy as np
import pytest
import torch

from das_mm.structures import project
from das_mm.structures.crop_cameras import (
    camera_translation,
    full_frame_translation,
    project_crop,
    project_full_frame,
    project_scaled,
    translation_camera,
)

RNG = np.random.default_rng(0)
POINTS = RNG.normal(0, 0.5, (4, 7, 3))
CAMERAS = np.column_stack([RNG.uniform(0.5, 1.2, 4), RNG.normal(0, 0.2, (4, 2))])


@pytest.mark.parametrize('make', [np.asarray, torch.from_numpy])
def test_formulas(make):
    points, camera = make(POINTS), make(CAMERAS)
    s, tx, ty = CAMERAS.T
    scaled = np.stack([s[:, None] * (POINTS[..., 0] + tx[:, None]), s[:, None] * (POINTS[..., 1] + ty[:, None])], -1)
    assert np.allclose(project_scaled(points, camera), scaled)
    translation = camera_translation(camera)
    assert np.allclose(translation, np.column_stack([tx, ty, 2 * 5000 / (224 * s)]))
    assert np.allclose(translation_camera(translation), CAMERAS)
    # SPIN: about the crop's centre in px, divided by half the side
    K = np.array([[5000.0, 0, 0], [0, 5000.0, 0], [0, 0, 1]])
    seen = project(POINTS + np.asarray(translation)[:, None], K) / 112
    assert np.allclose(project_crop(points, translation), seen)
    # a far camera sees the same as the scaled one, but for the depth in the body
    far = project_crop(points, camera_translation(camera, focal=1e7), focal=1e7)
    assert np.allclose(far, scaled, atol=1e-4)


def test_full_frame_is_the_crop_moved_to_its_place():
    K = np.array([[5000.0, 3, 700], [0, 5000, 400], [0, 0, 1]])
    K[0, 1] = 0
    centre, side = RNG.uniform(200, 600, (4, 2)), RNG.uniform(150, 400, 4)
    translation = full_frame_translation(CAMERAS, centre, side, K)
    at_root = project_full_frame(np.zeros((4, 1, 3)), translation, np.broadcast_to(K, (4, 3, 3)))[:, 0]
    # the body's origin lies in the crop where the scaled camera has it
    in_crop = project_scaled(np.zeros((4, 1, 3)), CAMERAS)[:, 0]
    assert np.allclose(at_root, centre + in_crop * side[:, None] / 2, atol=1e-6)
    assert np.allclose(translation[:, 2], 2 * 5000 / (side * CAMERAS[:, 0]))


def test_no_scale_is_far_and_finite():
    assert np.isfinite(camera_translation(np.zeros(3))).all()
