"""Depth from the torso: exact, with the right gradients, and told where it cannot be had."""

import numpy as np
import pytest
import torch

from das_mm.datasets.transforms import begin_geometry, turn_lens, update_geometry
from das_mm.structures import back_project, project, transform_camera
from projects.mar.mar.geometric_depth import TorsoLimits, geometric_depth

OMEGA = 500.0


def random_torsos(n, seed=0):
    """Roots (n, 3), necks (n, 3) mm at a distance of OMEGA, and cameras (n, 3, 3)."""
    rng = np.random.default_rng(seed)
    fx, fy = rng.uniform(500, 2500, (2, n))
    K = np.zeros((n, 3, 3))
    K[:, 0, 0], K[:, 1, 1], K[:, 2, 2] = fx, fy, 1
    K[:, 0, 2], K[:, 1, 2] = rng.uniform(300, 1000, (2, n))
    z = rng.uniform(1500, 12000, n)
    root = np.stack([z * rng.uniform(-0.5, 0.5, n), z * rng.uniform(-0.3, 0.3, n), z], -1)
    axis = rng.normal(size=(n, 3)) * (1, 2, 1)
    neck = root + OMEGA * axis / np.linalg.norm(axis, axis=1, keepdims=True)
    return root, neck, K


def solve(root, neck, K, torso=OMEGA, **kwargs):
    given = (project(root, K), project(neck, K), neck[:, 2] - root[:, 2], K)
    return geometric_depth(*(torch.from_numpy(one) for one in given), torso, **kwargs)


def test_exact_poses_give_exact_depths():
    root, neck, K = random_torsos(4000)
    out = solve(root, neck, K)
    valid = out.valid.numpy()
    assert valid.mean() > 0.8
    np.testing.assert_allclose(out.depth_mm.numpy()[valid], root[valid, 2], rtol=1e-9)
    # everybody is accounted for, once
    reasons = torch.stack([out.valid, out.singular, out.rootless, out.two_roots, out.out_of_range]).long().sum(0)
    assert (reasons == 1).all()
    assert {name: int(value) for name, value in out.counts().items()}['two_roots'] > 0


def test_the_printed_c_is_wrong():
    """With |r_m|^4, as printed, depths of exact poses are off by centimetres; so ours cannot be a copy of it."""
    root, neck, K = random_torsos(4000)
    u_n, u_m = back_project(project(root, K), np.ones(len(K)), K), back_project(project(neck, K), np.ones(len(K)), K)
    delta, d = neck[:, 2] - root[:, 2], u_m - u_n
    a, b = (d**2).sum(1), 2 * delta * (d * u_m).sum(1)
    c = delta**2 * (u_m**2).sum(1) ** 2 - OMEGA**2
    discriminant = b * b - 4 * a * c
    real = discriminant > 0
    printed = (-b + np.sqrt(np.maximum(discriminant, 0))) / (2 * a)
    valid = solve(root, neck, K).valid.numpy() & real
    assert np.median(np.abs(printed - root[:, 2])[valid]) > 20


def test_gradients_are_those_of_finite_differences_and_of_the_implicit_form():
    root, neck, K = random_torsos(200, seed=1)
    keep = solve(root, neck, K).valid.numpy()
    root, neck, K = (one[keep][:40] for one in (root, neck, K))
    inputs = [
        torch.from_numpy(one).requires_grad_() for one in (project(root, K), project(neck, K), neck[:, 2] - root[:, 2])
    ]
    depth = lambda *pose: geometric_depth(*pose, torch.from_numpy(K), OMEGA).depth_mm
    assert torch.autograd.gradcheck(depth, inputs, eps=1e-4, atol=1e-2, rtol=1e-3)
    grads = torch.autograd.grad(depth(*inputs).sum(), inputs)
    q, z = neck - root, root[:, 2]
    d = neck / neck[:, 2:] - root / root[:, 2:]
    along, delta = (q * d).sum(1), neck[:, 2] - z
    fx = K[:, 0, 0]
    np.testing.assert_allclose(grads[1][:, 0], -q[:, 0] * (z + delta) / (fx * along), rtol=1e-6)
    np.testing.assert_allclose(grads[0][:, 0], q[:, 0] * z / (fx * along), rtol=1e-6)
    np.testing.assert_allclose(grads[2], -(q * neck / neck[:, 2:]).sum(1) / along, rtol=1e-6)


@pytest.mark.parametrize(
    'delta, step_px, reason',
    [
        (600.0, 40.0, 'rootless'),  # deeper than the torso is long
        (-300.0, 0.0, 'singular'),  # along the ray
        (499.8, 40.0, 'singular'),  # nearly: the two roots meet, the gradient would explode
        (0.0, 1e5, 'out_of_range'),
    ],
)
def test_what_cannot_be_solved_is_masked_counted_and_has_no_gradient(delta, step_px, reason):
    K = torch.tensor([[1000.0, 0, 500], [0, 1000, 400], [0, 0, 1]])
    root = torch.tensor([[500.0, 400]] * 2, requires_grad=True)
    neck = torch.tensor([[500.0, 400 - step_px], [500.0, 300]], requires_grad=True)
    relative = torch.tensor([delta, 20.0], requires_grad=True)
    out = geometric_depth(root, neck, relative, K, OMEGA)
    assert out.valid.tolist() == [False, True] and out.counts()[reason] == 1
    assert torch.isfinite(out.depth_mm).all()
    out.depth_mm.sum().backward()
    for leaf in (root, neck, relative):
        assert torch.isfinite(leaf.grad).all() and not leaf.grad[0].any() and leaf.grad[1].any()


def test_two_roots_are_masked_and_not_guessed():
    """Looked at from the side of the image a leaning torso fits two depths, and neither is known to be right."""
    root, neck, K = random_torsos(4000)
    out = solve(root, neck, K, limits=TorsoLimits(min_share=1e-6))
    rows = out.two_roots.numpy()
    assert 0 < rows.mean() < 0.2
    r_m = neck / neck[:, 2:]
    c = (neck[:, 2] - root[:, 2]) ** 2 * (r_m**2).sum(1) - OMEGA**2
    assert (c[rows] > 0).all() and not out.valid.numpy()[rows].any() and (c[out.valid.numpy()] <= 1e-6).all()


def test_nothing_but_nan_is_singular():
    nan = torch.tensor([[float('nan')] * 2])
    out = geometric_depth(nan, nan, torch.tensor([0.0]), torch.eye(3), OMEGA)
    assert not out.valid.any() and out.singular.all() and torch.isfinite(out.depth_mm).all()


@pytest.mark.parametrize(
    'warp',
    [
        [[0.5, 0, -0.25], [0, 0.5, -0.25]],  # resized
        [[1, 0, 64], [0, 1, 32]],  # padded on the left and above
        [[-1, 0, 1919], [0, 1, 0]],  # mirrored: c_x -> W - 1 - c_x
        [[0.9, -0.3, 10], [0.3, 0.9, -20]],  # turned about some other place than the principal point
    ],
)
def test_depth_follows_every_augmentation_with_its_camera(warp):
    root, neck, K = random_torsos(50, seed=2)
    lens = np.array([0.05, -0.02, 0.001, -0.002, 0.0])
    warp = np.array(warp)
    for row in range(len(K)):
        results = dict(
            img=np.zeros((8, 8, 3), np.uint8),
            camera=dict(K=K[row], dist=lens),
            keypoints=project(np.stack([root[row], neck[row]])[None], K[row], lens),
        )
        begin_geometry(results)
        update_geometry(results, warp, (8, 8))
        pixels = torch.from_numpy(results['keypoints'][0])
        relative = torch.from_numpy(neck[row : row + 1, 2] - root[row : row + 1, 2])
        given = (pixels[:1], pixels[1:], relative)
        out = geometric_depth(
            *given, torch.from_numpy(results['input_K']), OMEGA, torch.from_numpy(results['input_dist'])
        )
        if out.valid.all():
            assert float(out.depth_mm) == pytest.approx(root[row, 2], rel=1e-4)
        stale = geometric_depth(*given, torch.from_numpy(K[row]), OMEGA)  # a K that was left behind is found out
        assert not stale.valid.all() or abs(float(stale.depth_mm) / root[row, 2] - 1) > 1e-4
    turned, Q = transform_camera(K[-1], warp)
    np.testing.assert_allclose(results['input_dist'], turn_lens(lens, Q))
    assert turned[0, 0] > 0
