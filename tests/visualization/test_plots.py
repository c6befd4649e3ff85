from __future__ import annotations

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from das_mm.errors import UserError
from das_mm.models.losses.density import error_density_grid
from das_mm.models.losses.rle_loss import RLELoss
from das_mm.registry import MODELS
from das_mm.visualization import draw_targets, plot_error_density, plot_metrics, plot_offset_maps, plot_training_curves
from das_mm.visualization.curves import read_scalars, split_scalars
from das_mm.visualization.density import coverage, region_levels
from das_mm.visualization.offset_maps import landing_points_px
from das_mm.visualization.palette import bgr, person_color

AXIS = (np.arange(80) + 0.5) * 0.15 - 6
LAPLACE_XY = SimpleNamespace(axes=(AXIS, AXIS), density=np.exp(-np.abs(AXIS)[:, None] - np.abs(AXIS)) / 4)
LAPLACE_Z = SimpleNamespace(axes=(AXIS,), density=np.exp(-np.abs(AXIS)) / 2)


def read(path) -> np.ndarray:
    image = cv2.imread(str(path))
    assert image is not None and image.std() > 5  # it decodes, and it is not blank
    return image


# ---------- curves


def run_records() -> list[dict]:
    """Two epochs of 30 iterations as mmengine's logger writes them, a validation after each (its step is the epoch)."""
    records = []
    for iteration in range(1, 61):
        loss = 5.0 / iteration
        records.append(
            dict(
                lr=1e-3,
                data_time=0.1,
                loss=loss,
                loss_cls=loss / 2,
                loss_pose=-loss,
                time=0.2,
                epoch=(iteration - 1) // 30 + 1,
                iter=iteration,
                memory=0,
                step=iteration,
            )
        )
        if iteration % 30 == 0:
            records.append(
                dict(mpjpe_mm=100.0 - iteration, recall=iteration / 60, data_time=0.1, time=0.1, step=iteration // 30)
            )
    return records


def test_series_over_iterations():
    training, validation = split_scalars(run_records())
    assert set(training) == {'lr', 'loss', 'loss_cls', 'loss_pose'} and set(validation) == {'mpjpe_mm', 'recall'}
    steps, values = training['loss']
    assert steps.tolist() == list(range(1, 61)) and values[9] == 0.5
    assert [v.tolist() for v in validation['mpjpe_mm']] == [[30, 60], [70.0, 40.0]]


def test_iteration_based_and_resumed_runs():
    records = [
        dict(loss=1.0, iter=10, step=10),
        dict(loss=2.0, iter=20, step=20),
        dict(recall=0.5, step=20),
        dict(loss=3.0, iter=20, step=20),
    ]  # resumed from 10
    training, validation = split_scalars(records)
    assert training['loss'][1].tolist() == [1.0, 3.0] and validation['recall'][0].tolist() == [20]


def test_training_curves_from_file(tmp_path):
    source = tmp_path / 'scalars.json'
    lines = [json.dumps(record) for record in run_records()]
    source.write_text('\n'.join(lines) + '\n{"loss": 0.1, "it')  # killed while writing
    assert len(read_scalars(source)) == len(lines)
    from_file = read(plot_training_curves(source, tmp_path / 'file.png'))
    from_list = read(plot_training_curves(run_records(), tmp_path / 'list.png'))
    assert (from_file == from_list).all()


def test_curve_errors(tmp_path):
    with pytest.raises(UserError, match='absent.json'):
        plot_training_curves(tmp_path / 'absent.json', tmp_path / 'p.png')
    (tmp_path / 'bad.json').write_text('{"loss": 1}\nnonsense\n{"loss": 2}\n')
    with pytest.raises(UserError, match='bad.json: line 2'):
        plot_training_curves(tmp_path / 'bad.json', tmp_path / 'p.png')
    with pytest.raises(UserError, match='no loss'):
        plot_training_curves([], tmp_path / 'p.png')
    with pytest.raises(UserError, match='no metric'):
        plot_metrics({}, tmp_path / 'p.png')
    (tmp_path / 'blocked').write_text('')
    with pytest.raises(UserError, match='blocked'):
        plot_metrics(dict(after=dict(recall=0.5)), tmp_path / 'blocked' / 'p.png')
    with pytest.raises(UserError, match='xyz'):
        plot_metrics(dict(after=dict(recall=0.5)), tmp_path / 'p.xyz')


def test_metric_bars(tmp_path):
    metrics = dict(before=dict(mpjpe_mm=200.0, recall=0.2), after=dict(mpjpe_mm=float('nan'), recall=0.9, pck_rel=0.5))
    image = read(plot_metrics(metrics, tmp_path / 'metrics.png'))
    second = (image == bgr(person_color(1))).all(-1)
    first = (image == bgr(person_color(0))).all(-1)
    # recall 0.9 against 0.2: the bars' areas stand so to each other; the NaN bar is not drawn
    recall = slice(image.shape[1] // 3, 2 * image.shape[1] // 3)
    assert second[:, recall].sum() / first[:, recall].sum() == pytest.approx(4.5, rel=0.05)
    assert second[:, : image.shape[1] // 3].sum() == 0 and first[:, : image.shape[1] // 3].sum() > 0


# ---------- density


def errors_of(rng: np.random.Generator, people: int, keypoints: int) -> tuple[np.ndarray, np.ndarray]:
    sigmas = np.broadcast_to([3.0, 3.0, 40.0], (people, keypoints, 3)) * rng.uniform(0.7, 1.4, (people, keypoints, 1))
    return rng.laplace(size=sigmas.shape) * sigmas, sigmas


def test_regions_hold_their_share():
    cell = 0.15**2
    for share in (0.5, 0.9):
        level = region_levels(LAPLACE_XY.density, [share])[0]
        inside = LAPLACE_XY.density >= level
        assert LAPLACE_XY.density[inside].sum() * cell == pytest.approx(share, abs=0.03)
    z = np.random.default_rng(0).laplace(size=(20000, 2))
    assert coverage(LAPLACE_XY.axes, LAPLACE_XY.density, z, 0.9) == pytest.approx(0.9, abs=0.015)
    assert coverage(LAPLACE_XY.axes, LAPLACE_XY.density, 2 * z, 0.9) < 0.7  # σ half of what it should be
    assert np.isnan(coverage(LAPLACE_XY.axes, LAPLACE_XY.density, z[:0]))


def test_density_panels(tmp_path):
    errors, sigmas = errors_of(np.random.default_rng(0), 60, 3)
    valid = np.ones((60, 3), bool)
    valid[:, 1] = False  # nobody labelled it: its panel says so
    image = read(
        plot_error_density(
            LAPLACE_XY, LAPLACE_Z, errors, sigmas, valid, ['left_wrist', 'nose', 'neck'], tmp_path / 'density.png'
        )
    )
    dots = image[..., 2].astype(int) - image[..., 0] > 40  # the errors' orange, the rest is blue and grey
    third = image.shape[1] // 3
    body = dots[: int(0.9 * len(image))]  # without the legend
    assert body[:, :third].sum() > 50 and body[:, 2 * third :].sum() > 50 and body[:, third : 2 * third].sum() == 0


def test_density_of_nobody_and_of_2d(tmp_path):
    read(
        plot_error_density(
            LAPLACE_XY,
            LAPLACE_Z,
            np.zeros((0, 2, 3)),
            np.zeros((0, 2, 3)),
            np.zeros((0, 2)),
            ['a', 'b'],
            tmp_path / 'none.png',
        )
    )
    errors, sigmas = errors_of(np.random.default_rng(0), 20, 2)
    errors[3, 0] = np.nan
    read(
        plot_error_density(
            LAPLACE_XY, None, errors[..., :2], sigmas[..., :2], np.ones((20, 2)), ['a', 'b'], tmp_path / 'flat.png'
        )
    )


def test_density_must_integrate_to_one(tmp_path):
    errors, sigmas = errors_of(np.random.default_rng(0), 5, 1)
    doubled = SimpleNamespace(axes=LAPLACE_XY.axes, density=2 * LAPLACE_XY.density)
    with pytest.raises(ValueError, match='integrates to 1.9'):
        plot_error_density(doubled, None, errors, sigmas, np.ones((5, 1)), ['a'], tmp_path / 'd.png')
    with pytest.raises(ValueError, match='over 1 dimensions'):
        plot_error_density(LAPLACE_XY, LAPLACE_XY, errors, sigmas, np.ones((5, 1)), ['a'], tmp_path / 'd.png')
    with pytest.raises(ValueError, match='do not fit'):
        plot_error_density(LAPLACE_XY, LAPLACE_Z, errors, sigmas, np.ones((5, 2)), ['a'], tmp_path / 'd.png')


def test_density_of_a_loss(tmp_path):
    """The grids of the loss go in as they are."""
    torch.manual_seed(0)
    loss = MODELS.build(dict(type=RLELoss, flow=dict(type='RealNVP', dims=3)))
    grids = [error_density_grid(loss, resolution=24, dims=dims) for dims in ((0, 1), (2,))]
    errors, sigmas = errors_of(np.random.default_rng(0), 30, 1)
    read(plot_error_density(*grids, errors, sigmas, np.ones((30, 1)), ['nose'], tmp_path / 'loss.png'))


# ---------- offset maps


def test_offsets_lead_from_point_centres():
    offsets = np.zeros((2, 3, 4, 5))
    offsets[1, 0], offsets[1, 1], offsets[1, 2] = 0.5, -1.0, 99  # the depth has no part in it
    points, landings = landing_points_px(offsets, 16)
    assert points.shape == (20, 2) and points[0].tolist() == [7.5, 7.5] and points[6].tolist() == [23.5, 23.5]
    assert (landings[:, 0] == points).all() and (landings[:, 1] - points == [8.0, -16.0]).all()


def test_offset_maps_show_where_arrows_land(tmp_path):
    target = np.array([[40.0, 30.0], [90.0, 60.0]])  # root, keypoint
    points, _ = landing_points_px(np.zeros((1, 2, 6, 8)), 16)
    exact = ((target[:, None] - points) / 16).transpose(0, 2, 1).reshape(2, 2, 6, 8)
    rough = exact + np.random.default_rng(0).normal(0, 0.5, exact.shape)
    image = np.full((96, 128, 3), 60, np.uint8)
    picture = read(
        plot_offset_maps(
            image,
            rough,
            16,
            ['mid_hip', 'left_wrist'],
            tmp_path / 'o.png',
            keypoints=[1],
            refined=exact,
            truth_px=target[None],
            root=0,
        )
    )
    landings = np.abs(picture.astype(int) - (0x33, 0xC5, 0xFF)).max(-1) < 30
    left, right = np.array_split(landings, 2, axis=1)
    # scattered before, all on one spot after
    spots = [np.nonzero(half[:, 60:])[1] for half in (left, right)]  # without the wheel of directions
    assert spots[0].std() > 3 * spots[1].std() > 0
    without_truth = plot_offset_maps(image, rough[:, :, :1], 16, ['a', 'b'], tmp_path / 'p.png', keypoints=[0, 1])
    assert read(without_truth).shape[0] > read(without_truth).shape[1]  # two rows, one column
    nan = np.full_like(rough, np.nan)
    read(
        plot_offset_maps(
            image, nan, 16, ['a', 'b'], tmp_path / 'n.png', keypoints=[1], truth_px=np.full((1, 2, 2), np.nan), root=0
        )
    )


def test_offset_map_errors(tmp_path):
    image, maps = np.zeros((32, 32, 3), np.uint8), np.zeros((1, 3, 2, 2))
    with pytest.raises(ValueError, match='root'):
        plot_offset_maps(image, maps, 16, ['a'], tmp_path / 'p.png', keypoints=[0], truth_px=np.zeros((1, 1, 2)))
    with pytest.raises(ValueError, match='different shapes'):
        plot_offset_maps(image, maps, 16, ['a'], tmp_path / 'p.png', keypoints=[0], refined=maps[..., :1])


# ---------- targets


def test_targets_fill_the_cells_of_their_level():
    image = np.full((64, 96, 3), 90, np.uint8)
    drawn = draw_targets(
        image,
        np.array([[31.5, 31.5], [83.5, 11.5]]),
        np.array([32, 8]),
        np.array([0, 1]),
        roots_px=np.array([[500.0, 5.0]]),
    )
    changed = (drawn != image).any(-1)
    assert changed[16:48, 16:48].all() and changed[8:16, 80:88].all()
    assert changed.sum() == 32 * 32 + 8 * 8  # and nothing else: the root lies outside
    assert tuple(drawn[31, 31]) == bgr(person_color(0)) and tuple(drawn[12, 84]) == bgr(person_color(1))


def test_targets_fade_with_centerness_and_hatch_ignored():
    image = np.full((64, 96, 3), 90, np.uint8)
    drawn = draw_targets(
        image,
        np.array([[15.5, 15.5], [47.5, 15.5]]),
        np.array([16, 16]),
        np.array([0, 0]),
        centerness=np.array([1.0, 0.2]),
        ignore_boxes_px=np.array([[10.0, 40, 60, 60], [np.nan] * 4]),
    )
    strength = np.abs(drawn.astype(int) - 90).max(-1)
    assert strength[10, 10] > 3 * strength[10, 42] > 0
    hatched = strength[40:61, 10:61] > 0
    assert 0.05 < hatched.mean() < 0.6 and not strength[62:].any() and not strength[40:, 64:].any()


def test_targets_of_nobody_and_scale():
    image = np.full((64, 96, 3), 90, np.uint8)
    nobody = draw_targets(image, np.zeros((0, 2)), np.zeros(0), np.zeros(0, int), scale=2)
    assert nobody.shape == (128, 192, 3) and (nobody == 90).all()
    drawn = draw_targets(
        image,
        np.array([[31.5, 31.5]]),
        np.array([16]),
        np.array([0]),
        scale=2,
        roots_px=np.array([[32.0, 30.0]]),
        root_depths_mm=np.array([3200.0]),
    )
    assert (drawn != 90).any(-1)[48:80, 48:80].all()
