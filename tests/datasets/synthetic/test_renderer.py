"""The renderer on shapes whose picture is known."""

from __future__ import annotations

import numpy as np
import pytest

from das_mm.bodies import load_generated_body
from das_mm.datasets.synthetic.appearance import sample_look
from das_mm.datasets.synthetic.clothing import dress
from das_mm.datasets.synthetic.environment import KINDS, build_environment
from das_mm.datasets.synthetic.film import develop, sample_film
from das_mm.datasets.synthetic.lighting import Light, Sky, to_linear, to_srgb
from das_mm.datasets.synthetic.materials import Plain, Tiled
from das_mm.datasets.synthetic.renderer import NOTHING, render
from das_mm.datasets.synthetic.surfaces import BACKGROUND, box, cylinder, ellipsoid, merge, quad
from das_mm.datasets.synthetic.texture_painters import KINDS as TEXTURES
from das_mm.datasets.synthetic.textures import sample_tile, texture_tile
from das_mm.datasets.synthetic.viewpoint import Viewpoint, look_rotation
from das_mm.rendering import ray_tracer as tracer

GREY = Plain((128.0, 128.0, 128.0))
VIEW = Viewpoint(
    np.array([[60.0, 0, 39.5], [0, 60.0, 29.5], [0, 0, 1]]), look_rotation(0.0, 0.0, 0.0), np.array([0, 1.0, 0]), 80, 60
)
LIGHT = Light(np.array([0, 100.0, -100.0]), np.ones(3), 0.0, np.full(3, 0.3), np.full(3, 0.3))
SKY = Sky(np.array([0, 0, 255.0]), np.array([0, 0, 255.0]), np.zeros(3))


def test_depth_owner_and_sky():
    wall = box((2, 2, 2), GREY, centre=(0, 1, 5), owner=3)  # its front lies 4 m before the camera
    drawn = render([wall, quad((-50, 0, -50), (0, 0, 100), (100, 0, 0), GREY)], VIEW, LIGHT, SKY)
    assert drawn.owner[30, 40] == 3 and drawn.depth_m[30, 40] == pytest.approx(4, abs=1e-4)
    seen = drawn.owner == 3
    # 2 m at 4 m through a focal length of 60 px: 30 px wide and high, about the camera's axis
    assert seen.sum() == 30 * 30 and seen[15:45, 25:55].all()
    assert drawn.owner[5, 5] == NOTHING and drawn.depth_m[5, 5] == 0
    assert drawn.owner[55, 5] == BACKGROUND
    assert drawn.depth_m[55, 5] == pytest.approx(60 * 1 / (55 - 29.5), rel=1e-4)  # ground 1 m below the camera
    assert drawn.radiance[2, 2, 2] > 0.9 > drawn.radiance[2, 2, 0]  # the sky is blue


def test_an_empty_view():
    drawn = render([box((1, 1, 1), GREY, centre=(0, 1, -5))], VIEW, LIGHT, SKY)
    assert (drawn.owner == NOTHING).all() and (drawn.depth_m == 0).all() and np.isfinite(drawn.radiance).all()


def test_outlines_are_smooth_but_masks_are_not():
    drawn = render([box((2, 2, 2), Plain((255.0, 255.0, 255.0)), centre=(0.02, 1, 5))], VIEW, LIGHT, SKY)
    edge = drawn.radiance[30, 20:30, 0]
    assert ((edge > 0.05) & (edge < 0.95 * edge.max())).any()
    assert set(np.unique(drawn.owner)) == {NOTHING, BACKGROUND}


@pytest.mark.parametrize('side_m', [0.1, 0.2, 0.3])
def test_an_edge_more_or_less_changes_the_picture_there_only(side_m):
    """Of too many edges some are smoothed; where rounding adds one, the others must not change places."""
    rng = np.random.default_rng(0)
    crowd = [
        ellipsoid(rng.uniform(0.06, 0.16, 3), Plain(tuple(rng.uniform(0, 255, 3))), (x, y, 5.0))
        for x in np.linspace(-2.6, 2.6, 14)
        for y in np.linspace(-0.8, 2.8, 10)
    ]
    one_more = box((side_m,) * 3, GREY, centre=(-3.0, 2.9, 5.0))
    before, after = (render(parts, VIEW, LIGHT, SKY).radiance for parts in (crowd, [*crowd, one_more]))
    changed = np.abs(after - before).max(-1) > 0.01
    assert changed[:12].any() and not changed[12:].any()


def test_shadow_falls_away_from_the_lamp():
    ground = quad((-50, 0, -50), (0, 0, 100), (100, 0, 0), GREY)
    light = Light(
        np.array([-100.0, 100.0, 5.0]), np.ones(3), 0.0, np.full(3, 0.1), np.full(3, 0.1)
    )  # from the world's -x side
    pole = box((0.4, 0.8, 0.4), GREY, centre=(0, 0.4, 5))
    open_ground, shaded = (render(parts, VIEW, light, SKY).radiance for parts in ([ground], [ground, pole]))
    left, right = (np.floor(VIEW.project(np.array([x, 0, 5.0])) + 0.5).astype(int) for x in (0.5, -0.5))
    assert shaded[left[1], left[0], 0] < 0.4 * open_ground[left[1], left[0], 0]
    assert shaded[right[1], right[0], 0] > 0.8 * open_ground[right[1], right[0], 0]


def test_corners_are_darker_than_open_ground():
    ground = quad((-50, 0, -50), (0, 0, 100), (100, 0, 0), GREY)
    dim = Light(np.array([0, 100.0, 0]), np.zeros(3), 0.0, np.full(3, 0.5), np.full(3, 0.5))
    drawn = render([ground, box((3, 1.5, 0.5), GREY, centre=(0, 0.75, 4))], VIEW, dim, SKY).radiance
    column, foot = np.floor(VIEW.project(np.array([0, 0, 3.7])) + 0.5).astype(int)
    assert drawn[foot, column, 0] < 0.85 * drawn[-2, column, 0]


@pytest.mark.parametrize(
    'shape', [box((1, 2, 0.5), GREY), cylinder(0.5, 1.0, GREY, top_radius=0.3), ellipsoid((1, 0.5, 0.7), GREY)]
)
def test_normals_point_outwards(shape):
    centres = shape.vertices[shape.faces].mean(1)
    normals = shape.normals[shape.faces].mean(1)
    assert ((centres * normals).sum(1) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(shape.normals, axis=1), 1, atol=1e-9)


@pytest.mark.parametrize('kind', list(TEXTURES))
def test_textures_wrap_and_blur_to_their_mean(kind):
    tile = texture_tile(kind, 0)
    uv = np.random.default_rng(0).uniform(-3, 3, (200, 2)).astype(np.float32)
    np.testing.assert_allclose(
        sample_tile(tile, uv, np.full(200, 0.004)), sample_tile(tile, uv + 2, np.full(200, 0.004)), atol=3
    )
    far = sample_tile(tile, uv, np.full(200, 2.0))
    np.testing.assert_allclose(far.mean(0), tile.levels[0].reshape(-1, 3).mean(0), atol=8)


def test_tiled_material_has_metric_size():
    tiled = Tiled('tiles', 0)
    side = texture_tile('tiles', 0).size_m
    here, there = (
        tiled.colour(np.array([[x, 0.1, 0]], np.float32), np.array([0.01], np.float32)) for x in (0.3, 0.3 + side)
    )
    np.testing.assert_allclose(here, there, atol=2)


@pytest.mark.parametrize('kind', list(KINDS))
def test_places_keep_clear_of_people_and_camera(kind):
    rng = np.random.default_rng(1)
    people = rng.uniform([-0.3, 0, 2.7], [0.3, 1.7, 3.3], (60, 3))
    place = build_environment(np.random.default_rng(2), people, VIEW, kind=kind)
    again = build_environment(np.random.default_rng(2), people, VIEW, kind=kind)
    assert len(place.surfaces) == len(again.surfaces) > 1
    drawn = render(
        place.surfaces + [ellipsoid((0.3, 0.85, 0.3), GREY, (0, 0.86, 3), owner=0)], VIEW, place.light, place.sky
    )
    assert (drawn.owner == 0).sum() > 50  # nothing hides the person wholly
    assert np.isfinite(drawn.radiance).all()
    picture = develop(drawn.radiance, sample_film(rng), rng)
    assert picture.dtype == np.uint8 and 15 < picture.mean() < 240


def test_clothes_stand_off_the_skin_and_hands_stay_bare():
    body = load_generated_body()
    for seed in range(8):
        look = sample_look(np.random.default_rng(seed))
        dressed = dress(body.v_template, look, 0)[0]
        distance = np.linalg.norm(dressed.vertices - body.v_template, axis=1)
        assert 0.003 < distance.max() < 0.09
        assert distance[np.abs(body.v_template[:, 0]) > 0.72].max() < 1e-6


def test_srgb_round_trip():
    values = np.arange(256, dtype=np.float32)
    np.testing.assert_allclose(to_srgb(to_linear(values)), values, atol=3)


def _many_shapes():
    rng = np.random.default_rng(4)
    return [ellipsoid(rng.uniform(0.1, 0.6, 3), GREY, rng.uniform([-2, -1, 3], [2, 2, 8])) for _ in range(12)]


def test_numpy_tracer_agrees_with_embree():
    pytest.importorskip('embreex')
    shapes = merge(_many_shapes() + [quad((-9, 0, -9), (0, 0, 40), (18, 0, 0), GREY)])
    rays = VIEW.rays(np.random.default_rng(0).uniform(0, 79, (2000, 2)))
    slow, fast = tracer.PlainTracer(shapes.vertices, shapes.faces), tracer.EmbreeTracer(shapes.vertices, shapes.faces)
    start = np.full_like(rays, 0.01)
    a, b = slow.first_hits(start, rays), fast.first_hits(start, rays)
    assert 0.2 < (b.face >= 0).mean() < 0.95
    same = a.face == b.face
    assert same.mean() > 0.995  # a ray through an edge may count for either side
    np.testing.assert_allclose(a.t[same], b.t[same], rtol=1e-4)
    hit = same & (a.face >= 0)
    np.testing.assert_allclose(a.bary[hit], b.bary[hit], atol=2e-3)
    for limit in (3.5, 6.0, np.inf):
        limits = np.full(len(rays), limit)
        assert (slow.blocked(start, rays, limits) == fast.blocked(start, rays, limits)).mean() > 0.995


def test_a_single_triangle_and_no_rays():
    triangle = np.array([[-1.0, -1, 2], [1, -1, 2], [0, 1, 2]])
    plain = tracer.PlainTracer(triangle, np.array([[0, 1, 2]]))
    hits = plain.first_hits(np.zeros((2, 3)), np.array([[0, 0, 1.0], [3, 0, 1]]))
    assert hits.face.tolist() == [0, -1] and hits.t[0] == pytest.approx(2) and np.isinf(hits.t[1])
    np.testing.assert_allclose(hits.bary[0], [0.25, 0.5], atol=1e-6)
    assert plain.first_hits(np.zeros((0, 3)), np.zeros((0, 3))).face.shape == (0,)


def test_without_embree_the_picture_is_the_same(monkeypatch):
    pytest.importorskip('embreex')
    surfaces = _many_shapes() + [quad((-50, 0, -50), (0, 0, 100), (100, 0, 0), GREY)]
    with_embree = render(surfaces, VIEW, LIGHT, SKY)
    monkeypatch.setattr(tracer, 'EmbreeScene', None)
    without = render(surfaces, VIEW, LIGHT, SKY)
    assert (with_embree.owner == without.owner).mean() > 0.999
    assert np.abs(with_embree.radiance - without.radiance).mean() < 2e-3
