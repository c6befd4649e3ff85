"""Projection against OpenCV, round trips, and cameras of warped images."""

import math

import cv2
import numpy as np
import pytest
import torch

from das_mm.errors import UserError
from das_mm.structures import (
    back_project,
    check_intrinsics,
    compose_warps,
    default_intrinsics,
    focal_px,
    invert_warp,
    project,
    transform_camera,
    transform_intrinsics,
    warp_points,
    warp_scale,
    weak_perspective,
    weak_perspective_depth,
)

K = np.array([[1395.0, 0, 951.0], [0, 1392.0, 541.0], [0, 0, 1]])
PANOPTIC_LIKE = np.array([-0.28, 0.19, 5e-4, -3e-4, 0.06])
H36M_LIKE = np.array([-0.2078, 0.2487, -0.0014, -0.0009, -0.0030])


def random_points(seed=0, shape=(7, 15)):
    rng = np.random.default_rng(seed)
    x, y, z = rng.uniform(-1200, 1200, shape), rng.uniform(-700, 700, shape), rng.uniform(2000, 6000, shape)
    return np.stack([x, y, z], -1)


def similarity(scale, angle, shift, mirror=False):
    linear = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    if mirror:
        linear = linear @ np.diag([-1.0, 1])
    return np.concatenate([linear, np.reshape(shift, (2, 1))], axis=1)


@pytest.mark.parametrize('dist', [None, PANOPTIC_LIKE, H36M_LIKE])
def test_projection_is_opencvs(dist):
    points = random_points().reshape(-1, 3)
    expected = cv2.projectPoints(points, np.zeros(3), np.zeros(3), K, dist)[0][:, 0]
    assert np.abs(project(points, K, dist) - expected).max() < 1e-9


@pytest.mark.parametrize('dist', [None, PANOPTIC_LIKE, H36M_LIKE])
def test_round_trip(dist):
    points = random_points(1)
    again = back_project(project(points, K, dist), points[..., 2], K, dist)
    assert np.abs(again - points).max() < 1e-6


@pytest.mark.parametrize('dist', [None, PANOPTIC_LIKE])
def test_torch_equals_numpy_and_has_gradients(dist):
    points = random_points(2)
    lens = None if dist is None else torch.from_numpy(dist)
    tensor = torch.from_numpy(points).requires_grad_()
    pixels = project(tensor, torch.from_numpy(K), lens)
    assert np.allclose(pixels.detach().numpy(), project(points, K, dist), atol=1e-9)
    again = back_project(pixels, tensor[..., 2], torch.from_numpy(K), lens)
    assert np.allclose(again.detach().numpy(), points, atol=1e-6)
    few = torch.from_numpy(random_points(3, (4,))).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: project(p, torch.from_numpy(K), lens), few, rtol=1e-3, atol=1e-6)


def test_a_camera_for_each_image_of_a_batch():
    points, cameras = random_points(4), np.stack([K * [[s, 1, s], [1, s, s], [1, 1, 1]] for s in np.linspace(1, 2, 7)])
    together = project(points, cameras[:, None])
    assert all(np.allclose(together[b], project(points[b], cameras[b])) for b in range(7))
    assert np.allclose(back_project(together, points[..., 2], cameras[:, None]), points)
    assert np.allclose(focal_px(cameras), [math.sqrt(c[0, 0] * c[1, 1]) for c in cameras])


@pytest.mark.parametrize('skew', [0.0, 3.5])
@pytest.mark.parametrize('mirror', [False, True])
@pytest.mark.parametrize('angle', [0.0, 0.15, -1.2, math.pi / 2, math.pi, 3.5])
def test_camera_of_a_warped_image(angle, mirror, skew):
    camera = K + [[0, skew, 0], [0, 0, 0], [0, 0, 0]]
    points, warp = random_points(5), similarity(0.61, angle, (31.0, -47.5), mirror)
    K_new, Q = transform_camera(camera, warp)
    assert np.abs(project(points @ Q.T, K_new) - warp_points(project(points, camera), warp)).max() < 1e-8
    assert np.allclose(Q @ Q.T, np.eye(3)) and np.linalg.det(Q) == pytest.approx(-1 if mirror else 1)
    assert (Q[2] == [0, 0, 1]).all() and (Q[:, 2] == [0, 0, 1]).all()  # depths stay
    check_intrinsics(K_new)  # upper triangular, positive
    assert focal_px(K_new) == pytest.approx(0.61 * focal_px(camera))
    assert (transform_intrinsics(camera, warp) == K_new).all()


def test_plain_resize_and_mirror():
    K_new, Q = transform_camera(K, np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]]))
    assert np.allclose(K_new, [[697.5, 0, 475.25], [0, 696, 270.25], [0, 0, 1]]) and np.allclose(Q, np.eye(3))
    K_new, Q = transform_camera(K, np.array([[-1.0, 0, 1919], [0, 1, 0]]))
    assert np.allclose(K_new, [[1395, 0, 1919 - 951], [0, 1392, 541], [0, 0, 1]])
    assert np.allclose(Q, np.diag([-1, 1, 1]))


def test_singular_warp():
    with pytest.raises(ValueError, match='singular'):
        transform_camera(K, np.zeros((2, 3)))


def test_warps_compose_and_invert():
    a, b = similarity(0.7, 0.3, (3, 4)), similarity(1.9, -0.8, (-20, 7), mirror=True)
    pixels = np.random.default_rng(0).uniform(0, 500, (6, 2))
    assert np.allclose(warp_points(pixels, compose_warps(b, a)), warp_points(warp_points(pixels, a), b))
    assert np.allclose(warp_points(warp_points(pixels, b), invert_warp(b)), pixels)


@pytest.mark.parametrize('size', [(640, 480), (480, 640)])
def test_default_intrinsics_see_the_stated_angle(size):
    camera = default_intrinsics(*size, fov_deg=60.0)
    # the outer edges of the outermost pixels of the longer side, half a pixel beyond their centres
    long_axis = int(size[1] > size[0])
    edges = np.tile((np.array(size, dtype=float) - 1) / 2, (2, 1))
    edges[:, long_axis] = -0.5, max(size) - 0.5
    rays = back_project(edges, np.ones(2), camera)
    angle = math.degrees(math.acos(rays[0] @ rays[1] / np.prod(np.linalg.norm(rays, axis=1))))
    assert angle == pytest.approx(60.0)
    with pytest.raises(UserError, match='field of view'):
        default_intrinsics(640, 480, fov_deg=180)


@pytest.mark.parametrize(
    'camera, problem',
    [
        ([[1, 0], [0, 1]], r'shape \(2, 2\)'),
        ([[float('nan'), 0, 1], [0, 1, 1], [0, 0, 1]], 'NaN'),
        ([[0, 0, 1], [0, 1, 1], [0, 0, 1]], 'singular'),
        (np.zeros((3, 3)), 'singular'),
        ([[-5, 0, 1], [0, 5, 1], [0, 0, 1]], 'negative'),
        ([[5, 0, 1], [1, 5, 1], [0, 0, 1]], 'upper triangular'),
        ([[5, 0, 1], [0, 5, 1], [0, 0, 2]], 'last row'),
        ('K.txt', 'numbers'),
        ([[1, 2, 3], [4]], 'numbers'),
    ],
)
def test_bad_intrinsics_are_named(camera, problem):
    with pytest.raises(UserError, match=rf'(?s)a\.json: images\[3\]\.K: .*{problem}.*remedy'):
        check_intrinsics(camera, file='a.json', field='images[3].K')
    assert (check_intrinsics(K.tolist()) == K).all()


@pytest.mark.parametrize('mirror', [False, True])
def test_lengths_and_focal_lengths_grow_by_the_scale_of_the_warp(mirror):
    warp = similarity(0.37, 0.8, (5, -9), mirror)
    assert warp_scale(warp) == pytest.approx(0.37, rel=1e-12)
    squeeze = np.array([[0.5, 0.1, 3], [0, 0.9, 4]])
    for one in (warp, squeeze):
        assert focal_px(transform_intrinsics(K, one)) == pytest.approx(warp_scale(one) * focal_px(K), rel=1e-12)


@pytest.mark.parametrize('kind', [np.asarray, torch.as_tensor])
def test_weak_perspective_is_projection_at_its_depth(kind):
    camera = np.array([[1200.0, 0, 300], [0, 1200, 200], [0, 0, 1]])
    rng = np.random.default_rng(3)
    scale, root_px = rng.uniform(0.1, 0.6, 4), rng.uniform(0, 500, (4, 2))  # px a mm
    points = rng.uniform(-800, 800, (4, 9, 3))
    depths = weak_perspective_depth(kind(scale), kind(focal_px(camera)))
    roots = back_project(kind(root_px), depths, kind(camera))
    seen = weak_perspective(kind(points), kind(scale), kind(root_px))
    flat = kind(points * [1, 1, 0])  # all of the person at the root's depth
    assert abs(project(flat + roots[:, None], kind(camera)) - seen).max() < 1e-9
    # far away with a long lens it is nearly so for all of it
    far = kind(camera * [[1000.0, 1, 1], [1, 1000, 1], [1, 1, 1]])
    roots = back_project(kind(root_px), weak_perspective_depth(kind(scale), kind(focal_px(far))), far)
    assert 1e-6 < abs(project(kind(points) + roots[:, None], far) - seen).max() < 0.5
