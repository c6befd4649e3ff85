"""From perfect maps to people, the choices of inference, and bad input."""

import numpy as np
import pytest

from das_mm.errors import UserError
from das_mm.structures import focal_px, project
from projects.mar.mar.mar_decoder import MARDecoder
from projects.mar.mar.root_depths import InputCamera
from projects.mar.tests.scenes import DEPTH_SCALE, K_832, SET, STRIDE, TORSO_MM, crowd, perfect_maps

DECODER = MARDecoder(SET, STRIDE, DEPTH_SCALE, TORSO_MM)
CAMERA = InputCamera(K_832)
NECK, ROOT, WRIST = 0, 2, 5


@pytest.fixture(scope='module')
def people():
    return crowd([(-1.0, 3.5), (0.6, 4.5), (2.2, 6.0)])


@pytest.fixture(scope='module')
def maps(people):
    return perfect_maps(people)


def decode(maps, **test_cfg):
    return DECODER.decode(**maps, camera=CAMERA, test_cfg=test_cfg)


def matched(found, people):
    pixels = project(people, K_832)
    return np.linalg.norm(found['roots_px'][:, None] - pixels[None, :, ROOT], axis=-1).argmin(1)


def test_perfect_maps_give_the_people(maps, people):
    found = decode(maps)
    rows = matched(found, people)
    assert sorted(rows) == [0, 1, 2] and (np.diff(found['scores']) <= 0).all()
    pixels = project(people, K_832)[rows]
    assert np.linalg.norm(found['keypoints_px'] - pixels, axis=-1).max() < 3
    relative = people[rows][..., 2] - people[rows][:, [ROOT], 2]
    np.testing.assert_allclose(found['relative_depths_mm'], relative, atol=0.1)
    true = people[rows][:, ROOT, 2] / focal_px(K_832)
    np.testing.assert_allclose(found['depth_regression_norm'], true, rtol=1e-4)
    np.testing.assert_allclose(found['depth_geometry_norm'], true, rtol=0.03)  # of places that are parts of a cell off
    assert found['depth_geometry_valid'].all() and found['keypoint_from_heatmap'].all()
    np.testing.assert_allclose(found['depth_geometry_sigma_norm'], 1, rtol=1e-5)


def test_which_depth_is_told(maps):
    wrong = dict(maps, depth=maps['depth'].copy())
    wrong['depth'][0] *= 1.5
    wrong['depth'][1] += np.log(3.0)  # σ1 is three times σ2
    told = {source: decode(wrong, depth_source=source) for source in ('fused', 'mean', 'regression', 'geometry')}
    depth = {source: one['root_depths_norm'] for source, one in told.items()}
    regressed, geometric = told['fused']['depth_regression_norm'], told['fused']['depth_geometry_norm']
    np.testing.assert_allclose(depth['fused'], (regressed / 3 + geometric) / (1 / 3 + 1), rtol=1e-5)
    np.testing.assert_allclose(depth['mean'], (regressed + geometric) / 2, rtol=1e-5)
    np.testing.assert_allclose(depth['regression'], regressed)
    np.testing.assert_allclose(depth['geometry'], geometric)
    for one in told.values():  # the depth changes nothing but the depth
        np.testing.assert_array_equal(one['keypoints_px'], told['fused']['keypoints_px'])
        np.testing.assert_array_equal(one['relative_depths_mm'], told['fused']['relative_depths_mm'])


def test_a_hidden_joint_comes_from_its_offset(maps, people):
    hidden = dict(maps, heatmaps=maps['heatmaps'].copy())
    hidden['heatmaps'][WRIST] *= 0.3  # a peak, but a low one
    adaptive, strict = decode(hidden), decode(hidden, switch_thr=0.5)
    assert adaptive['keypoint_from_heatmap'][:, WRIST].all() and not strict['keypoint_from_heatmap'][:, WRIST].any()
    assert strict['keypoint_from_heatmap'].sum() == 3 * 14
    pixels = project(people, K_832)[matched(strict, people)]
    assert np.linalg.norm(strict['keypoints_px'] - pixels, axis=-1)[:, WRIST].max() < 3
    blind = decode(hidden, switch_thr=0.5, pose_source='heatmap')  # there the joint is nowhere
    np.testing.assert_array_equal(blind['keypoints_px'][:, WRIST], blind['roots_px'])
    np.testing.assert_array_equal(blind['relative_depths_mm'], strict['relative_depths_mm'])


def test_offsets_alone_are_not_the_structured_pose(maps):
    moved = dict(maps, offsets=maps['offsets'] + 0.0)
    moved['offsets'][3 * (WRIST - 1)] += 5  # cells; the root is before it in the set, so its row is one less
    both, alone = decode(moved), decode(moved, pose_source='offset')
    shift = np.abs(alone['keypoints_px'][:, WRIST, 0] - both['keypoints_px'][:, WRIST, 0])
    assert (shift > 15).all() and not alone['keypoint_from_heatmap'][:, WRIST].any()
    np.testing.assert_array_equal(alone['roots_px'], both['roots_px'])


def test_no_torso_no_geometry(maps, people):
    flat = dict(maps, offsets=maps['offsets'].copy())
    flat['offsets'][2] = 3.0  # the neck three torsos behind the root: no depth solves that
    found = decode(flat)
    assert not found['depth_geometry_valid'].any()
    assert np.isnan(found['depth_geometry_norm']).all() and np.isinf(found['depth_geometry_sigma_norm']).all()
    np.testing.assert_array_equal(found['root_depths_norm'], found['depth_regression_norm'])


def test_nobody():
    maps = perfect_maps(crowd([]))
    found = decode(maps)
    assert found['keypoints_px'].shape == (0, 15, 2) and found['root_depths_norm'].shape == (0,)
    assert decode(perfect_maps(crowd([(0, 4.0)])), score_thr=1.0)['scores'].shape == (0,)


@pytest.mark.parametrize(
    'change, camera, test_cfg, field',
    [
        (lambda maps: {}, InputCamera(np.diag([0.0, 1000, 1])), {}, 'camera.K'),
        (lambda maps: dict(fields=maps['fields'][:, :64]), CAMERA, {}, 'fields'),
        (lambda maps: dict(offsets=maps['offsets'][:12]), CAMERA, {}, 'offsets'),
        (lambda maps: dict(depth=maps['depth'] * np.nan), CAMERA, {}, 'offsets, depth'),
        (lambda maps: {}, CAMERA, dict(depth_source='both'), 'test_cfg.depth_source'),
        (lambda maps: {}, CAMERA, dict(pose_source='none'), 'test_cfg.pose_source'),
    ],
)
def test_bad_input_is_told(maps, change, camera, test_cfg, field):
    with pytest.raises(UserError) as told:
        DECODER.decode(**{**maps, **change(maps)}, camera=camera, test_cfg=test_cfg)
    assert told.value.field == field and told.value.remedy
