"""Translations by least squares: against numpy's, and with too little to go by."""

from __future__ import annotations

import numpy as np
import torch

from das_mm.fitting import FittingCamera, translation_least_squares


def people(camera: FittingCamera, num: int = 4):
    rng = np.random.default_rng(0)
    points = torch.tensor(rng.normal(scale=0.5, size=(num, 24, 3))).float()
    translation = torch.tensor(rng.normal(size=(num, 3)) * [0.3, 0.3, 2] + [0, 0, 40]).float()
    seen = camera.project(points + translation[:, None])
    confidence = torch.tensor(rng.uniform(0.2, 1, size=(num, 24, 1))).float()
    return points, translation, torch.cat([seen, confidence], dim=-1)


def test_as_numpy_solves_the_rows_of_the_paper():
    camera = FittingCamera.crop(224)
    points, translation, keypoints = people(camera)
    exact = translation_least_squares(points, keypoints, camera)
    assert exact.determined.all()
    torch.testing.assert_close(exact.translation, translation, rtol=1e-4, atol=1e-3)

    noisy = keypoints + torch.cat(
        [3 * torch.randn(4, 24, 2, generator=torch.Generator().manual_seed(0)), torch.zeros(4, 24, 1)], dim=-1
    )
    for b in range(4):
        rows, right = [], []
        for (X, Y, Z), (x, y, c) in zip(points[b].double().numpy(), noisy[b].double().numpy()):
            rows += [c**0.5 * np.array([5000, 0, 112 - x]), c**0.5 * np.array([0, 5000, 112 - y])]
            right += [c**0.5 * ((x - 112) * Z - 5000 * X), c**0.5 * ((y - 112) * Z - 5000 * Y)]
        expected = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
        got = translation_least_squares(points, noisy, camera).translation[b]
        np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_other_focal_lengths_and_centres_for_every_person():
    K = torch.eye(3).repeat(4, 1, 1)
    K[:, 0, 0], K[:, 1, 1] = torch.tensor([900.0, 1000, 1100, 1200]), torch.tensor([950.0, 1000, 1100, 1300])
    K[:, :2, 2] = torch.tensor([[300.0, 200], [640, 360], [0, 0], [500, 500]])
    camera = FittingCamera.full_frame(K.numpy())
    points, translation, keypoints = people(camera)
    torch.testing.assert_close(
        translation_least_squares(points, keypoints, camera).translation, translation, rtol=1e-4, atol=1e-3
    )


def test_too_few_keypoints_are_counted_and_spread_to_nobody():
    camera = FittingCamera.crop(224)
    points, translation, keypoints = people(camera)
    keypoints[0, :, 2] = 0  # nothing seen
    keypoints[1, 1:, 2] = 0  # one keypoint
    keypoints[2, :, :2] = torch.nan  # of positive confidence, and nowhere
    found = translation_least_squares(points, keypoints, camera)
    assert found.determined.tolist() == [False, False, False, True]
    torch.testing.assert_close(found.translation[3], translation[3], rtol=1e-4, atol=1e-3)
    assert found.translation.isfinite().all() and (found.translation[:3, 2] > 0).all()
    own = torch.full((4, 3), 7.0)
    assert (translation_least_squares(points, keypoints, camera, own).translation[:3] == 7).all()


def test_in_one_place_says_nothing_of_depth():
    camera = FittingCamera.crop(224)
    points, _, keypoints = people(camera)
    same = points[:, :1].expand_as(points), keypoints[:, :1].expand_as(keypoints)
    assert not translation_least_squares(*same, camera).determined.any()
