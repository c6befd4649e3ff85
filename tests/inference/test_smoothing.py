"""One-Euro smoothing against exact cases: rest, steps, ramps, the viewing ray, gaps, NaN, rotations, identities."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.inference import one_euro
from das_mm.inference.one_euro import OneEuro, PointFilter, RotationFilter, smoothing_share
from das_mm.inference.people_smoother import PeopleSmoother, SmoothingSettings
from das_mm.structures.rotations import axis_angle_to_matrix, matrix_to_axis_angle

STEP_S = 0.04
PLAIN = OneEuro(cutoff_hz=1.0, beta=0.0)


def run(filter, values, times=None, **options):
    times = np.arange(len(values)) * STEP_S if times is None else times
    return np.array([filter(np.asarray(value, float), float(time), **options) for value, time in zip(values, times)])


def test_examples():
    outcome = doctest.testmod(one_euro)
    assert outcome.attempted >= 3 and not outcome.failed


def test_what_rests_stays():
    points = np.array([[3.0, -4.0, 1e4], [0.0, 0.0, 0.0]])
    times = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.2, 30))
    assert (run(PointFilter(OneEuro(1.0, 0.5)), [points] * 30, times) == points).all()
    matrices = axis_angle_to_matrix(np.array([[0.3, -2.0, 0.5], [0.0, 0.0, 0.0], [np.pi, 0.0, 0.0]]))
    assert np.allclose(run(RotationFilter(OneEuro(1.0, 0.5)), [matrices] * 30, times), matrices, atol=1e-12)


def test_a_step_is_approached_as_the_formula_says():
    share = smoothing_share(1.0, STEP_S)
    assert share == pytest.approx(1 / (1 + 1 / (2 * np.pi * STEP_S)))
    smooth = run(PointFilter(PLAIN), [[[0.0]]] + [[[1.0]]] * 20)[:, 0, 0]
    assert smooth == pytest.approx(1 - (1 - share) ** np.arange(21))


def test_a_low_cutoff_follows_time_not_frames():
    """After the same time twice as many frames have come as near, up to the rule's own error of second order."""
    slow, fast = (
        run(PointFilter(OneEuro(0.2, 0.0)), [[[0.0]]] + [[[1.0]]] * n, np.arange(n + 1) / n)[-1, 0, 0]
        for n in (50, 100)
    )
    assert slow == pytest.approx(fast, abs=5e-3) and 0.6 < slow < 0.8  # 1 − exp(−0.4 π) = 0.715


@pytest.mark.parametrize('beta', [0.0, 0.01])
def test_the_lag_of_steady_motion(beta):
    """Behind by speed / (2π · cutoff), where the cutoff has grown with the speed."""
    speed = 300.0
    times = np.arange(200) * STEP_S
    path = speed * times
    lag = path[-1] - run(PointFilter(OneEuro(1.0, beta)), path[:, None, None], times)[-1, 0, 0]
    assert lag == pytest.approx(speed / (2 * np.pi * (1 + beta * speed)), rel=1e-6)


def test_the_unit_of_speed():
    path = np.arange(50)[:, None, None] * 12.0
    small = run(PointFilter(OneEuro(1.0, 0.1)), path)
    assert np.allclose(run(PointFilter(OneEuro(1.0, 0.1)), 7 * path, unit=7.0), 7 * small)


def test_noise_is_reduced():
    noise = np.random.default_rng(0).normal(0, 10, (400, 1, 3))
    smooth = run(PointFilter(SmoothingSettings().root), noise + [0, 0, 3000])
    assert smooth[50:].std(0).max() < 0.5 * noise[50:].std(0).min()


def test_irregular_times():
    """Each step takes the share of its own time: two steps at once are not two single ones, but known exactly."""
    filter, times = PointFilter(PLAIN), [0.0, 0.04, 0.12, 0.13]
    smooth = run(filter, [[[0.0]], [[1.0]], [[1.0]], [[1.0]]], times)[:, 0, 0]
    left = np.cumprod(1 - smoothing_share(1.0, np.diff(times)))
    assert smooth == pytest.approx([0, *(1 - left)])
    assert filter(np.array([[5.0]]), 0.13)[0, 0] == pytest.approx(smooth[-1])  # the same time again: no time has passed
    assert np.isfinite(filter(np.array([[5.0]]), 0.2)).all()


def test_the_viewing_ray_has_a_cutoff_of_its_own():
    rng = np.random.default_rng(1)
    path, ray = rng.normal(0, 10, (40, 1, 3)), np.array([0.0, 0.6, 0.8])
    smooth = run(PointFilter(PLAIN), path, ray=ray, ray_slowness=4.0)
    usual, slow = run(PointFilter(PLAIN), path), run(PointFilter(OneEuro(0.25, 0.0)), path)
    assert np.allclose(smooth @ ray, slow @ ray)
    assert np.allclose(smooth - (smooth @ ray)[..., None] * ray, usual - (usual @ ray)[..., None] * ray)
    assert np.allclose(run(PointFilter(PLAIN), path, ray=ray, ray_slowness=1.0), usual)
    assert np.allclose(run(PointFilter(PLAIN), path, ray=ray, ray_slowness=np.array([np.nan])), usual)


def test_what_is_no_number_changes_nothing():
    values = np.array([[[0.0], [5.0]], [[np.nan], [5.0]], [[np.inf], [5.0]], [[1.0], [5.0]]])
    smooth = run(PointFilter(PLAIN), values)
    assert np.isnan(smooth[1, 0, 0]) and np.isinf(smooth[2, 0, 0]) and (smooth[:, 1] == 5).all()
    # seen again after three frames: one step over all the time between
    assert smooth[3, 0, 0] == pytest.approx(smoothing_share(1.0, 3 * STEP_S))
    never = PointFilter(PLAIN)
    assert np.isnan(never(np.full((2, 3), np.nan), 0.0)).all()
    assert (never(np.ones((2, 3)), 1.0) == 1).all()


def test_a_long_gap_and_a_clock_that_runs_backwards_begin_anew():
    turned = axis_angle_to_matrix(np.array([[1.0, 0, 0]]))
    for filter, start, end in (
        (PointFilter(PLAIN, 0.5), np.zeros((1, 3)), np.ones((1, 3))),
        (RotationFilter(PLAIN, 0.5), np.eye(3)[None], turned),
    ):
        filter(start, 10.0)
        assert np.allclose(filter(end, 10.6), end)
        filter(start, 11.0)
        assert not np.allclose(filter(end, 11.4), end)
        assert np.allclose(filter(start, 3.0), start)


def test_types_are_kept():
    points = np.ones((2, 3), np.float32)
    assert PointFilter(PLAIN)(points, 0.0).dtype == np.float32
    assert PointFilter(PLAIN)(points.astype(int), 0.0).dtype == np.float64
    assert RotationFilter(PLAIN)(np.eye(3, dtype=np.float32)[None], 0.0).dtype == np.float32


def about_y(angles) -> np.ndarray:
    return axis_angle_to_matrix(np.stack([0 * angles, angles, 0 * angles], 1))


def test_rotations_take_the_shortest_way():
    """A step about one axis is approached as a step of its angle; also across half a turn of the parameters."""
    share = smoothing_share(1.0, STEP_S)
    for begin, end in ((0.0, 1.0), (np.pi - 0.5, np.pi + 0.5)):
        smooth = run(RotationFilter(PLAIN), about_y(np.array([begin] + [end] * 10))[:, None])
        wanted = about_y(begin + (end - begin) * (1 - (1 - share) ** np.arange(11)))
        assert np.allclose(smooth[:, 0], wanted, atol=1e-9)
        assert np.allclose(smooth @ np.swapaxes(smooth, -1, -2), np.eye(3), atol=1e-9)


def test_the_lag_of_steady_turning():
    rate = 2.0  # rad/s
    times = np.arange(200) * STEP_S
    matrices = about_y(rate * times)[:, None]
    smooth = run(RotationFilter(OneEuro(1.0, 0.5)), matrices, times)
    behind = np.linalg.norm(matrix_to_axis_angle(np.swapaxes(smooth[-1, 0], 0, 1) @ matrices[-1, 0]))
    assert behind == pytest.approx(rate / (2 * np.pi * (1 + 0.5 * rate)), rel=1e-5)


def test_rotations_that_are_no_numbers():
    filter, matrices = RotationFilter(PLAIN), np.tile(np.eye(3), (2, 1, 1))
    filter(matrices, 0.0)
    broken = matrices.copy()
    broken[0, 1, 1] = np.nan
    assert np.isnan(filter(broken, 0.04)[0, 1, 1]) and np.allclose(filter(broken, 0.08)[1], np.eye(3))
    assert np.allclose(filter(matrices, 0.12), matrices)


ROOT = (0, 1)
POSE_MM = np.array([[-100.0, 0, 0], [100.0, 0, 0], [0, -500, 40], [0, 700, -30]])


def instances(*roots_mm, ids=None, sigma=None, noise=0.0, seed=0, dtype=np.float32) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    roots = np.array(roots_mm, float).reshape(-1, 3)
    points = roots[:, None] + POSE_MM + rng.normal(0, noise, (len(roots), 4, 3))
    px = points[..., :2] / points[..., 2:] * 1000
    root = points[:, list(ROOT)].mean(1)
    fields = dict(
        track_ids=np.arange(len(roots)) if ids is None else np.array(ids),
        keypoints=px,
        keypoints_3d=points,
        roots_px=root[:, :2] / root[:, 2:] * 1000,
        root_depths_mm=root[:, 2],
        root_depths_norm=root[:, 2] / 1000,
        relative_depths_mm=points[..., 2] - root[:, 2:],
        smpl_global_orient=np.tile([0.1, 0.2, 0.3], (len(roots), 1)),
        smpl_body_pose=np.zeros((len(roots), 23, 3)),
        smpl_betas=np.zeros((len(roots), 10)),
        smpl_transl_mm=root.copy(),
    )
    if sigma is not None:
        fields['keypoints_sigma'] = np.broadcast_to(np.array(sigma, float), points.shape)
    return {name: value.astype(dtype) if name != 'track_ids' else value for name, value in fields.items()}


def test_people_at_rest_stay_and_input_is_untouched():
    smoother, people = PeopleSmoother(ROOT), instances([0, 0, 3000], [900, 0, 4000])
    before = {name: value.copy() for name, value in people.items()}
    for frame in range(5):
        smooth = smoother(people, frame * STEP_S)
    assert set(smooth) == set(people) - {'track_ids'}
    for name, value in smooth.items():
        assert np.allclose(value, before[name], rtol=1e-6, atol=1e-6) and value.dtype == np.float32, name
        assert (people[name] == before[name]).all()


def test_jitter_is_halved_and_fields_agree():
    smoother = PeopleSmoother(ROOT)
    raw = [instances([0, 0, 3000], noise=15.0, seed=t, dtype=np.float64) for t in range(120)]
    smooth = [smoother(people, t * STEP_S) for t, people in enumerate(raw)]
    for name in ('keypoints', 'keypoints_3d'):
        shake = [np.diff([one[name][0] for one in frames[20:]], axis=0).std() for frames in (raw, smooth)]
        assert shake[1] < 0.5 * shake[0], name
    last = {name: value[0] for name, value in smooth[-1].items()}
    root = last['keypoints_3d'][list(ROOT)].mean(0)
    assert last['root_depths_mm'] == pytest.approx(root[2])
    assert last['relative_depths_mm'] == pytest.approx(last['keypoints_3d'][:, 2] - root[2])
    assert last['root_depths_norm'] == pytest.approx(root[2] / 1000)


def test_unsure_depth_is_smoothed_more_along_the_ray():
    def steps(sigma_mm):
        smoother = PeopleSmoother(ROOT, SmoothingSettings(root=PLAIN, pose=PLAIN))
        smoother(instances([0, 0, 3000], sigma=(1, 1, sigma_mm), dtype=np.float64), 0.0)
        moved = smoother(instances([100, 0, 3100], sigma=(1, 1, sigma_mm), dtype=np.float64), STEP_S)
        root = moved['keypoints_3d'][0, list(ROOT)].mean(0)
        ray = np.array([100, 0, 3100.0]) / np.linalg.norm([100, 0, 3100.0])
        step = root - [0, 0, 3000]
        return step @ ray, np.linalg.norm(step - step @ ray * ray), moved['smpl_transl_mm'][0]

    sure, unsure = steps(0.0), steps(300.0)
    assert unsure[1] == pytest.approx(sure[1])
    full = np.array([100, 0, 100.0]) @ np.array([100, 0, 3100.0]) / np.linalg.norm([100, 0, 3100.0])
    assert sure[0] == pytest.approx(full * smoothing_share(1.0, STEP_S))
    assert unsure[0] == pytest.approx(full * smoothing_share(1.0 / 4, STEP_S))  # 1 + 300 mm / 100 mm
    assert unsure[2][2] < sure[2][2]


def test_identities_are_smoothed_apart_whatever_their_row():
    smoother = PeopleSmoother(ROOT)
    smoother(instances([0, 0, 3000], [900, 0, 4000], ids=[7, 3]), 0.0)
    smooth = smoother(instances([900, 0, 4000], [0, 0, 3000], ids=[3, 7]), STEP_S)
    assert np.allclose(smooth['root_depths_mm'], [4000, 3000])
    free = smoother(instances([0, 0, 9000], ids=[-1]), 2 * STEP_S)
    assert np.allclose(free['root_depths_mm'], 9000)
    somebody = smoother(instances([0, 0, 8000], ids=[-1]), 3 * STEP_S)
    assert np.allclose(somebody['root_depths_mm'], 8000)


def test_gaps_cuts_and_memory():
    smoother = PeopleSmoother(ROOT)
    near, far = instances([0, 0, 3000]), instances([0, 0, 5000])
    smoother(near, 0.0)
    assert smoother(far, 0.4)['root_depths_mm'] < 5000
    assert smoother(near, 1.0)['root_depths_mm'] == 3000  # longer than half a second ago
    smoother.reset()
    assert smoother(far, 1.04)['root_depths_mm'] == 5000  # a cut
    assert smoother(near, 0.5)['root_depths_mm'] == 3000  # another video
    for t in range(200):
        smoother(instances([0, 0, 3000], ids=[t]), 1.0 + t)
    assert len(smoother._seats) == 1 and len(smoother._points['keypoints']._last) <= 2 * len(POSE_MM)


def test_people_with_unknown_joints():
    smoother, good = PeopleSmoother(ROOT), instances([0, 0, 3000], dtype=np.float64)
    smoother(good, 0.0)
    broken = {name: value.copy() for name, value in good.items()}
    broken['keypoints_3d'][0, 3], broken['keypoints'][0, 2] = np.nan, np.nan
    broken['smpl_body_pose'][0, 4], broken['smpl_betas'][0, 1] = np.nan, np.nan
    smooth = smoother(broken, STEP_S)
    assert np.isnan(smooth['keypoints_3d'][0]).any(-1).tolist() == [False, False, False, True]
    assert np.isnan(smooth['keypoints'][0]).any(-1).tolist() == [False, False, True, False]
    assert np.isnan(smooth['smpl_body_pose'][0]).any(-1).sum() == 1
    broken['keypoints_3d'][0, 0] = np.nan  # the root
    assert np.allclose(smoother(broken, 2 * STEP_S)['keypoints_3d'][0, [1, 2]], good['keypoints_3d'][0, [1, 2]])
    smooth = smoother(good, 3 * STEP_S)
    assert all(np.allclose(smooth[name], good[name], atol=1e-6) for name in smooth)


def test_nobody_and_bad_input():
    smoother = PeopleSmoother(ROOT)
    empty = smoother(instances(), 0.0)
    assert len(empty['keypoints']) == 0
    with pytest.raises(UserError, match='track_ids'):
        smoother(dict(keypoints=np.zeros((1, 4, 2))), 0.0)
    with pytest.raises(UserError, match='nan is no time'):
        smoother(instances(), float('nan'))
    # only what is there is smoothed
    assert set(smoother(dict(track_ids=np.array([0]), keypoints=np.zeros((1, 4, 2))), 1.0)) == {'keypoints'}
